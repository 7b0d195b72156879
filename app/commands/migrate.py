"""`migrate-to`: an office moves from the embedded files to Elasticsearch and PostgreSQL."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from analysis.words import segment
from app.commands.check import emit
from app.console import FAILED, USAGE, ConfigOption, DataOption, JsonOption, err, fail, out, progress, read_config
from app.folder import open_folder, sole_owner
from storage.ledger import SqlLedger, open_ledger
from storage.move import Moved, move_documents, move_ledger, tables
from storage.open import open_documents, open_stores
from storage.ports import DocumentQuery, DocumentStore, Ledger, StoreError


def register(app: typer.Typer) -> None:
    app.command("migrate-to")(migrate_to)


def migrate_to(
    documents: Annotated[
        str | None, typer.Option("--documents", help="Elasticsearch：https://用户:密码@主机:9200")
    ] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", help="PostgreSQL：postgresql+psycopg://用户:密码@主机/库")
    ] = None,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """把数据目录里的内置文档库和台账搬到 Elasticsearch 和 PostgreSQL，并核对条数和散列；可重复运行。"""
    if documents is None and ledger is None:
        fail("请用 --documents 或 --ledger 指明搬到哪里", USAGE)
    zone = read_config(config).office.timezone
    try:
        folder = open_folder(data)
        with sole_owner(folder, {"url": "minsheng migrate-to"}), ExitStack() as opened:
            old_documents, old_ledger = open_stores(folder.path, segment=segment, timezone=zone)
            opened.enter_context(closing(old_documents))
            opened.enter_context(closing(old_ledger))
            moved: list[Moved] = []
            if ledger is not None:
                moved += _ledger(old_ledger, ledger, quiet=as_json)
            if documents is not None:
                moved.append(_documents(old_documents, documents, zone, quiet=as_json))
    except StoreError as error:
        fail(str(error))
    _report(moved, as_json=as_json)


def _documents(old: DocumentStore, url: str, zone: str, *, quiet: bool) -> Moved:
    with (
        closing(open_documents(url, segment=segment, timezone=zone)) as new,
        progress("文档", old.count(DocumentQuery()), quiet=quiet) as bar,
    ):
        return move_documents(old, new, lambda done: bar.advance(bar.task_ids[0], done))


def _ledger(old: Ledger, url: str, *, quiet: bool) -> Sequence[Moved]:
    if not isinstance(old, SqlLedger):
        raise StoreError("这个台账不能搬迁")
    with closing(open_ledger(url)) as new, progress("台账", len(tables()), quiet=quiet) as bar:
        return move_ledger(old, new, lambda done: bar.advance(bar.task_ids[0], done))


def _report(moved: Sequence[Moved], *, as_json: bool) -> None:
    same = all(item.same for item in moved)
    if as_json:
        emit({"same": same, "moved": [asdict(item) | {"same": item.same} for item in moved]})
    for item in moved if not as_json else ():
        mark = "一致" if item.same else "[red]不一致[/red]"
        out.print(f"{mark}  {item.what}：{item.source.count} → {item.target.count}  {item.target.digest[:12]}")
    if not same:
        err.print("两边不一致：新库里有旧库没有的数据，或搬迁时仍有程序在写。请停下所有民声进程后再运行一次。")
        raise typer.Exit(FAILED)
    if not as_json:
        out.print("已核对一致。请在 office.toml 的 [storage] 或环境变量中写上新地址；数据目录仍需保留 secret.key。")
