"""Votes of buckets: numpy and Python count the same, to the last digit."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import events_votes
from analysis.events_votes import most_voted

BUCKETS = st.lists(
    st.tuples(st.lists(st.integers(1, 60), min_size=1, max_size=20, unique=True), st.floats(1e-6, 1.0)), min_size=1
)


@given(BUCKETS, st.integers(1, 30))
def test_both_ways_count_the_same(buckets: list[tuple[list[int], float]], most: int) -> None:
    probed = [(array("i", numbers), vote) for numbers, vote in buckets]
    found = []
    for many in (0, 10**6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(events_votes, "_MANY", many)
            found.append(most_voted(probed, most))
    assert found[0] == found[1]


def test_the_most_voted_first_and_of_equals_the_older() -> None:
    probed = [(array("i", [7, 3, 9]), 0.5), (array("i", [9, 4]), 0.25)]
    assert most_voted(probed, 3) == [9, 3, 7]
