"""The contract of the document port: every case that two engines could answer differently. Engines are parameters.

The embedded store always; Elasticsearch wherever a server can be started (`engines.search_server`), and in CI without
fail. At the end both are handed the same documents and the same thousand generated questions.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from engines import MINUTE, NOW, cut, empty_elastic, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.documents import SqliteDocuments
from storage.ports import DocumentQuery, DocumentStore, StoreError
from storage.query import And, Near, Node, Not, Or, Word, parse
from storage.types import StoredDocument

SHANGHAI = "Asia/Shanghai"


Open = Callable[[Callable[[str], str]], DocumentStore]


@pytest.fixture(params=["sqlite", "elastic"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Opens an empty store that cuts words in a given way."""
    made: list[DocumentStore] = []

    def open_one(segment: Callable[[str], str]) -> DocumentStore:
        if request.param == "sqlite":
            store: DocumentStore = SqliteDocuments(tmp_path_factory.mktemp("any") / "documents.db", segment=segment)
        else:
            store = empty_elastic(segment)
        made.append(store)
        return store

    yield open_one
    for store in made:
        assert store.recount() == []  # after whatever a test did
        store.close()


@pytest.fixture
def store(opened: Open) -> DocumentStore:
    return opened(cut)


def ids(store: DocumentStore, text: str | None = None, **asked: object) -> list[str]:
    query = DocumentQuery(words=parse(text) if text else None, **asked)  # type: ignore[arg-type]
    page = store.search(query, size=1000)
    assert page.total == len(page.rows) == store.count(query)
    assert sorted(row.document.id for row in page.rows) == sorted(row.document.id for row in store.scan(query, batch=2))
    return [row.document.id for row in page.rows]


def test_what_is_put_comes_back_whole(store: DocumentStore) -> None:
    row = stored(1, "食品安全", topics=("food",), areas=("beiyuan",), keywords=("食品",), likes=3, extra={"列": "值"})
    row = replace(row, assessment=replace(row.assessment, signature=b"\0\xff"), event="e1", duplicate_of=None)
    assert store.put([row]).new == 1
    assert store.get(["missing", "1"]) == [row]
    assert store.by_url("x") is None


def test_a_put_is_idempotent_and_says_what_it_did(store: DocumentStore) -> None:
    first = stored(1, "原文", likes=1)
    assert store.put([first, stored(2)]).new == 2
    again = replace(first, document=replace(first.document, fetched_at=NOW + 5 * MINUTE))
    assert store.put([again]).unchanged == 1
    liked = replace(first, document=replace(first.document, likes=9))
    result = store.put([liked, stored(3)])
    assert (result.new, result.updated, result.unchanged) == (1, 1, 0)
    assert store.get(["1"])[0].version == 1
    assert store.versions("1") == []


def test_a_changed_text_is_a_new_version_and_only_the_new_one_is_found(store: DocumentStore) -> None:
    store.put([stored(1, "停水通知", topics=("water",))])
    later = NOW + 30 * MINUTE
    changed = stored(1, "停电通知", fetched_at=later, topics=("power",))
    assert store.put([changed]).updated == 1
    assert ids(store, "停水") == []
    assert ids(store, "停电") == ["1"]
    assert store.versions("1") == [(1, NOW, "", "停水通知")]
    kept = store.get(["1"])[0]
    assert (kept.version, kept.document.fetched_at) == (2, NOW)  # it came in when it first came in
    store.put([stored(1, "停气通知", fetched_at=later + MINUTE)])
    assert [(v, seen) for v, seen, _, _ in store.versions("1")] == [(1, NOW), (2, later)]
    assert store.facets(DocumentQuery(), "topic") == []


def test_the_same_id_twice_in_one_batch(store: DocumentStore) -> None:
    result = store.put([stored(1, "先"), stored(2), stored(1, "后")])
    assert (result.new, result.updated) == (2, 1)
    assert ids(store, "后") == ["1"]


def test_a_put_without_event_leaves_the_event(store: DocumentStore) -> None:
    store.put([stored(1), stored(2)])
    store.set_event({"1": "e1", "missing": "e1"})
    store.put([stored(1, likes=4)])
    assert store.get(["1"])[0].event == "e1"
    assert ids(store, filters={"event": ["e1"]}) == ["1"]
    assert ids(store, "示例", filters={"event": ["e1", "e2"]}) == ["1"]
    assert store.facets(DocumentQuery(), "event") == [("e1", 1)]
    store.set_event({"1": None})
    assert store.facets(DocumentQuery(words=parse("示例")), "event") == []


def test_bad_rows_are_refused_one_by_one(store: DocumentStore) -> None:
    far = stored(1, at=datetime(2999, 1, 1, tzinfo=UTC))
    naive = stored(2, at=datetime(2026, 1, 1))  # noqa: DTZ001
    result = store.put([far, stored(3), naive])
    assert result.new == 1
    assert [document for document, _ in result.refused] == ["1", "2"]
    assert all("时" in reason for _, reason in result.refused)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("食品", ["1", "2"]),
        ("食品安全", ["1"]),  # a word of several tokens is a phrase on adjacent ones
        ("安全 食品", ["1", "2"]),
        ("食品 -安全", []),
        ("-食品", ["3", "4"]),  # only an exclusion is legal
        ("-(食品 | 地铁)", ["4"]),
        ("-食品 | 安全", ["1", "2", "3", "4"]),
        ("地铁 | 食品", ["1", "2", "3"]),
        ("-不存在", ["1", "2", "3", "4"]),
        ("不存在 | 地铁", ["3"]),
        ("不存在 地铁", []),
        ("Covid-19", ["4"]),
        ("covid", []),
        ("安 NEAR/2 食", ["1", "2"]),
        ("安 NEAR/1 食", ["1"]),
        ("？", ["2"]),
        ('"a""b"', []),
    ],
)
def test_words(store: DocumentStore, query: str, found: list[str]) -> None:
    texts = ["食品安全", "安全的食品？全", "地铁开通", "COVID-19 通报"]
    store.put([stored(n, text, at=NOW - n * MINUTE) for n, text in enumerate(texts, 1)])
    assert ids(store, query) == found


def test_a_dictionary_word_is_found_inside_a_longer_one(opened: Open) -> None:
    cuts = {
        "食品安全": "食品 安全 食品安全",
        "食品安全法": "食品 安全 食品安全法",
        "安全食品": "安全 食品",
        "增值税率": "增值 税率 增值税 增值税率",
        "增值税": "增值 增值税",
    }
    store = opened(lambda text: cuts.get(text.strip(), text))
    rows = [stored(n, text) for n, text in enumerate(cuts)]
    store.put([replace(row, assessment=replace(row.assessment, tokens="")) for row in rows])
    assert ids(store, "食品安全") == ["0", "1"]
    assert ids(store, "食品安全法") == ["1"]
    assert ids(store, "-食品安全") == ["2", "3", "4"]
    assert ids(store, "增值税") == ["3", "4"]
    assert ids(store, "增值税率") == ["3"]


def test_filters_are_any_within_a_field_and_all_across_fields(store: DocumentStore) -> None:
    store.put(
        [
            stored(1, topics=("a", "b"), kind="news", flags=("rumour",), at=NOW),
            stored(2, topics=("b",), kind="forum", label="negative", areas=("x",), at=NOW - MINUTE),
            stored(3, topics=(), kind="forum", keywords=("路灯",), department="cg", at=NOW - 2 * MINUTE),
        ]
    )
    assert ids(store, filters={"topic": ["a", "b"]}) == ["1", "2"]
    assert ids(store, filters={"topic": ["b"], "kind": ["forum"]}) == ["2"]
    assert ids(store, "示例", filters={"kind": ["forum", "news"], "sentiment": ["negative"]}) == ["2"]
    assert ids(store, filters={"flag": ["rumour"]}) == ["1"]
    assert ids(store, filters={"keyword": ["路灯"]}) == ["3"]
    assert ids(store, filters={"department": ["cg"]}) == ["3"]
    assert ids(store, filters={"area": ["x"]}) == ["2"]
    assert ids(store, filters={"topic": ["unknown"]}) == []
    assert ids(store, filters={"topic": []}) == []  # any of none
    assert ids(store, filters={"event": []}) == []


def test_a_look_alike_topic_counts_only_where_there_is_no_incident(store: DocumentStore) -> None:
    row = stored(1, topics=("drill", "fire"))
    topics = (replace(row.assessment.topics[0], incident=False), row.assessment.topics[1])
    store.put([replace(row, assessment=replace(row.assessment, topics=topics))])
    assert store.facets(DocumentQuery(), "topic") == [("fire", 1)]


def test_ranges_are_half_open_on_milliseconds(store: DocumentStore) -> None:
    store.put([stored(n, at=NOW + timedelta(milliseconds=n)) for n in range(4)])
    since, until = NOW + timedelta(milliseconds=1), NOW + timedelta(milliseconds=3)
    assert ids(store, since=since, until=until) == ["2", "1"]
    assert ids(store, "示例", since=since, until=until, sort="oldest") == ["1", "2"]
    assert ids(store, since=until, until=since) == []
    assert ids(store, since=NOW - 400 * 365 * 24 * 60 * MINUTE) == ["3", "2", "1", "0"]


def test_times_before_1970_and_far_ahead_are_kept_in_order(store: DocumentStore) -> None:
    times = [
        datetime(1949, 10, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, tzinfo=UTC),
        NOW,
        datetime(2099, 1, 1, tzinfo=UTC),
    ]
    store.put([stored(n, at=at) for n, at in enumerate(times)])
    assert ids(store, "示例") == ["3", "2", "1", "0"]
    assert ids(store, sort="oldest") == ["0", "1", "2", "3"]
    months = store.histogram(DocumentQuery(words=parse("示例"), until=NOW), step="month", timezone=SHANGHAI)
    assert (months[0].start.year, months[0].count, months[-1].start.isoformat()) == (
        1949,
        1,
        "1970-01-01T00:00:00+08:00",
    )
    assert months == store.histogram(DocumentQuery(until=NOW), step="month", timezone=SHANGHAI)
    with pytest.raises(StoreError, match="时间跨度过大"):
        store.histogram(DocumentQuery(), step="hour", timezone=SHANGHAI)


def test_pages_are_complete_whatever_the_ties(store: DocumentStore) -> None:
    rows = [stored(f"{n:02}", at=NOW + (n // 7) * MINUTE, likes=n % 3) for n in range(30)]
    store.put(rows[::-1])
    for sort in ("newest", "oldest", "spread"):
        query = DocumentQuery(words=parse("示例"), sort=sort)  # type: ignore[arg-type]
        whole = [row.document.id for row in store.search(query, size=100).rows]
        sign = 1 if sort == "oldest" else -1
        expected = sorted(
            rows,
            key=lambda r: (
                -(r.document.likes or 0) if sort == "spread" else 0,
                sign * r.document.at.timestamp(),
                r.document.id,
            ),
        )
        assert whole == [row.document.id for row in expected]
        for size in (1, 4, 7, 29, 30):
            assert _walk(store, query, size) == whole


def _walk(store: DocumentStore, query: DocumentQuery, size: int) -> list[str]:
    found: list[str] = []
    after: str | None = None
    while True:
        page = store.search(query, size=size, after=after)
        assert page.total == 30
        found += [row.document.id for row in page.rows]
        after = page.after
        if after is None:
            return found


def test_a_position_that_is_not_ours_is_refused(store: DocumentStore) -> None:
    for text in ("x", "!!", "MSAyIDM", "é", "MCA5OTk5OTk5OTk5OTk5OTk5OTk5OTkgYQ=="):
        with pytest.raises(StoreError, match="第一页"):
            store.search(DocumentQuery(), after=text)


def test_totals_and_pages_go_beyond_ten_thousand(store: DocumentStore) -> None:
    store.put([stored(f"{n:05}", "一") for n in range(10_500)])
    query = DocumentQuery(words=parse("一"))
    assert store.search(query, size=1).total == 10_500
    assert sum(1 for _ in store.scan(query, batch=4000)) == 10_500


def test_days_are_local_and_empty_ones_are_there(store: DocumentStore) -> None:
    late = datetime(2026, 3, 1, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    store.put(
        [stored(1, at=late, label="negative"), stored(2, at=late + MINUTE), stored(3, at=late + timedelta(days=3))]
    )
    for query in (DocumentQuery(), DocumentQuery(words=parse("示例")), DocumentQuery(filters={"kind": ["forum"]})):
        days = store.histogram(query, step="day", timezone=SHANGHAI)
        assert [(b.start.isoformat(), b.count, b.negative) for b in days] == [
            ("2026-03-01T00:00:00+08:00", 1, 1),
            ("2026-03-02T00:00:00+08:00", 1, 0),
            ("2026-03-03T00:00:00+08:00", 0, 0),
            ("2026-03-04T00:00:00+08:00", 1, 0),
        ]
        assert [b.count for b in store.histogram(query, step="week", timezone=SHANGHAI)] == [1, 2]
        assert [b.start.day for b in store.histogram(query, step="week", timezone=SHANGHAI)] == [23, 2]
        assert [b.count for b in store.histogram(query, step="month", timezone=SHANGHAI)] == [3]
        assert len(store.histogram(query, step="hour", timezone=SHANGHAI)) == 73
    assert [b.count for b in store.histogram(DocumentQuery(), step="day", timezone="Asia/Kathmandu")] == [2, 0, 0, 1]
    assert store.histogram(DocumentQuery(words=parse("无")), step="day", timezone=SHANGHAI) == []
    with pytest.raises(StoreError, match="没有时区"):
        store.histogram(DocumentQuery(), step="day", timezone="Mars/Base")


def test_facets_fall_by_count_then_rise_by_value(store: DocumentStore) -> None:
    for n, topics in enumerate([("b", "a"), ("a",), ("c", "b"), ("中",)]):
        store.put([stored(n, topics=topics)])
    expected = [("a", 2), ("b", 2), ("c", 1), ("中", 1)]
    for query in (DocumentQuery(), DocumentQuery(words=parse("示例")), DocumentQuery(since=NOW)):
        assert store.facets(query, "topic") == expected
        assert store.facets(query, "topic", size=2) == expected[:2]
        assert store.facets(query, "area") == []
    assert store.facets(DocumentQuery(filters={"topic": ["a"]}), "topic") == [("a", 2), ("b", 1)]
    assert store.facets(DocumentQuery(filters={"kind": ["forum"]}), "kind") == [("forum", 4)]


def test_history_and_duplicates_can_be_left_out(store: DocumentStore) -> None:
    store.put(
        [stored(1), stored(2, historic=True), stored(3, duplicate_of="1"), stored(4, historic=True, duplicate_of="2")]
    )
    for text in (None, "示例", "-无"):
        assert ids(store, text) == ["1", "2", "3", "4"]
        assert ids(store, text, historic=False) == ["1", "3"]
        assert ids(store, text, historic=True) == ["2", "4"]
        assert ids(store, text, duplicates=False) == ["1", "2"]
        assert ids(store, text, historic=True, duplicates=False) == ["2"]
    assert store.latest() == NOW
    assert store.facets(DocumentQuery(historic=False, duplicates=False), "kind") == [("forum", 1)]


def test_deleted_means_gone_everywhere(store: DocumentStore) -> None:
    store.put([stored(1, "甲", url="http://a.invalid/1"), stored(2, "甲乙", label="negative", topics=("t",))])
    store.put([stored(2, "乙", label="negative", topics=("t",))])
    assert store.delete(["2", "missing"]) == 1
    assert ids(store, "乙") == []
    assert store.versions("2") == []
    assert store.facets(DocumentQuery(), "topic") == []
    assert [b.negative for b in store.histogram(DocumentQuery(), step="day", timezone=SHANGHAI)] == [0]
    found = store.by_url("http://a.invalid/1")
    assert found is not None
    assert found.document.id == "1"
    assert store.delete([]) == 0


def test_a_purge_goes_by_when_documents_came_in(store: DocumentStore) -> None:
    old = NOW - timedelta(days=200)
    store.put([stored(n, published_at=NOW, fetched_at=old) for n in range(600)])
    store.put([stored("old news", published_at=old, fetched_at=NOW)])
    assert store.purge(NOW - timedelta(days=180)) == 600
    assert ids(store) == ["old news"]
    assert store.purge(NOW - timedelta(days=180)) == 0
    # what is counted can be opened: the counts go with the documents
    assert store.count(DocumentQuery()) == 1
    assert store.facets(DocumentQuery(), "source") == [("forum-1", 1)]
    assert sum(b.count for b in store.histogram(DocumentQuery(), step="day", timezone=SHANGHAI)) == 1


def test_a_document_without_date_keeps_its_first_place_in_time(store: DocumentStore) -> None:
    store.put([stored(1, published_at=None, at=NOW)])
    store.put([stored(1, published_at=None, at=NOW + 60 * MINUTE, likes=5)])
    assert ids(store, since=NOW, until=NOW + MINUTE) == ["1"]
    assert store.latest() == NOW


@pytest.mark.parametrize(
    "text", ["a\0b 甲", "\ud800 甲", "\ue000any 甲", "甲 😀 𠮷", "甲 \"' OR -- *", "甲\x1c\x85\u2028乙", ""]
)
def test_hostile_texts_go_in_and_come_out(store: DocumentStore, text: str) -> None:
    store.put([stored("x" + text, text, title=text, url=text, keywords=(text, "k"), topics=(text,)), stored(2, "乙")])
    assert store.count(DocumentQuery()) == 2
    if "甲" in text:
        assert len(ids(store, "甲")) == 1
    for query in (Word(text), Word("any"), Word("\ue000any"), Word(text, phrase=True), Near(Word(text), Word("*"), 3)):
        store.search(DocumentQuery(words=query))
    assert len(ids(store, filters={"kind": ["forum"]})) == 2
    assert store.delete(["x" + text]) == 1


def test_an_expression_cannot_break_out_of_its_quotes(store: DocumentStore) -> None:
    store.put([stored(1, 'x" OR "y'), stored(2, "y")])
    assert ids(store, filters={"kind": ['forum" OR "']}) == []
    assert [r.document.id for r in store.search(DocumentQuery(words=Word('x" OR "y'))).rows] == ["1"]


def test_a_long_text_and_a_long_token(store: DocumentStore) -> None:
    store.put([stored(1, "长" * 300_000 + " " + "w" * 70_000)])
    assert ids(store, "长") == ["1"]
    assert store.search(DocumentQuery(words=Word("w" * 70_000))).total == 1


def test_a_thousand_alternatives(store: DocumentStore) -> None:
    store.put([stored(1, "甲")])
    query = DocumentQuery(words=Or((*(Word(f"w{n}") for n in range(999)), Word("甲"))))
    assert store.count(query) == 1
    assert store.count(DocumentQuery(words=Not(query.words or Word("")))) == 0
    assert store.count(DocumentQuery(words=And(tuple(Not(Word(f"w{n}")) for n in range(999))))) == 1


ALPHABET = "甲乙丙ab"
_word = st.text(ALPHABET, min_size=1, max_size=2).map(Word)
_near = st.builds(
    Near, st.sampled_from(list("甲乙丙")).map(Word), st.sampled_from(list("甲乙丙")).map(Word), st.integers(1, 3)
)
_trees: st.SearchStrategy[Node] = st.recursive(
    st.one_of(_word, _word, _near),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda p: And(tuple(p))),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: Or(tuple(p))),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


@st.composite
def _rows(draw: st.DrawFn) -> list[StoredDocument]:
    texts = draw(st.lists(st.text(ALPHABET + " ", max_size=6), min_size=1, max_size=8))
    return [
        stored(
            f"{n}",
            text,
            at=NOW + draw(st.integers(-3, 3)) * 37 * MINUTE,
            label=draw(st.sampled_from(["negative", "neutral"])),
            kind=draw(st.sampled_from(["news", "forum"])),
            topics=tuple(draw(st.sets(st.sampled_from("xyz")))),
            historic=draw(st.booleans()),
            duplicate_of=draw(st.sampled_from([None, "0"])),
        )
        for n, text in enumerate(texts)
    ]


_queries = st.builds(
    DocumentQuery,
    words=st.one_of(st.none(), _trees),
    since=st.one_of(st.none(), st.integers(-150, 150).map(lambda n: NOW + n * MINUTE)),
    until=st.one_of(st.none(), st.integers(-150, 150).map(lambda n: NOW + n * MINUTE)),
    filters=st.dictionaries(
        st.sampled_from(["topic", "kind"]),
        st.lists(st.sampled_from(["x", "y", "news", "forum"]), max_size=2),
        max_size=2,
    ),
    historic=st.sampled_from([None, True, False]),
    duplicates=st.booleans(),
    sort=st.sampled_from(["newest", "oldest"]),
)


def holds(node: Node, tokens: list[str]) -> bool:
    """What a store should answer, read off the tokens one by one."""
    match node:
        case Word(text):
            wanted = cut(text).split()
            return any(tokens[i : i + len(wanted)] == wanted for i in range(len(tokens) - len(wanted) + 1))
        case Near(left, right, distance):
            places = [
                (i, j) for i, a in enumerate(tokens) if a == left.text for j, b in enumerate(tokens) if b == right.text
            ]
            return any(abs(i - j) - 1 <= distance for i, j in places if i != j or left == right)
        case Not(part):
            return not holds(part, tokens)
        case And(parts):
            return all(holds(part, tokens) for part in parts)
        case Or(parts):
            return any(holds(part, tokens) for part in parts)


def expected(rows: list[StoredDocument], query: DocumentQuery) -> list[StoredDocument]:
    def hit(row: StoredDocument) -> bool:
        document, values = row.document, {"kind": {row.document.kind}, "topic": {t.id for t in row.assessment.topics}}
        return (
            (query.words is None or holds(query.words, row.assessment.tokens.split()))
            and (query.since is None or document.at >= query.since)
            and (query.until is None or document.at < query.until)
            and all(values[name] & set(texts) for name, texts in query.filters.items())
            and (query.historic is None or document.historic == query.historic)
            and (query.duplicates or row.duplicate_of is None)
        )

    sign = 1 if query.sort == "oldest" else -1
    return sorted(filter(hit, rows), key=lambda row: (sign * row.document.at.timestamp(), row.document.id))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_rows(), queries=st.lists(_queries, min_size=5, max_size=12))
def test_any_question_is_answered_as_a_plain_reading_would(
    store: DocumentStore, rows: list[StoredDocument], queries: list[DocumentQuery]
) -> None:
    store.delete([f"{n}" for n in range(8)])
    store.put(rows)
    for query in queries:
        hits = expected(rows, query)
        page = store.search(query, size=5)
        assert [row.document.id for row in page.rows] == [row.document.id for row in hits[:5]]
        assert page.total == len(hits)
        counted: dict[str, int] = {}
        for row in hits:
            for topic in row.assessment.topics:
                counted[topic.id] = counted.get(topic.id, 0) + 1
        assert store.facets(query, "topic") == sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        hours = store.histogram(query, step="hour", timezone=SHANGHAI)
        assert sum(b.count for b in hours) == len(hits)
        assert sum(b.negative for b in hours) == sum(row.assessment.sentiment.label == "negative" for row in hits)
        assert all(b.count == sum(b.start <= r.document.at < b.start + 60 * MINUTE for r in hits) for b in hours)
    assert store.recount() == []
    store.delete([row.document.id for row in rows[::2]])
    assert store.recount() == []
    assert store.count(DocumentQuery()) == len(rows[1::2])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DocumentStore, DocumentStore]]:
    """The same 400 documents in both engines, written in another order and in other portions."""
    chance = random.Random(7)
    rows = [
        stored(
            n,
            "".join(chance.choices(ALPHABET + " ", k=chance.randint(0, 12))),
            at=NOW + chance.randint(-90, 90) * 97 * MINUTE,
            label=chance.choice(["negative", "neutral", "positive"]),
            kind=chance.choice(["news", "forum"]),
            topics=tuple(chance.sample("xyz", chance.randint(0, 3))),
            keywords=tuple(chance.sample("甲乙丙丁戊己庚", chance.randint(0, 4))),
            historic=chance.random() < 0.2,
            duplicate_of="0" if chance.random() < 0.2 else None,
            likes=chance.choice([None, 0, 1, 2]),
        )
        for n in range(400)
    ]
    pair = (SqliteDocuments(tmp_path_factory.mktemp("both") / "documents.db", segment=cut), empty_elastic(cut))
    for store in pair:
        for start in range(0, 400, 130):
            store.put(rows[start : start + 130])
        rows.reverse()
    yield pair
    for store in pair:
        store.close()


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries=st.lists(_queries, min_size=20, max_size=20), sort=st.sampled_from(["newest", "oldest", "spread"]))
def test_a_thousand_questions_get_the_same_answers(
    both: tuple[DocumentStore, DocumentStore], queries: list[DocumentQuery], sort: str
) -> None:
    for query in queries:
        query = replace(query, sort=sort)  # type: ignore[arg-type]
        answers = []
        for store in both:
            page = store.search(query, size=7)
            answers.append((
                [row.document.id for row in page.rows],
                page.total,
                page.after,
                store.facets(query, "keyword", size=5),
                store.histogram(query, step="day", timezone=SHANGHAI),
            ))  # fmt: skip
        assert answers[0] == answers[1]
