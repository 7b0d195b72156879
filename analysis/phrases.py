"""New phrases inside a topic: proposals for its keywords, which a person judges; no rule is ever changed by itself.

documents of the topic, now and before ─pairs of words→ how many hold each ─log-likelihood→ those that rise
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from math import log
from typing import NamedTuple

from analysis.words import tokens
from storage.ports import DocumentQuery, DocumentStore, FacetField
from storage.query import Word, parse, unparse, words
from storage.types import Topic

BEFORE = 4  #: as many stretches before are compared with
MOST = 20_000  #: documents of a topic that are read for each side, the newest first
_PAGE = 1000
_SIGNIFICANT = 10.8  #: chi-squared with one degree of freedom at p = .001
_FEWEST = 3  #: documents that hold a phrase


class Rising(NamedTuple):
    """A phrase with the number of documents that hold it, now and before."""

    phrase: str
    score: float
    now: int
    before: int


def proposed(
    documents: DocumentStore,
    topic: Topic,
    now: datetime,
    span: timedelta,
    *,
    most: int = MOST,
) -> list[Rising]:
    """Phrases that rise inside a topic within `span` and that its rule does not name yet, strongest first."""
    named = set(words(parse(topic.rule)))
    known = {"".join(tokens(word)) for word in named} | named
    recent = _tokens(documents, topic, now - span, now, most)
    earlier = _tokens(documents, topic, now - span * (BEFORE + 1), now - span, most)
    return [found for found in rising(recent, earlier) if found.phrase not in known]


def addition(found: Iterable[Rising]) -> str:
    """What would be added to the end of the topic's rule: "| 养殖尾水 | 尾水直排"."""
    return " ".join(f"| {unparse(Word(each.phrase))}" for each in found)


def _tokens(documents: DocumentStore, topic: Topic, since: datetime, until: datetime, most: int) -> Iterator[list[str]]:
    filters: Mapping[FacetField, Sequence[str]] = {"topic": [topic.id]}
    query = DocumentQuery(since=since, until=until, filters=filters, duplicates=False, sort="newest")
    after: str | None = None
    while most > 0:
        page = documents.search(query, size=min(_PAGE, most), after=after)
        yield from (row.assessment.tokens.split() for row in page.rows)
        most, after = most - len(page.rows), page.after
        if after is None:
            return


def rising(now: Iterable[Sequence[str]], before: Iterable[Sequence[str]], count: int = 20) -> list[Rising]:
    """Phrases of two words that are held by a larger share of the documents now than before, strongest first.

    Score: log-likelihood ratio (Dunning 1993) of the share of documents that hold the phrase, now against before.
    """
    new, n_new = _phrases(now)
    old, n_old = _phrases(before)
    scored = [Rising(p, _dunning(k, n_new, old[p], n_old), k, old[p]) for p, k in new.items() if k >= _FEWEST]
    return sorted((r for r in scored if r.score > _SIGNIFICANT), key=lambda r: (-r.score, r.phrase))[:count]


def _phrases(texts: Iterable[Sequence[str]]) -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    documents = 0
    for found in texts:
        documents += 1
        plain = [w for w, _ in groupby(found) if len(w) > 1 and not w.isascii()]
        counts.update({a + b for a, b in pairwise(plain) if a not in b and b not in a})
    return counts, documents


def _dunning(k1: int, n1: int, k2: int, n2: int) -> float:
    if not n1 or k1 / n1 <= (k2 / n2 if n2 else 0.0):
        return 0.0
    p = (k1 + k2) / (n1 + n2)

    def likelihood(k: int, n: int, q: float) -> float:
        return k * log(q) + (n - k) * log(1 - q) if 0 < q < 1 else 0.0

    p2 = k2 / n2 if n2 else 0.0
    return 2 * (likelihood(k1, n1, k1 / n1) + likelihood(k2, n2, p2) - likelihood(k1, n1, p) - likelihood(k2, n2, p))
