"""A town that does not exist, talking for some weeks: documents with known incidents, for replays and benchmarks.

    seed → chatter of every day + incidents (size, speed, platforms, reposts, rumour, reply) → outage delays → documents

Every text is put together from the parts in `app.townstream_words`. The same seed gives the same stream; truth comes
with it. Size alone does not make the truth: an incident's level is drawn first, and what is seen follows from it.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from app.townstream_words import DETAILS, DOING, FEELING, FIRST, MATTERS, SECOND, THINGS, WHEN, Matter
from storage.types import Document, Kind

LEVELS = ("blue", "yellow", "orange", "red")
#: documents of an incident, from and to, and documents after which somebody who saw all would have raised it
_SIZE = {"blue": (5, 9, 3), "yellow": (18, 32, 8), "orange": (70, 120, 25), "red": (200, 300, 60)}
_GRAVE = 0.35  #: share of a red incident's posts that speak of people hurt or gathering
_LIKES = {"blue": 2, "yellow": 12, "orange": 120, "red": 900}


def _pick(rng: random.Random, words: str) -> str:
    return rng.choice(words.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What really happened, and how it should have been graded."""

    id: str
    topic: str
    level: str  #: id of a level that it deserves at its height
    fast: bool
    start: datetime
    due_at: datetime  #: when enough was public for that level
    peak_at: datetime  #: middle of the busiest hour
    documents: tuple[str, ...]
    rumour: bool = False
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TownStream:
    """Documents in order of arrival, and the truth."""

    documents: tuple[Document, ...]
    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """An incident to stage. What is None is drawn: matter, speed, size, start, rumour, reply."""

    level: str
    topic: str | None = None
    fast: bool | None = None
    size: int | None = None  #: posts, without reposts
    at: float | None = None  #: hours after the start of the stream
    kinds: Mapping[Kind, float] = field(default_factory=lambda: {"social": 6, "forum": 3, "message": 2, "hotline": 1})
    reposts: float = 0.2  #: copies per social post
    rumour: bool | None = None
    reply: bool | None = None


def town_stream(
    *,
    seed: int,
    start: datetime,
    days: int = 14,
    chatter: int = 60,
    incidents: Mapping[str, int] | Sequence[Script] | None = None,
    outage: tuple[float, float] | None = None,
    holidays: Collection[date] = (),
) -> TownStream:
    """A stream of `days` from `start` (with zone).

    chatter: everyday posts a day, two thirds of it on weekends and holidays. incidents: how many of each level id, or
    a script of each. outage: (from, to) in hours after the start in which nothing could be fetched: what was
    published then arrives at its end.
    """
    rng = random.Random(seed)
    documents = _chatter(rng, start, days, chatter, holidays)
    found: list[Incident] = []
    for script in _scripts({"blue": 4, "yellow": 3, "orange": 2, "red": 1} if incidents is None else incidents):
        incident, own = _incident(rng, f"i{len(found):02}", script, start, days)
        found.append(incident)
        documents += own
    documents = [_late(d, start, outage) for d in documents] if outage else documents
    documents.sort(key=lambda d: (d.fetched_at, d.id))
    return TownStream(documents=tuple(documents), incidents=tuple(found))


def _scripts(incidents: Mapping[str, int] | Sequence[Script]) -> Sequence[Script]:
    if isinstance(incidents, Mapping):
        return [Script(level=level) for level, count in incidents.items() for _ in range(count)]
    return incidents


def _late(document: Document, start: datetime, outage: tuple[float, float]) -> Document:
    since, until = (start + timedelta(hours=h) for h in outage)
    return replace(document, fetched_at=until) if since <= document.fetched_at < until else document


def _name(rng: random.Random, suffix: str = "") -> str:
    return "".join(rng.sample(FIRST, 2)) + "".join(rng.sample(SECOND, 1)) + suffix


def _chatter(
    rng: random.Random, start: datetime, days: int, per_day: int, holidays: Collection[date]
) -> list[Document]:
    """Everyday posts by the rhythm of the day, fewer on days off."""
    made = []
    for day in range(days):
        at_day = start + timedelta(days=day)
        off = at_day.weekday() >= 5 or at_day.date() in holidays
        count = per_day * 2 // 3 if off else per_day
        for n in range(count):
            at = at_day + timedelta(hours=rng.triangular(6, 24, 20))
            one, two, three = rng.sample(THINGS.split("|"), 3)
            first, then = _pick(rng, WHEN) + _pick(rng, DOING), _pick(rng, DOING)
            text = f"{first}{one}，{two}{_pick(rng, FEELING)}，{then}{three}"
            made.append(_document(f"c{day:02}{n:04}", at, rng.choice(("social", "forum")), "", text, 1, rng))
    return made


def _document(
    id: str, at: datetime, kind: Kind, title: str, text: str, liked: float, rng: random.Random
) -> Document:  # fmt: skip
    """One post with figures around `liked`; it comes in within five minutes."""
    likes = int(rng.expovariate(1 / max(liked, 0.1)))
    social = kind in ("social", "forum")
    return Document(
        id=id,
        title=title,
        text=text,
        kind=kind,
        source=f"{kind}-{rng.randint(1, 3)}",
        author=f"a{rng.randrange(10**9)}" if social else None,
        published_at=at,
        fetched_at=at + timedelta(seconds=rng.uniform(20, 300)),
        likes=likes if social else None,
        comments=likes // 4 if social else None,
        reposts=likes // 6 if social else None,
        extra={"示例": "是"},
        sample=True,
    )


def _incident(
    rng: random.Random, id: str, script: Script, start: datetime, days: int
) -> tuple[Incident, list[Document]]:
    level = script.level
    smallest, largest, due = _SIZE[level]
    matters = [m for m in MATTERS if script.topic in (None, m.topic)]
    matter, fast, rumour = rng.choice(matters), rng.random() < 0.5, level != "blue" and rng.random() < 0.3
    fast = fast if script.fast is None else script.fast
    rumour = rumour if script.rumour is None else script.rumour
    answer = level in ("orange", "red") if script.reply is None else script.reply
    name = _name(rng, matter.suffix)
    drawn = rng.uniform(8, max(9.0, days * 24 - 90))
    began = start + timedelta(hours=drawn if script.at is None else script.at)
    size = rng.randint(smallest, largest) if script.size is None else script.size
    hours = sorted(rng.gammavariate(2, 1.5) if fast else rng.triangular(0, 60, 36) for _ in range(size))
    names = {"name": name, "road": _name(rng, "路"), "estate": _name(rng, "苑")}
    posts = [_post(rng, f"{id}-{n:03}", began + timedelta(hours=h), matter, names, script) for n, h in enumerate(hours)]
    answered = None
    if rumour:
        at = began + timedelta(hours=hours[len(hours) // 3])
        posts.append(_document(f"{id}-r", at, "social", "", matter.rumour.format(name=name), _LIKES[level], rng))
    if answer:
        at = began + timedelta(hours=hours[len(hours) // 5])
        title, text = matter.titles[0].format(name=name), matter.news.format(name=name) + "。"
        posts.append(_document(f"{id}-n", at, "news", title, text, 0, rng))
        answered = began + timedelta(hours=hours[-1] + 2)
        text = f"关于{name}有关情况，工作专班已进驻调查，结果将及时公布。"
        reply = _document(f"{id}-a", answered, "reply", f"关于{name}情况的通报", text, 0, rng)
        posts.append(replace(reply, reply_to=f"{id}-000"))
    posts += _reposts(rng, posts, script)
    times = sorted(p.fetched_at for p in posts)
    return (
        Incident(
            id=id,
            topic=matter.topic,
            level=level,
            fast=fast,
            start=began,
            due_at=times[min(due, len(times)) - 1],
            peak_at=_peak(times),
            documents=tuple(p.id for p in posts),
            rumour=rumour,
            answered_at=answered,
        ),
        posts,
    )


def _post(
    rng: random.Random, id: str, at: datetime, matter: Matter, names: Mapping[str, str], script: Script
) -> Document:
    """One person's words: two or three of the matter's clauses, one or two of the incident's own."""
    kind: Kind = rng.choices(tuple(script.kinds), tuple(script.kinds.values()))[0]
    chosen = rng.sample(matter.clauses, rng.randint(2, 3)) + rng.sample(DETAILS, rng.randint(1, 2))
    if script.level == "red" and rng.random() < _GRAVE:
        chosen.append(rng.choice(matter.grave))
    rng.shuffle(chosen)
    if not any("{name}" in c for c in chosen):
        chosen.insert(0, "{name}的事还有人管吗")
    title = rng.choice(matter.titles).format_map(names) if kind in ("forum", "message", "hotline") else ""
    return _document(id, at, kind, title, "，".join(chosen).format_map(names) + "。", _LIKES[script.level], rng)


def _reposts(rng: random.Random, posts: Sequence[Document], script: Script) -> list[Document]:
    """Copies of social posts within the hour."""
    social = [p for p in posts if p.kind == "social"]
    copies = []
    for n in range(int(len(social) * script.reposts)):
        original = rng.choice(social)
        at = original.fetched_at + timedelta(minutes=rng.uniform(2, 60))
        copy = _document(f"{original.id}x{n}", at, "social", "", f"{original.text}！", _LIKES[script.level] / 4, rng)
        copies.append(copy)
    return copies


def _peak(times: Sequence[datetime]) -> datetime:
    """Middle of the hour with most documents."""
    hour = timedelta(hours=1)
    busiest = max(times, key=lambda t: (sum(t <= u < t + hour for u in times), -t.timestamp()))
    return busiest + hour / 2
