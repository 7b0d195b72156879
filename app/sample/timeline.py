"""Read the texts of the sample town and lay them on a time line around the start.

A file `texts/NAME.toml` has `rows = [[when, channel, title, text, {options}], ...]` and may name the `incident` that
they belong to, a `heat` (how often its posts are passed on) and an `area` (for the hotline). `when` is relative to the
start: "-2d3h20m" before it, "+45s" after it, "" spread evenly over the fourteen days. A floor belongs to the forum
thread above it, an answer to the message above it; its title is the unit that answers.
"""

import random
import re
import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from typing import Any

DAYS = 14
#: how a row may be published
CHANNELS = ("news", "feed", "notice", "forum", "floor", "board", "answer", "social", "hot", "hotline")
_PARENT = {"floor": "forum", "answer": "board"}
_WHEN = re.compile(r"([+-])(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ORIGIN = {"news": "示例日报", "feed": "示例融媒", "notice": "示例市政府办公室"}


class BadSampleText(ValueError):
    """A row of the sample texts cannot be read; the message names the file and the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that somebody in the sample town published."""

    id: str
    number: int  #: part of its address; the same for every start
    channel: str  #: one of CHANNELS
    at: datetime  #: with zone; never shown before this moment
    title: str
    text: str
    author: str = ""
    origin: str = ""  #: 来源
    parent: str | None = None  #: id of the thread or of the message
    incident: str | None = None
    area: str = ""
    status: str = ""
    likes: int = 0
    comments: int = 0
    reposts: int = 0
    reads: int = 0


def timeline(start: datetime) -> tuple[Item, ...]:
    """Every item of the town in order of time, the same for the same start (with zone)."""
    items: list[Item] = []
    for name, table in _tables():
        items.extend(_items(name, table, start, first=1001 + len(items)))
    for before, after in pairwise(sorted(item.id for item in items)):
        if before == after:
            raise BadSampleText(f"id {before} is used twice")
    return tuple(sorted(items, key=lambda item: (item.at, item.number)))


def incidents() -> dict[str, dict[str, Any]]:
    """What the analysis should make of each incident, from `truth.toml`: topic, place, department, level."""
    text = (files("app.sample") / "truth.toml").read_text(encoding="utf-8")
    return {row["id"]: row for row in tomllib.loads(text)["incidents"]}


def _tables() -> Iterator[tuple[str, dict[str, Any]]]:
    folder = files("app.sample") / "texts"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml") and file.name != "names.toml":
            yield file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8"))


def _names() -> tuple[str, ...]:
    text = (files("app.sample") / "texts" / "names.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["names"])


def _items(name: str, table: Mapping[str, Any], start: datetime, first: int) -> Iterator[Item]:
    names = _names()
    said: dict[str, str] = {}
    last: dict[str, str] = {}
    rows: Sequence[Sequence[Any]] = table["rows"]
    for index, row in enumerate(rows):
        when, channel, title, text, *rest = row
        options: Mapping[str, Any] = rest[0] if rest else {}
        if channel not in CHANNELS:
            raise BadSampleText(f"{name}.toml row {index + 1}: unknown channel {channel!r}")
        item_id = f"{name}-{index + 1:03d}"
        text = _passed_on(text, said, options, name, index)
        parent = last.get(_PARENT[channel]) if channel in _PARENT else None
        if channel in _PARENT and parent is None:
            raise BadSampleText(f"{name}.toml row {index + 1}: a {channel} needs a {_PARENT[channel]} above it")
        last[channel] = item_id
        dice = random.Random(zlib.crc32(item_id.encode()))
        yield Item(
            id=item_id,
            number=first + index,
            channel=channel,
            at=start + (_offset(when, name, index) if when else _spread(index, len(rows), dice)),
            title=title,
            text=text,
            author=str(options.get("author") or (title if channel == "answer" else _name(names, name, index))),
            origin=str(options.get("origin", _ORIGIN.get(channel, ""))),
            parent=parent,
            incident=options.get("incident", table.get("incident")),
            area=str(options.get("area", table.get("area", ""))),
            status=str(options.get("status", "办理中")),
            **_counts(dice, float(options.get("heat", table.get("heat", 1.0)))),
        )


def _name(names: Sequence[str], file: str, index: int) -> str:
    """A nickname; within one file none comes twice before all were used (7 and the number of names share no factor)."""
    return names[(zlib.crc32(file.encode()) + 7 * index) % len(names)]


def _passed_on(text: str, said: dict[str, str], options: Mapping[str, Any], name: str, index: int) -> str:
    """A text, with the text that it passes on behind it (`of`); remembered where others pass it on (`k`)."""
    if "of" in options:
        if options["of"] not in said:
            raise BadSampleText(f"{name}.toml row {index + 1}: nothing is called {options['of']!r}")
        text += said[options["of"]]
    if "k" in options:
        said[options["k"]] = text
    return text


def _offset(when: str, name: str, index: int) -> timedelta:
    found = _WHEN.fullmatch(when)
    if not found or not any(found.groups()[1:]):
        raise BadSampleText(f"{name}.toml row {index + 1}: {when!r} is not like -2d3h20m or +45s")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    distance = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -distance if found[1] == "-" else distance


def _spread(index: int, total: int, dice: random.Random) -> timedelta:
    """The index-th of `total` rows on an even grid over the fourteen days, moved within its own cell."""
    share = (index + dice.random()) / total
    return -timedelta(days=DAYS) * (1 - share) - timedelta(minutes=1)


def _counts(dice: random.Random, heat: float) -> dict[str, int]:
    return {
        "reposts": int(dice.uniform(0, 4) * heat),
        "comments": int(dice.uniform(0, 6) * heat),
        "likes": int(dice.uniform(1, 20) * heat),
        "reads": int(dice.uniform(150, 900) * heat),
    }
