"""How well does the grouping tell the sample town's matters apart? B-cubed over the texts that belong to an incident.

    PYTHONPATH=.:tests:benchmarks python benchmarks/events_sample.py

All texts of the town go through assessment and grouping in order of time, with the shipped configuration; gold is the
incident that each text names. The constants of topics and places in `analysis.events_near` were chosen on this set.
"""

from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

from events_grouping import b_cubed

from analysis.assess import Assessor
from analysis.events import Grouper
from app.console import read_config
from app.sample.timeline import Item, timeline
from storage.types import Assessment, Document, Kind

START = datetime(2026, 3, 2, 8, tzinfo=timezone(timedelta(hours=8)))
KINDS: dict[str, Kind] = {
    "news": "news", "feed": "news", "notice": "government", "forum": "forum", "floor": "forum", "social": "social",
    "board": "message", "answer": "reply", "hotline": "hotline", "hot": "hotlist",
}  # fmt: skip


def document(item: Item) -> Document:
    kind = KINDS.get(item.channel, "social")
    return Document(
        id=item.id, title="" if kind == "reply" else item.title, text=item.text, kind=kind, source=item.channel,
        author=item.author, published_at=item.at, fetched_at=item.at, area=item.area or None,
        thread=item.parent if item.channel == "floor" else None,
        reply_to=item.parent if item.channel == "answer" else None,
    )  # fmt: skip


def main() -> None:
    office = read_config(Path("config")).office
    items = timeline(START)
    documents = [document(item) for item in items]
    assessed = Assessor(office).assess(documents)
    pairs = [(d, a) for d, a in zip(documents, assessed, strict=True) if isinstance(a, Assessment)]
    grouper, found = Grouper(office), {}
    for pair in pairs:
        found |= {a.document: a.event for a in grouper.assign([pair])}
    gold = {item.id: item.incident for item in items if item.incident and item.id in found}
    score = b_cubed(gold, found)
    print(f"{len(pairs)} texts, {len(gold)} of incidents: precision {score.precision:.3f} recall {score.recall:.3f} "
          f"F1 {score.f1:.3f}")  # fmt: skip
    members = defaultdict(Counter)
    for key, event in found.items():
        members[event][gold.get(key, "everyday")] += 1
    for event, counts in sorted(members.items(), key=lambda kv: -sum(kv[1].values())):
        if len(counts) > 1:
            print(f"  {event}  " + "  ".join(f"{name} {n}" for name, n in counts.most_common()))


if __name__ == "__main__":
    main()
