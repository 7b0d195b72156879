"""From a question to Elasticsearch's query DSL: pure. The same spellings of a word as in SQLite (`plan.spellings`).

Everything stands in filters: hits are never ranked by a score, because two engines would never agree on one.
"""

import hashlib
from collections.abc import Sequence

from storage.documents.elastic_schema import Json
from storage.documents.plan import Segment, spellings
from storage.documents.rows import EARLIEST, LATEST, milliseconds
from storage.ledger.codec import key
from storage.ports import DocumentQuery, SortOrder
from storage.query import And, Near, Node, Not, Or, Word

#: the built-in `whitespace` analyzer cuts tokens at 255 UTF-16 units; a longer one is indexed under its hash
_LONGEST = 120
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_NOTHING: Json = {"match_none": {}}
#: values of one `terms` clause; the server's own limit is 65,536
_TERMS = 60_000

SORTS: dict[SortOrder, list[Json]] = {
    "newest": [{"at": "desc"}, {"id": "asc"}],
    "oldest": [{"at": "asc"}, {"id": "asc"}],
    "spread": [{"spread": "desc"}, {"at": "desc"}, {"id": "asc"}],
}


def compile_query(query: DocumentQuery, segment: Segment) -> Json:
    """The whole question as one `bool` in filter context."""
    wanted: list[Json] = []
    unwanted: list[Json] = []
    between = _between(query)
    if between:
        wanted.append(between)
    if query.words is not None:
        wanted.append(compile_words(query.words, segment))
    wanted += [any_of(name, texts) for name, texts in query.filters.items()]
    if query.historic is not None:
        wanted.append({"term": {"historic": query.historic}})
    if not query.duplicates:
        unwanted.append({"exists": {"field": "duplicate"}})
    return {"bool": {"filter": wanted, "must_not": unwanted}} if wanted or unwanted else {"match_all": {}}


def any_of(name: str, texts: Sequence[str]) -> Json:
    """Any of the values; of no values, nothing."""
    values = [key(text) for text in texts]
    parts = [{"terms": {name: values[start : start + _TERMS]}} for start in range(0, len(values), _TERMS)]
    if len(parts) <= 1:
        return parts[0] if parts else _NOTHING
    return {"bool": {"should": parts, "minimum_should_match": 1}}


def compile_words(node: Node, segment: Segment) -> Json:
    """A syntax tree as DSL.

    The server counts how deep `bool` stands in `bool` and stops at 30. So an exclusion goes into the `must_not` of its
    conjunction, and one alternative of a conjunction into its `should`: brackets 15 deep always fit, 20 usually.
    """
    match node:
        case Word(text):
            return _word(spellings(text, segment))
        case Near(left, right, distance):
            return _near(spellings(left.text, segment), spellings(right.text, segment), distance)
        case Not(part):
            return {"bool": {"must_not": _alternatives(part, segment)}}
        case Or():
            return _either(_alternatives(node, segment))
        case And(parts):
            return _conjunction(parts, segment)


def token(text: str) -> str:
    """A token as it is indexed: FTS5 folds A-Z, so this does; a very long one is known by its hash."""
    text = text.translate(_LOWER)
    return text if len(text) <= _LONGEST else text[:32] + "\ue000" + hashlib.blake2b(text.encode()).hexdigest()[:40]


def indexed_tokens(tokens: str) -> str:
    """What the field `tok` is given for a document's tokens."""
    parts = tokens.split(" ")
    if max(map(len, parts)) <= _LONGEST:
        return tokens.translate(_LOWER)
    return " ".join(map(token, parts))


def _conjunction(parts: Sequence[Node], segment: Segment) -> Json:
    wanted: list[Json] = []
    unwanted: list[Json] = []
    choices: list[Or] = []
    for part in parts:
        if isinstance(part, Not):
            unwanted += _alternatives(part.part, segment)
        elif isinstance(part, Or):
            choices.append(part)
        else:
            wanted.append(compile_words(part, segment))
    body: Json = {"filter": wanted, "must_not": unwanted}
    if choices:
        deepest = max(choices, key=_depth)
        wanted += [compile_words(choice, segment) for choice in choices if choice is not deepest]
        body |= {"should": _alternatives(deepest, segment), "minimum_should_match": 1}
    return {"bool": body}


def _alternatives(node: Node, segment: Segment) -> list[Json]:
    """Clauses of which any is enough; single tokens are gathered into one `terms`: 1,000 words are one clause."""
    clauses: list[Json] = []
    tokens: list[str] = []
    for part in node.parts if isinstance(node, Or) else (node,):
        if isinstance(part, Word):
            for run in spellings(part.text, segment):
                if len(run) == 1:
                    tokens.append(token(run[0]))
                else:
                    clauses.append(_phrase(run))
        else:
            clauses.append(compile_words(part, segment))
    if tokens:
        clauses.append({"terms": {"tok": tokens}})
    return clauses or [_NOTHING]


def _word(runs: list[list[str]]) -> Json:
    clauses = [_phrase(run) for run in runs]
    return _either(clauses) if clauses else _NOTHING


def _either(clauses: list[Json]) -> Json:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}


def _phrase(run: Sequence[str]) -> Json:
    if len(run) == 1:
        return {"term": {"tok": token(run[0])}}
    return {"match_phrase": {"tok": {"query": " ".join(map(token, run)), "slop": 0}}}


def _near(left: list[list[str]], right: list[list[str]], distance: int) -> Json:
    if not left or not right:
        return _NOTHING
    clauses = [_span(left[0]), _span(right[0])]
    return {"span_near": {"clauses": clauses, "slop": distance, "in_order": False}}


def _span(run: Sequence[str]) -> Json:
    terms = [{"span_term": {"tok": token(text)}} for text in run]
    return terms[0] if len(terms) == 1 else {"span_near": {"clauses": terms, "slop": 0, "in_order": True}}


def _between(query: DocumentQuery) -> Json | None:
    if query.since is None and query.until is None:
        return None
    low = EARLIEST if query.since is None else max(milliseconds(query.since), EARLIEST)
    high = LATEST + 1 if query.until is None else min(milliseconds(query.until), LATEST + 1)
    return {"range": {"at": {"gte": low, "lt": high, "format": "epoch_millis"}}}


def _depth(node: Node) -> int:
    match node:
        case Not(part):
            return _depth(part) + 1
        case And(parts) | Or(parts):
            return max(map(_depth, parts)) + 1
        case _:
            return 0
