"""Burst detectors on the sample town and on real streams: what would have rung, stream by stream.

    PYTHONPATH=.:tests:benchmarks python benchmarks/events_streams.py [folder of the data sets: ../shared/data]

Streams are topics, places of ours and kinds of source, counted by the hour as the running program counts them. The
sample town has a truth (its incidents), so `app.replay_detectors` compares at equal false alarms. Real sets have none:
printed is how many streams could ring at all (a day with five documents after 14 days), how often each detector
rings at the threshold that allows one false alarm per stream and 30 days on made-up quiet streams, and the dates of the
shipped one. `weibo_stream_30k.csv` names only days: its posts are laid evenly between 7 and 24 o'clock in file order.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path

import events_sample
import numpy as np
from events_bursts import quiet, tuned

from analysis.assess import Assessor
from analysis.bursts_compare import detectors, episodes
from analysis.bursts_day import FEWEST, in_a_day
from analysis.events import Assignment
from analysis.risk_tally import HOUR
from app.console import read_config
from app.replay_detectors import compare, streams_of
from app.replay_prepared import Prepared, arrival_of, prepare
from app.sample.timeline import timeline
from app.townstream import Incident
from storage.types import Assessment, Document, Office

ZONE = timezone(timedelta(hours=8))
WARM = 14 * 24


def rows(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def messages(folder: Path) -> Iterator[Document]:
    for n, row in enumerate(rows(folder / "citizen_messages_hot.csv")):
        at = datetime.strptime(row["time"].replace("/", "-"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)
        yield Document(
            id=f"m{n}", title=row["title"], text=row["text"], kind="message", source="board", author=row["user"],
            published_at=at, fetched_at=at,
        )  # fmt: skip


def posts(folder: Path) -> Iterator[Document]:
    for n, row in enumerate(rows(folder / "weibo_local_environment.csv")):
        at = datetime.fromisoformat(row["time"]).replace(tzinfo=ZONE)
        yield Document(
            id=f"e{n}", text=row["text"], kind="social", source="weibo", author=row["user"], published_at=at,
            fetched_at=at,
        )  # fmt: skip


def crowd(folder: Path) -> Iterator[Document]:
    runs = [list(run) for _, run in groupby(rows(folder / "weibo_stream_30k.csv"), key=lambda row: row["day"])]
    day = datetime(2020, 1, 19, tzinfo=ZONE)
    for number, run in enumerate(runs):
        for n, row in enumerate(run):
            at = day + timedelta(days=number, hours=7 + 17 * n / len(run))
            yield Document(
                id=f"s{number}-{n}", text=row["text"], kind="social", source="weibo", author=row["user"],
                published_at=at, fetched_at=at,
            )  # fmt: skip


def counted(documents: Iterator[Document], office: Office) -> Prepared:
    """As `prepare`, but without grouping: streams do not ask for events."""
    reader, made = Assessor(office), Prepared()
    waiting = sorted(documents, key=lambda d: (d.fetched_at, d.id))
    for start in range(0, len(waiting), 1000):
        part = waiting[start : start + 1000]
        for document, found in zip(part, reader.assess(part), strict=True):
            if isinstance(found, Assessment):
                own = Assignment(document=document.id, event=document.id, alone=True)
                made.arrivals.append(arrival_of(document, found, own, office))
    return made


def sample(office: Office) -> None:
    items = timeline(events_sample.START)
    prepared = prepare([events_sample.document(item) for item in items], office)
    truth = []
    for name in sorted({item.incident for item in items if item.incident}):
        own = [item for item in items if item.incident == name]
        (busiest, _), *_ = Counter(item.at.replace(minute=30, second=0, microsecond=0) for item in own).most_common(1)
        truth.append(
            Incident(
                id=name, topic="", level="blue", fast=False, start=own[0].at, due_at=own[0].at,
                peak_at=max(busiest, own[0].at), documents=tuple(item.id for item in own),
            )
        )  # fmt: skip
    print(f"sample town: {len(prepared.arrivals)} documents, {len(truth)} incidents")
    for f in compare(prepared, truth, office.risk.burst_false_alarms):
        delay = "    -" if f.delay_hours is None else f"{f.delay_hours:5.1f}"
        print(f"  {f.name:28} > {f.threshold:5.2f}  false {f.false_per_month:4.2f}  caught {f.caught}/{f.due} "
              f"delay {delay} h  able {f.able}/{f.streams} streams")  # fmt: skip


def real(name: str, prepared: Prepared, limits: dict[str, float]) -> None:
    streams = streams_of(prepared)
    able = {key: counts for key, counts in streams.items() if (in_a_day(counts)[WARM:] >= FEWEST).any()}
    print(f"{name}: {len(prepared.arrivals)} documents, {prepared.days:.0f} days, {len(streams)} streams, "
          f"{len(able)} able to ring: {', '.join('/'.join(key) for key in sorted(able))}")  # fmt: skip
    for label, detector in detectors().items():
        rang = {key: episodes(detector(counts), limits[label]) for key, counts in able.items()}
        total = sum(map(len, rang.values()))
        days = sum(max(0, len(counts) - WARM) for counts in able.values()) / 24
        print(f"  {label:28} > {limits[label]:5.2f}  {total} episodes in {sum(map(bool, rang.values()))} streams"
              f" ({total / days * 30 if days else 0:.2f} per stream and 30 days)")  # fmt: skip
    for key, hours in rang.items():
        for hour in hours[:6]:
            at = datetime.fromtimestamp((prepared.origin + hour * HOUR) / 1_000_000, ZONE)
            print(f"      {'/'.join(key):24} {at:%Y-%m-%d %H}  {in_a_day(able[key])[hour]:.0f} in 24 h")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    office = read_config(Path("config")).office
    rng = np.random.default_rng(20260302)
    limits = tuned([quiet(rng) for _ in range(24)])
    sample(office)
    for name, documents in (("messages", messages), ("local posts", posts), ("virus posts", crowd)):
        real(name, counted(documents(folder), office), limits)


if __name__ == "__main__":
    main()
