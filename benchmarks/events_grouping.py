"""How well does the grouping find matters? B-cubed on two public sets, always beside the floor of singletons.

    PYTHONPATH=.:tests python benchmarks/events_grouping.py [--json]

Data: `../shared/data` or the folder MINSHENG_SHARED names + /data; no row of it is in the project.

Gold of the citizens' issues: a message belongs to an issue if title or text match the issue's pattern below (picked by
reading what the messages of 2019 are about); messages that match none or several are not scored, but all 4,208 go
through the grouping. Issues are halved by their order below: constants are chosen on the odd ones, the even ones are
held out (their names and sizes were seen while the patterns were written, and the first choice of method was made on
all of them). The constants of short texts were chosen on all hashtag events: no honest held-out figure exists there.
"foreign" is the share of messages in an issue's main event that match no pattern of that issue.
"""

import csv
import json
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from small_office import small_office

from analysis.events import Grouper
from storage.types import Assessment, Document, Sentiment

ZONE = timezone(timedelta(hours=8))
CALM = Sentiment(label="neutral", negative=0.2, neutral=0.6, positive=0.2)
ISSUES: dict[str, str] = {
    "搅拌站扰民": r"(?=.*丽发新城)(?=.*(?:搅拌|工厂.*粉尘))",
    "捆绑销售车位": r"伊景园|滨河苑|广铁.{0,8}职工|铁广",
    "门面油烟噪音": r"(?=.*魅力之城)(?=.*(?:油烟|噪音|烧烤|夜宵|门面|商铺))",
    "车贷案": r"58车贷|五八车贷|58车货",
    "村组征拆": r"茶场村五组",
    "楼下餐饮": r"(?=.*辉煌国际城)(?=.*(?:饭店|餐饮|烟道|油烟|商铺|餐馆))",
    "住改商": r"(?=.*(?:青青家园|青山新村))(?=.*(?:炒货|破墙|住改商|烟道|门面|空调))",
    "培训退费": r"温斯顿",
    "高铁选线": r"(?=.*绿地海外滩)(?=.*高铁)",
    "楼盘质量": r"(?=.*K9)(?=.*五矿)",
}


@dataclass(frozen=True)
class Score:
    precision: float
    recall: float
    f1: float


def data() -> Path:
    """The folder of the shared data sets."""
    root = os.environ.get("MINSHENG_SHARED")
    return (Path(root) if root else Path(__file__).parents[2] / "shared") / "data"


def rows_of(name: str) -> list[dict[str, str]]:
    with (data() / name).open(encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f))


def b_cubed(gold: Mapping[str, str], found: Mapping[str, str]) -> Score:
    """Bagga and Baldwin 1998, over the scored documents."""
    truth, guess = defaultdict(set), defaultdict(set)
    for k, label in gold.items():
        truth[label].add(k)
        guess[found[k]].add(k)
    both = [(len(truth[gold[k]] & guess[found[k]]), len(guess[found[k]]), len(truth[gold[k]])) for k in gold]
    precision = sum(b / g for b, g, _ in both) / len(both)
    recall = sum(b / t for b, _, t in both) / len(both)
    return Score(precision, recall, 2 * precision * recall / (precision + recall))


def foreign(gold: Mapping[str, str], found: Mapping[str, str]) -> float:
    """Share of the members of the issues' main events that do not belong there."""
    members = defaultdict(list)
    for k, event in found.items():
        members[event].append(k)
    wrong = total = 0
    for issue in set(gold.values()):
        main = Counter(found[k] for k in gold if gold[k] == issue).most_common(1)[0][0]
        total += len(members[main])
        wrong += sum(gold.get(k) != issue for k in members[main])
    return wrong / total


def moment(text: str) -> datetime:
    date, clock = re.split(r"\s+", text.strip().replace("/", "-"), maxsplit=1)
    year, month, day = map(int, date.split("-"))
    parts = [int(p) for p in clock.split(":")]
    return datetime(year, month, day, *parts, tzinfo=ZONE)


def citizens() -> tuple[list[Document], dict[str, str]]:
    documents, gold = [], {}
    for row in rows_of("citizen_messages_hot.csv"):
        at = moment(row["time"])
        documents.append(
            Document(
                id=row["id"], title=row["title"], text=row["text"], kind="message", source="board",
                published_at=at, fetched_at=at,
            )
        )  # fmt: skip
        whole = f"{row['title']} {row['text']}".replace("\n", " ")
        hits = [name for name, pattern in ISSUES.items() if re.search(pattern, whole)]
        if len(hits) == 1:
            gold[row["id"]] = hits[0]
    return documents, gold


def hashtags() -> tuple[list[Document], dict[str, str]]:
    documents, gold = [], {}
    for i, row in enumerate(rows_of("weibo_hashtag_events.csv")):
        month, day = map(int, row["day"].split("."))
        at = datetime(2020, month, day, 12, tzinfo=ZONE)
        documents.append(
            Document(id=f"w{i:03}", text=row["body"], kind="social", source="weibo", published_at=at, fetched_at=at)
        )
        gold[f"w{i:03}"] = row["event"]
    return documents, gold


def group(documents: Sequence[Document], batch: int = 100) -> tuple[dict[str, str], float]:
    """Event of every document, through the live code in time order; and documents a CPU second."""
    grouper = Grouper(small_office())
    ordered = sorted(documents, key=lambda d: (d.fetched_at, d.id))
    found: dict[str, str] = {}
    start = time.process_time()
    for i in range(0, len(ordered), batch):
        part = [(d, Assessment(id=d.id, sentiment=CALM)) for d in ordered[i : i + batch]]
        found |= {a.document: a.event for a in grouper.assign(part)}
    return found, len(ordered) / (time.process_time() - start)


def measure(documents: Sequence[Document], gold: dict[str, str]) -> dict[str, float]:
    found, speed = group(documents)
    names = list(dict.fromkeys(gold.values())) if set(gold.values()) - set(ISSUES) else list(ISSUES)
    held_out = {k: v for k, v in gold.items() if names.index(v) % 2}
    score, later = b_cubed(gold, found), b_cubed(held_out, found)
    return {
        "documents": len(documents),
        "scored": len(gold),
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
        "f1_held_out": later.f1,
        "f1_without_first": b_cubed({k: v for k, v in gold.items() if v != next(iter(gold.values()))}, found).f1,
        "f1_singletons": b_cubed(gold, {k: k for k in gold}).f1,
        "foreign": foreign(gold, found),
        "foreign_held_out": foreign(held_out, found),
        "biggest": max(Counter(found.values()).values()) / len(found),
        "docs_per_cpu_second": speed,
    }


def main() -> None:
    figures = {"citizens": measure(*citizens()), "hashtags": measure(*hashtags())}
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(name, "  ".join(f"{k} {v:.3f}" if v < 10 else f"{k} {v:.0f}" for k, v in values.items()))


if __name__ == "__main__":
    main()
