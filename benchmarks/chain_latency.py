"""How long from a post handed in to its message in the outbox, under a real `minsheng run`.

    PYTHONPATH=.:tests python benchmarks/chain_latency.py [POSTS]

Starts `minsheng run` with the sample town on a fresh folder, pushes posts through the API one by one and reads
afterwards from the ledger when each change of level was written, which is the transaction that queues its messages.
The delay of a change counts from the moment its last post was handed in: a matter that rises only with its second post
(hysteresis) has not waited for the first. Target: p95 ≤ 1 s.
"""

import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx
from test_app_run import free_port, start, token

from analysis.words import segment
from app import clock
from storage.open import open_stores

PLACES = ("北苑街道", "佛堂镇", "上溪镇", "赤岸镇", "苏溪镇", "大陈镇", "义亭镇", "后宅街道", "江东街道", "城西街道")
MATTERS = (
    "一家餐馆用过期变质的肉，三个人吃坏肚子住院，投诉没人管，太气愤了",
    "一家工厂夜里偷排污水，河水发黑发臭，鱼都死了，强烈要求查处",
    "工地拖欠二十名工人半年工资，工人堵在门口讨薪，老板失联",
    "幼儿园乱收费还逼家长签字，家长们去教育局要说法，孩子被退园，太欺负人",
    "小区电梯坠落，老人摔伤送医，物业一直推诿不修，业主准备集体上访",
    "卫生院给孩子打错疫苗，发烧抽搐住院，院方不承认，家属要求公开调查",
    "养老院护工打老人，身上都是伤，家属报警了还在抵赖，民政局管不管",
)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        running = start(Path(folder) / "data", free_port())
        token(running.data)
        time.sleep(45)  # the sample town's first crawl
        pushed: dict[str, datetime] = {}
        for number in range(count):
            text = f"{PLACES[number % 10]}第{number}村{MATTERS[number % 7]}（{number * 7919 % 1000}号反映）"
            body = {"id": f"lat-{number}", "text": text, "kind": "message"}
            pushed[f"lat-{number}"] = clock.now()
            httpx.post(
                f"{running.url}/api/v1/documents", json=body, headers={"Authorization": "Bearer t0ken"}, timeout=10
            ).raise_for_status()
            time.sleep(0.5)
        time.sleep(3)
        running.stop()
        print(report(running.data, pushed))


def report(data: Path, pushed: dict[str, datetime]) -> str:
    """Delays between the last post of an event and the change of level that it caused, in seconds."""
    documents, ledger = open_stores(data, segment=segment)
    events = {row.document.id: row.event for row in documents.get(list(pushed))}
    delays = []
    with ledger.read() as tx:
        for event in {e for e in events.values() if e}:
            posts = sorted(pushed[post] for post, of in events.items() if of == event)
            for change in tx.events.changes(event):
                before = [at for at in posts if at <= change.at]
                if before:
                    delays.append((change.at - before[-1]).total_seconds())
    documents.close()
    ledger.close()
    cut = statistics.quantiles(delays, n=20)
    return f"posts {len(pushed)}  changes {len(delays)}  p50 {statistics.median(delays):.2f} s  p95 {cut[18]:.2f} s"


if __name__ == "__main__":
    main()
