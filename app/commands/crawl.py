"""`crawl`: look at every source in its own rhythm."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.console import ConfigOption, DataOption, out, read_config
from app.folder import AUTHOR, derived, secret
from app.intake import sink
from app.signals import owner_name, stop_on_signals
from app.stores import stores
from crawlers.worker import run_worker
from storage.ports import Frontier


def register(app: typer.Typer) -> None:
    app.command("crawl")(crawl)


def crawl(
    once: Annotated[bool, typer.Option("--once", help="到期的都看一遍就结束")] = False,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """采集：按各信源的节奏轮流查看，礼貌、可中断。"""
    loaded = read_config(config)
    folder, documents, ledger = stores(loaded, data)
    documents.close()
    stop = stop_on_signals()

    @contextmanager
    def frontier() -> Iterator[Frontier]:
        with ledger.begin() as tx:
            yield tx.frontier

    office = loaded.office
    enabled = [s for s in office.sources.values() if s.enabled]
    count = run_worker(
        sources=lambda: enabled,
        open_frontier=frontier,
        sink=sink(ledger, derived(secret(folder), AUTHOR), clock.now),
        owner=owner_name("crawl"),
        clock=clock.now,
        once=once,
        stop=stop,
        agent=f"MinshengBot/0.1 (+{office.base_url}/about)",
    )
    ledger.close()
    if once:
        out.print(f"收下 {count} 条。")
