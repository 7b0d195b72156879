"""Writing to Elasticsearch. There are no transactions: the order of steps makes every one of them repeatable.

    put     month claimed → present state read → earlier state kept → document written if nobody else did meanwhile
    delete  document → its earlier states → its month

Killed between two steps: a claimed month without a document, or an earlier state that no document counts. Both are
passed over by every reader and overwritten by the next put.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from storage.documents.elastic_client import Action, Outcome, Server, say
from storage.documents.elastic_query import indexed_tokens
from storage.documents.elastic_schema import Json, Names, earlier_id, month_of, row_id
from storage.documents.rows import FIELDS, SINGLE, Row, keep_first
from storage.ledger.codec import build
from storage.ports import StoreError
from storage.types import Assessment, Document, StoredDocument

_ATTEMPTS = 10
_CONFLICT, _BAD = 409, 400
_NAMES = {number: name for name, number in FIELDS.items()}
#: what a put must know of the state that stands
_STATE = ["came", "seen", "event", "duplicate", "version", "digest", "words", "title", "text", "document.fetched_at"]


@dataclass(frozen=True, slots=True)
class Found:
    """A document as it stands, with what tells whether it was changed since."""

    index: str
    source: Json
    lock: Json  #: if_seq_no, if_primary_term


@dataclass(frozen=True, slots=True)
class Change:
    """What a put will do with one row."""

    verdict: str  #: new, updated or unchanged
    source: Json
    earlier: Json | None = None


def put_rows(
    server: Server, names: Names, rows: Sequence[Row], make_months: Callable[[set[str]], None]
) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Write rows with distinct ids; `make_months` makes the indices of months that will get a first document.

    Returns {"new", "updated", "unchanged"} and what was refused, with reasons.
    """
    tally, refused = Counter[str](), list[tuple[str, str]]()
    waiting = {row.id: row for row in rows}
    for _ in range(_ATTEMPTS):
        months, claimed = claim(server, names, {row.id: month_of(row.came) for row in waiting.values()})
        known = find(server, names, {i: month for i, month in months.items() if i not in claimed}, _STATE)
        make_months({month for i, month in months.items() if i not in known})
        changes = {i: decide(row, known.get(i)) for i, row in waiting.items()}
        outcomes = _write(server, names, changes, months, known)
        for i, change in changes.items():
            outcome = outcomes.get(i)
            if outcome is not None and outcome.status == _CONFLICT:
                continue
            del waiting[i]
            if outcome is not None and outcome.status == _BAD:
                refused.append((i, f"文档库不收这条文档：{outcome.reason}"))
                continue
            _check([outcome] if outcome else [])
            tally[change.verdict] += 1
        if not waiting:
            return tally, refused
    raise StoreError("多个进程一再同时改写同一批文档：请稍后再试")


def decide(row: Row, found: Found | None) -> Change:
    """New, changed or the same: pure, and the same rules as in the embedded store."""
    if found is None:
        return Change("new", to_source(row, row.came, 1))
    old = found.source
    seen, version = row.came, old["version"]
    row = replace(row, event=row.event or old.get("event"), duplicate=row.duplicate or old.get("duplicate"))
    if (row.digest.hex(), row.event, row.duplicate) == (old["digest"], old.get("event"), old.get("duplicate")):
        return Change("unchanged", old)
    row = keep_first(row, came=old["came"], fetched_at=datetime.fromisoformat(old["document"]["fetched_at"]))
    if row.words.hex() == old["words"]:
        return Change("updated", to_source(row, old["seen"], version))
    earlier = {name: old[name] for name in ("version", "seen", "title", "text")}
    return Change("updated", to_source(row, seen, version + 1), earlier)


def claim(server: Server, names: Names, wanted: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """Document id → month, for each id; a new id is given the month named, unless another process was faster.

    And the ids that were claimed just now: nothing can stand there yet.
    """
    months = months_of(server, names, wanted)
    fresh = {i: month for i, month in wanted.items() if i not in months}
    outcomes = server.bulk([Action("create", names.ids, row_id(i), {"month": month}) for i, month in fresh.items()])
    lost = {i for i, outcome in zip(fresh, outcomes, strict=True) if outcome.status == _CONFLICT}
    _check(outcomes)
    return months | fresh | months_of(server, names, lost), set(fresh) - lost


def months_of(server: Server, names: Names, ids: Iterable[str]) -> dict[str, str]:
    """Document id → month, for those that are known; in real time."""
    asked = {row_id(i): i for i in ids}
    if not asked:
        return {}
    docs = server.mget([{"_index": names.ids, "_id": i} for i in asked])
    return {asked[doc["_id"]]: doc["_source"]["month"] for doc in docs if doc.get("found")}


def find(
    server: Server, names: Names, months: Mapping[str, str], fields: Sequence[str] | None = None
) -> dict[str, Found]:
    """Documents by id, in real time; those that are not there are left out."""
    if not months:
        return {}
    wanted = [{"_index": names.month(month), "_id": row_id(i)} for i, month in months.items()]
    docs = server.mget(wanted, fields)
    return {
        i: Found(doc["_index"], doc["_source"], {"if_seq_no": doc["_seq_no"], "if_primary_term": doc["_primary_term"]})
        for i, doc in zip(months, docs, strict=True)
        if doc.get("found")
    }


def delete(server: Server, names: Names, versions: Mapping[str, tuple[str, int]]) -> int:
    """Take out documents (id → index, version) with their earlier states; returns how many were there."""
    outcomes = server.bulk([Action("delete", index, row_id(i)) for i, (index, _) in versions.items()])
    forget(server, names, {i: version for i, (_, version) in versions.items()})
    return sum(outcome.result == "deleted" for outcome in outcomes)


def forget(server: Server, names: Names, versions: Mapping[str, int]) -> None:
    """Take out what stands beside the months: earlier states, then where the document was."""
    earlier = [Action("delete", names.earlier, earlier_id(i, v)) for i, n in versions.items() for v in range(1, n)]
    _check(server.bulk(earlier))
    _check(server.bulk([Action("delete", names.ids, row_id(i)) for i in versions]))


def to_source(row: Row, seen: int, version: int) -> Json:
    """What Elasticsearch keeps of a document; an absent value is left out, an empty one is not the same."""
    document, assessment = orjson.loads(row.core)
    title, text = document.pop("title"), document.pop("text")
    document |= {"fetched_at": row.fetched_at.isoformat(), "raw": row.raw}
    for name in ("tokens", "masked_title", "masked_text"):
        assessment.pop(name, None)
    tok = indexed_tokens(row.tokens)
    if tok != row.tokens:
        assessment["tokens"] = row.tokens
    source: Json = {
        "id": row.id, "at": row.at, "came": row.came, "seen": seen, "url": row.url, "event": row.event,
        "duplicate": row.duplicate, "historic": row.historic, "spread": row.spread, "version": version,
        "digest": row.digest.hex(), "words": row.words.hex(), "title": title, "text": text, "tok": tok,
        "document": document, "assessment": assessment,
    }  # fmt: skip
    for number, value in row.values:
        name = _NAMES[number]
        if name in SINGLE:
            source[name] = value
        else:
            source.setdefault(name, []).append(value)
    return {name: value for name, value in source.items() if value is not None}


def from_source(source: Json) -> StoredDocument:
    """The document behind `to_source`."""
    document = source["document"] | {"title": source["title"], "text": source["text"]}
    assessment = {"tokens": source["tok"]} | source["assessment"]
    return StoredDocument(
        document=build(Document, document),
        assessment=build(Assessment, assessment),
        event=source.get("event"),
        duplicate_of=source.get("duplicate"),
        version=source["version"],
    )


def _write(
    server: Server, names: Names, changes: Mapping[str, Change], months: Mapping[str, str], known: Mapping[str, Found]
) -> dict[str, Outcome]:
    """Earlier states first, so that a version that is counted can be shown; then the documents."""
    earlier = [
        Action("index", names.earlier, earlier_id(i, change.earlier["version"]), change.earlier)
        for i, change in changes.items()
        if change.earlier is not None
    ]
    _check(server.bulk(earlier))
    actions = {
        i: Action("index", known[i].index, row_id(i), change.source, known[i].lock)
        if i in known
        else Action("create", names.month(months[i]), row_id(i), change.source)
        for i, change in changes.items()
        if change.verdict != "unchanged"
    }
    return dict(zip(actions, server.bulk(list(actions.values())), strict=True))


def _check(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if not outcome.ok and outcome.status != _CONFLICT:
            told = say(outcome.result)
            raise StoreError(told or f"文档库没有写成（{outcome.result}：{outcome.reason}）：请查看 Elasticsearch 日志")
