"""Every value survives being written down, and hostile texts do no harm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from engines import NOW, stored
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.ledger.codec import dump, key, load, moment, stamp
from storage.types import (
    Alert,
    AuditEntry,
    Delivery,
    Document,
    Event,
    Lease,
    LevelChange,
    Member,
    Reply,
    StoredDocument,
    Task,
    User,
)

_times = st.datetimes(
    min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.sampled_from([UTC])  # noqa: DTZ001
)  # fmt: skip
st.register_type_strategy(datetime, _times)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**53), 2**53))


@pytest.mark.parametrize(
    "kind",
    [Document, StoredDocument, Event, Member, LevelChange, Alert, Task, Reply, Delivery, Lease, User, AuditEntry],
)
def test_round_trip(kind: type[Any]) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.from_type(kind))
    def check(value: object) -> None:
        assert load(kind, dump(value)) == value

    check()


def test_fields_of_another_version() -> None:
    tree = dump(stored(1).document).replace('"likes":null', '"wishes":3')
    assert load(Document, tree) == stored(1).document


def test_lone_surrogates_are_replaced_and_nothing_else() -> None:
    document = replace(stored(1).document, text="a\ud800b\0😀", extra={"k\udfff": "v"})
    loaded = load(Document, dump(document))
    assert (loaded.text, dict(loaded.extra)) == ("a\ufffdb\0😀", {"k\ufffd": "v"})
    assert key("a\0\ud800😀") == "a\ufffd\ufffd😀"


def test_a_time_without_zone_is_refused() -> None:
    naive = replace(stored(1).document, fetched_at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="缺少时区"):
        dump(naive)
    with pytest.raises(ValueError, match="缺少时区"):
        stamp(naive.fetched_at)


@given(_times)
def test_a_stamp_is_exact_and_in_order(at: datetime) -> None:
    assert moment(stamp(at)) == at
    assert stamp(at + timedelta(microseconds=1)) == stamp(at) + 1
    assert stamp(at.astimezone(NOW.tzinfo)) == stamp(at)
