"""`work`: understand, grade, plan, send."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.console import ConfigOption, DataOption, fail, out, read_config
from app.sender import Sender
from app.signals import owner_name, stop_on_signals
from app.stores import stores
from app.turn import Turn
from app.work import Worker, drain, make_pipeline


def register(app: typer.Typer) -> None:
    app.command("work")(work)


def work(
    once: Annotated[bool, typer.Option("--once", help="把等待判读的处理完就结束")] = False,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """研判：判读、归并、定级、派单、催办、发送。"""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for loud in ("alembic", "apscheduler"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    loaded = read_config(config)
    _folder, documents, ledger = stores(loaded, data)
    if once:
        count = drain(loaded.office, documents, ledger, clock.now, lambda _: None)
        if count is None:
            fail("另一个 minsheng work 正在运行，由它处理")
        out.print(f"处理 {count} 条。")
        return
    stop = stop_on_signals()
    pipeline = make_pipeline(loaded.office, documents, ledger)
    sender = Sender(office=loaded.office, ledger=ledger, clock=clock.now, owner=owner_name("send"))
    Worker(turn=Turn(pipeline=pipeline, clock=clock.now, owner=owner_name("work")), sender=sender, stop=stop).run()
    documents.close()
    ledger.close()
