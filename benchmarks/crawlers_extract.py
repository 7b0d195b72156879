"""Extraction on real Chinese pages, checked across sites.

    python benchmarks/crawlers_extract.py [folder with gold.json]     default: $MINSHENG_SHARED/pages, ../shared/pages

The numbers of the density method are chosen on all sites but one and measured on the pages of that one; every page
is measured once, by weights that never saw its site. The rules (regular expressions) are not re-learnt, so the
figures are out-of-sample for the weights only; that is said in the output too.
"""

import json
import os
import re
import sys
import time
from collections import defaultdict
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from crawlers.charset import decode
from crawlers.dates import CHINA
from crawlers.density import Weights, cut, main_text
from crawlers.extract import extract
from crawlers.markup import tree
from crawlers.score import mean, score, summary

NOW = datetime(2026, 11, 1, tzinfo=CHINA)
GRID = [
    Weights(per_mark=m, climb_gain=g, climb_links=c, fade=f)
    for m, g, c, f in product((14.0, 18.0, 24.0), (0.08, 0.12, 0.2), (0.14, 0.18, 0.25), (0.5,))
]


def pages(folder: Path) -> list[dict[str, Any]]:
    """Gold pages with the time in the form that `score` reads."""
    gold = json.loads((folder / "gold.json").read_text("utf-8"))
    rows = gold if isinstance(gold, list) else list(gold.values())
    for row in rows:
        printed = row["publish_time"]
        row["published_at"] = printed.replace(" ", "T") if printed else None
        row["exact"] = len(printed) > 12
        row["body"] = (folder / row["file"]).read_bytes()
        row["site"] = re.split(r"[_\d]", row["id"].replace("163", "netease"))[0]
    return rows


def table(rows: list[dict[str, Any]]) -> dict[str, list[float]]:
    """F1 of each page under each weighting."""
    found: dict[str, list[float]] = {}
    for row in rows:
        text = decode(row["body"]).text
        found[row["id"]] = []
        for weights in GRID:
            body = main_text(cut(tree(text), weights), title=row["title"], weights=weights)
            article = extract("<p></p>")
            found[row["id"]].append(score(type(article)(text=body.text if body else ""), row).f1)
    return found


def main() -> None:
    shared = Path(os.environ.get("MINSHENG_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "pages"
    if not (folder / "gold.json").is_file():
        print(f"没有页面集：{folder}")
        return
    rows = pages(folder)
    begin = time.process_time()
    for row in rows:
        extract(row["body"], now=NOW)
    speed = len(rows) / (time.process_time() - begin)
    grid = table(rows)
    sites = defaultdict(list)
    for row in rows:
        sites[row["site"]].append(row)
    scores, chosen = [], []
    for site, own in sites.items():
        others = [r["id"] for r in rows if r["site"] != site]
        best = max(range(len(GRID)), key=lambda i: mean([grid[o][i] for o in others]))
        chosen.append(best)
        scores += [score(extract(r["body"], now=NOW, weights=GRID[best]), r) for r in own]
    usual = summary([score(extract(r["body"], now=NOW), r) for r in rows])
    print(f"{len(rows)} pages of {len(sites)} sites; {speed:.1f} pages per CPU second (second reader only in doubt)")
    print("usual weights      ", {k: round(v, 3) for k, v in usual.items()})
    print("held-out by site   ", {k: round(v, 3) for k, v in summary(scores).items()})
    print("different choices  ", len(set(chosen)), "(rules themselves were written looking at these pages)")


if __name__ == "__main__":
    main()
