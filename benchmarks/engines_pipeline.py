"""The whole pipeline into Elasticsearch and PostgreSQL: documents a second, and where the time goes.

    python benchmarks/engines_pipeline.py [N] [signs]      default 6,000 documents of about 60 signs; long ones: 600

One owner of grouping, as in production, with batches of 2,000 (`import`) out of an intake that is full at the start.
Wall clock, and CPU seconds of this process, of Elasticsearch and of PostgreSQL: on a busy machine the latter count.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from engines import empty_elastic, ledger_server, search_server  # noqa: E402

from analysis.words import segment  # noqa: E402
from app import clock  # noqa: E402
from app.config import load  # noqa: E402
from app.garbage import keep_loaded  # noqa: E402
from app.intake import accept  # noqa: E402
from app.turn import Turn  # noqa: E402
from app.work import BULK, make_pipeline  # noqa: E402
from storage.ledger import open_ledger  # noqa: E402
from storage.types import Document  # noqa: E402

PHRASES = (
    *("小区门口的路灯坏了", "夜里施工太吵", "垃圾没人清运", "公交车等了一个小时", "自来水发黄", "食堂的菜不新鲜"),
    *("工资拖了两个月", "学校门口堵得厉害", "物业收费不透明", "河道里有异味", "退税一直没有消息", "电梯又停了"),
    *("感谢交警帮忙推车", "窗口的工作人员很耐心", "桂花开了很香", "周末去爬山", "新开的图书馆不错", "夜市真热闹"),
)
PLACES = ("北苑街道", "佛堂镇", "苏溪镇", "稠城街道", "廿三里街道", "江东街道", "上溪镇", "后宅街道")
_TICKS = os.sysconf("SC_CLK_TCK")


def posts(number: int, signs: int) -> list[Document]:
    """Posts of two weeks, each of its own words."""
    chance, now = random.Random(5), clock.now()
    made = []
    for n in range(number):
        text = chance.choice(PLACES)
        while len(text) < signs:
            text += chance.choice(PHRASES) + chance.choice(("，", "。", "！")) + str(chance.randrange(1000))
        at = now - timedelta(days=13) * (1 - n / number)
        made.append(Document(id=f"d{n}", text=text, fetched_at=now, published_at=at, source="s", kind="social"))
    return made


def cpu(pids: Callable[[], set[int]]) -> float:
    """CPU seconds of processes that live."""
    spent = 0
    for pid in pids():
        try:
            words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        except OSError:
            continue
        spent += int(words[11]) + int(words[12])
    return spent / _TICKS


def family(leader: int) -> set[int]:
    """The processes of a server: those of its session, and its children, which PostgreSQL gives sessions of their own.
    Those that ended before are not counted."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            except OSError:
                continue
            if leader in (int(words[1]), int(words[3])):
                found.add(int(entry.name))
    return found


@contextmanager
def timed(owner: Any, name: str, spent: dict[str, list[float]], label: str) -> Iterator[None]:
    """Measure a method of one object: wall and CPU seconds of this process."""
    plain = getattr(owner, name)

    def measured(*arguments: Any, **more: Any) -> Any:
        begin, worked = time.perf_counter(), time.process_time()
        try:
            return plain(*arguments, **more)
        finally:
            spent.setdefault(label, [0.0, 0.0])
            spent[label][0] += time.perf_counter() - begin
            spent[label][1] += time.process_time() - worked

    setattr(type(owner), name, lambda self, *a, **k: measured(*a, **k))
    try:
        yield
    finally:
        setattr(type(owner), name, plain.__func__)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 6_000
    signs = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    server = search_server()
    assert server.process is not None
    leader = server.process.pid
    with ledger_server() as database:
        postmaster = int((database.home / "data" / "postmaster.pid").read_text().split()[0])
        documents, ledger = empty_elastic(segment, prefix="pipe"), open_ledger(database.url)
        pipeline = make_pipeline(load(ROOT / "config").office, documents, ledger)
        turn = Turn(pipeline=pipeline, clock=clock.now, owner="bench", batch=BULK)
        rows = posts(number, signs)
        for start in range(0, number, 1000):
            accept(rows[start : start + 1000], ledger, b"k" * 32, clock.now())
        spent: dict[str, list[float]] = {}
        own = turn.pipeline
        keep_loaded()
        begin, worked = time.perf_counter(), time.process_time()
        before = cpu(lambda: family(leader)), cpu(lambda: family(postmaster))
        with (
            timed(own.assessor, "assess", spent, "assess"),
            timed(own.grouper, "assign", spent, "group"),
            timed(documents, "put", spent, "put"),
        ):
            while turn.own() and turn.step() is not None:
                pass
        wall, mine = time.perf_counter() - begin, time.process_time() - worked
        others = cpu(lambda: family(leader)) - before[0], cpu(lambda: family(postmaster)) - before[1]
        print(f"load {os.getloadavg()[0]:.1f}, {number} documents of {signs} signs: {number / wall:,.0f}/s")
        print(f"CPU seconds: this process {mine:.1f}, Elasticsearch {others[0]:.1f}, PostgreSQL {others[1]:.1f}")
        for label, (seconds, busy) in spent.items():
            print(f"  {label:<8} {seconds:6.1f} s wall  {busy:6.1f} s CPU")
        rest = [total - sum(part[n] for part in spent.values()) for n, total in enumerate((wall, mine))]
        print(f"  {'ledger':<8} {rest[0]:6.1f} s wall  {rest[1]:6.1f} s CPU   (claims, members, grading, plan)")
        documents.close()
        ledger.close()


if __name__ == "__main__":
    main()
