"""From a question to FTS5: pure but for looking up the numbers of filter values."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from storage.documents.rows import (
    ANY,
    DUPLICATE,
    EARLIEST,
    FIELDS,
    HISTORIC,
    LATEST,
    MARK,
    OLD,
    REPEAT,
    TIE_BITS,
    clean_tokens,
    milliseconds,
)
from storage.ports import DocumentQuery
from storage.query import And, Near, Node, Not, Or, Word, normal

Segment = Callable[[str], str]
Find = Callable[[int, Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to read: an index expression (None = no need of the index), a range of keys, what SQL must check."""

    match: str | None  #: words and filters
    words: str | None = None  #: of `match` the words alone
    filters: tuple[tuple[int, tuple[int, ...]], ...] = ()  #: of `match` the filters alone: any of the values of a field
    low: int
    high: int
    classes: frozenset[int]
    events: tuple[str, ...] | None = None
    empty: bool = False  #: nothing can match

    def between(self, low: int, high: int) -> "Plan":
        """The same within [low, high) of keys."""
        return replace(self, low=max(low, self.low), high=min(high, self.high))

    def marked(self, v: int) -> "Plan":
        """The same with one more filter value."""
        return replace(self, match=f"({self.match}) AND {_mark(v)}" if self.match else _mark(v))


#: an index expression and whether its complement is meant; None matches nothing
Sided = tuple[bool, str | None]


def plan(query: DocumentQuery, segment: Segment, find: Find) -> Plan:
    """Decide how a question is read."""
    low = EARLIEST if query.since is None else max(milliseconds(query.since), EARLIEST)
    high = LATEST + 1 if query.until is None else min(milliseconds(query.until), LATEST + 1)
    result = Plan(match=None, low=low << TIE_BITS, high=high << TIE_BITS, classes=classes(query))
    parts: list[str] = []
    if query.words is not None:
        complement, expression = compile_fts(query.words, segment)
        if complement:
            parts.append(f"{_any()} NOT ({expression})" if expression else _any())
        elif expression is None:
            return replace(result, empty=True)
        else:
            parts.append(expression)
    filters: list[tuple[int, tuple[int, ...]]] = []
    for name, texts in query.filters.items():
        if name == "event":
            result = replace(result, events=tuple(texts))
            continue
        numbers = find(FIELDS[name], texts)
        if not numbers:
            return replace(result, empty=True)
        filters.append((FIELDS[name], tuple(numbers)))
    marks = [" OR ".join(_mark(v) for v in numbers) for _, numbers in filters]
    return replace(
        result,
        match=_conjunction([*parts, *marks]),
        words=_conjunction(parts),
        filters=tuple(filters),
        empty=low >= high or result.events == (),
    )


def classes(query: DocumentQuery) -> frozenset[int]:
    """Classes of documents that a question allows (see `Row.kind`)."""
    return frozenset(
        kind
        for kind in range(4)
        if (query.historic is None or bool(kind & HISTORIC) == query.historic)
        and (query.duplicates or not kind & DUPLICATE)
    )


def source(plan: Plan) -> tuple[str, list[object]]:
    """SQL that yields the keys `n` of all hits, and its parameters."""
    wanted_events = "SELECT value FROM json_each(?)"
    events: list[object] = [] if plan.events is None else [_json(plan.events)]
    if plan.match is None:
        sql = "SELECT n FROM doc WHERE n >= ? AND n < ?"
        if plan.classes != frozenset(range(4)):
            sql += f" AND class IN ({','.join(map(str, sorted(plan.classes)))})"
        return sql + (f" AND event IN ({wanted_events})" if events else ""), [plan.low, plan.high, *events]
    sql = "SELECT rowid AS n FROM fts WHERE fts MATCH ? AND rowid >= ? AND rowid < ?"
    if events:  # the + keeps FTS5 from running the expression once per document of the event
        sql += f" AND +rowid IN (SELECT n FROM doc WHERE event IN ({wanted_events}))"
    return sql, [_with_classes(plan.match, plan.classes), plan.low, plan.high, *events]


def wanted(plan: Plan) -> tuple[str, list[object]]:
    """`source` for words, events and time alone; the caller checks classes and filters."""
    return source(replace(plan, match=plan.words, classes=frozenset(range(4))))


def compile_fts(node: Node, segment: Segment) -> Sided:
    """FTS5 has no unary NOT; so every part is an expression or the complement of one (De Morgan)."""
    match node:
        case Word(text):
            return False, " OR ".join(_quoted(tokens) for tokens in spellings(text, segment)) or None
        case Near(left, right, distance):
            a, b = spellings(left.text, segment), spellings(right.text, segment)
            return False, f"NEAR({_quoted(a[0])} {_quoted(b[0])}, {distance})" if a and b else None
        case Not(part):
            complement, expression = compile_fts(part, segment)
            return not complement, expression
        case And(parts):
            return _all_of([compile_fts(part, segment) for part in parts])
        case Or(parts):  # a or b = not (not a and not b)
            complement, expression = _all_of([(not c, e) for c, e in (compile_fts(p, segment) for p in parts)])
            return not complement, expression


def _all_of(sides: list[Sided]) -> Sided:
    wanted = [expression for complement, expression in sides if not complement]
    unwanted = [expression for complement, expression in sides if complement and expression]
    if None in wanted:
        return False, None
    if not wanted:
        return True, " OR ".join(f"({part})" for part in unwanted) or None
    both = " AND ".join(f"({part})" for part in wanted)
    return False, f"({both}) NOT ({' OR '.join(f'({part})' for part in unwanted)})" if unwanted else both


def spellings(text: str, segment: Segment) -> list[list[str]]:
    """The runs of tokens by which a word may stand in the index, cut by the same segmenter; [] where nothing is left.

    In search mode a word of the dictionary comes after its parts (食品 安全 食品安全). It is found as the whole, for
    parts of a longer word may stand between (增值 税率 增值税 增值税率), or as its parts side by side where they make
    it up, because inside a longer word (食品安全法) the whole may be missing. Anything else is a phrase.
    """
    tokens = clean_tokens(segment(text)).split()
    if not tokens:
        return []
    *parts, whole = tokens
    if parts and whole == "".join(normal(text).split()):
        return [[whole], parts] if "".join(parts) == whole else [[whole]]
    return [tokens]


def _quoted(tokens: Sequence[str]) -> str:
    return '"' + " ".join(tokens).replace('"', '""') + '"'


def _conjunction(parts: list[str]) -> str | None:
    return " AND ".join(f"({part})" for part in parts) or None


def _with_classes(match: str, allowed: frozenset[int]) -> str:
    if allowed == frozenset(range(4)):
        return match
    if all(kind & HISTORIC for kind in allowed):
        match = f"({match}) AND {_sign(OLD)}"
    elif not any(kind & HISTORIC for kind in allowed):
        match = f"({match}) NOT {_sign(OLD)}"
    return f"({match}) NOT {_sign(REPEAT)}" if not any(kind & DUPLICATE for kind in allowed) else match


def _mark(v: int) -> str:
    return _sign(str(v))


def _sign(name: str) -> str:
    return f'"{MARK}{name}"'


def _any() -> str:
    return _sign(ANY)


def _json(texts: Sequence[str]) -> str:
    return json.dumps(list(texts))
