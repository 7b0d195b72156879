"""How good an extraction is, against an expected page: used by the floor in the tests and by the benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crawlers.dates import CHINA
from crawlers.extract import Article
from crawlers.heading import bare
from crawlers.opinion import shingles


@dataclass(frozen=True, slots=True, kw_only=True)
class PageScore:
    """F1 over shingles of four characters, and which fields are right (None where the page prints none)."""

    f1: float
    title: bool
    day: bool | None
    minute: bool | None
    source: bool | None
    author: bool | None
    leaks: int


def score(article: Article, gold: Mapping[str, Any]) -> PageScore:
    """Compare with {title, text, published_at (ISO), exact, source, author, optional, must_not}."""
    optional = set().union(*(shingles(t) for t in gold.get("optional", ()))) if gold.get("optional") else set()
    want = shingles(gold["text"])
    got = shingles(article.text) - (optional - want)
    at = datetime.fromisoformat(gold["published_at"]) if gold.get("published_at") else None
    at = at.replace(tzinfo=CHINA) if at and at.tzinfo is None else at
    exact = bool(at) and gold.get("exact", True)
    found = article.published_at
    return PageScore(
        f1=2 * len(got & want) / (len(got) + len(want)) if got and want else 0.0,
        title=bare(article.title) == bare(gold["title"]),
        day=None if at is None else found is not None and found.date() == at.date(),
        minute=None if at is None or not exact else found is not None and _minute(found) == _minute(at),
        source=article.source == gold["source"] if gold.get("source") else None,
        author=article.author == gold["author"] if gold.get("author") else None,
        leaks=sum(text in article.text for text in gold.get("must_not", ())),
    )


def summary(scores: Sequence[PageScore]) -> dict[str, float]:
    """Means over pages: f1, worst, title, day, minute, source, author, leaks (pages that let something through)."""
    figures = {"f1": mean([s.f1 for s in scores]), "worst": min(s.f1 for s in scores)}
    for name in ("title", "day", "minute", "source", "author"):
        values = [getattr(s, name) for s in scores]
        figures[name] = mean([float(v) for v in values if v is not None])
    return {**figures, "leaks": float(sum(s.leaks > 0 for s in scores))}


def mean(values: Sequence[float]) -> float:
    """Mean; 1.0 of nothing, since nothing was wrong."""
    return sum(values) / len(values) if values else 1.0


def _minute(at: datetime) -> datetime:
    return at.astimezone(CHINA).replace(second=0, microsecond=0)
