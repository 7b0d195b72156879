"""`import`: documents from files."""

import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, get_args

import typer

from app import clock
from app.commands.check import emit
from app.console import (
    FAILED,
    USAGE,
    ConfigOption,
    DataOption,
    JsonOption,
    err,
    fail,
    out,
    progress,
    read_config,
)
from app.folder import AUTHOR, derived, secret
from app.intake import accept
from app.stores import stores
from app.work import drain
from crawlers.files import BadRow, read_rows
from storage.ports import DocumentStore, Ledger
from storage.types import Document, Kind, Office

#: rows written to the intake in one transaction
BATCH = 500
#: bad rows that are printed one by one; all of them are counted
SHOWN_BAD = 20
AGENT = "MinshengBot/{version} (+{contact})"


def register(app: typer.Typer) -> None:
    app.command("import")(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV、XLSX 或 JSONL 文件")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="列对应，如 --map text=诉求说明（可写多次）")
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="文档种类：hotline、message、forum、news 等")] = "hotline",
    source: Annotated[str, typer.Option("--source", help="来源编号，记在每条文档上")] = "import",
    live: Annotated[bool, typer.Option("--live", help="旧日期也按当前事件处理（演练用）")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入")] = False,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """导入文件：好的行全部收下，坏的行逐行说明；早于 14 天的按历史入库，不触发今天的预警。"""
    started = time.monotonic()
    if kind not in get_args(Kind):
        fail(f"没有种类 {kind!r}；可用：{'、'.join(get_args(Kind))}", USAGE)
    if not file.is_file():
        fail(f"没有文件 {file}", USAGE)
    loaded = read_config(config)
    rows = read_rows(file, kind=_kind(kind), mapping=_mapping(mapping or []), source=source, now=clock.now())
    folder, documents, ledger = stores(loaded, data)
    key = derived(secret(folder), AUTHOR)
    good, bad, added = 0, 0, 0
    with progress("导入", quiet=as_json) as bar:
        for batch in _batches(rows):
            fine = [row for row in batch if isinstance(row, Document)]
            for row in batch:
                if isinstance(row, BadRow):
                    bad += 1
                    if bad <= SHOWN_BAD:
                        err.print(_bad(row), markup=False)
            if fine and not dry_run:
                added += accept(fine, ledger, key, clock.now(), live=live)
            good += len(fine)
            bar.advance(bar.task_ids[0], len(batch))
    processed = 0 if dry_run else _understand(loaded.office, documents, ledger, quiet=as_json)
    documents.close()
    ledger.close()
    counts = {
        "rows": good + bad, "good": good, "bad": bad, "added": added, "processed": processed,
        "dry_run": dry_run, "seconds": round(time.monotonic() - started, 2),
    }  # fmt: skip
    if as_json:
        emit(counts)
    else:
        _print_counts(counts)
    if bad and not good:
        raise typer.Exit(FAILED)


def _understand(office: Office, documents: DocumentStore, ledger: Ledger, *, quiet: bool) -> int | None:
    """Process what was imported; None when a running `work` does it."""
    with ledger.read() as tx:
        total = tx.intake.waiting()
    with progress("判读", total, quiet=quiet) as bar:
        return drain(office, documents, ledger, clock.now, lambda done: bar.advance(bar.task_ids[0], done))


def _kind(text: str) -> Kind:
    return next(kind for kind in get_args(Kind) if kind == text)


def _mapping(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, mark, column = pair.partition("=")
        if not mark or not name or not column:
            fail(f"--map 应写成 字段=列名，如 --map text=诉求说明；现在是 {pair!r}", USAGE)
        found[name.strip()] = column.strip()
    return found


def _batches(rows: Iterator[Document | BadRow]) -> Iterator[list[Document | BadRow]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _bad(row: BadRow) -> str:
    return f"第 {row.line} 行：{row.field} 应为{row.expected}，现在是 {row.value!r}"


def _print_counts(counts: Mapping[str, object]) -> None:
    verb = "检查" if counts["dry_run"] else "收下"
    out.print(f"{verb} {counts['good']} 行，新增 {counts['added']} 条；{counts['bad']} 行不能使用。")
    if counts["processed"] is None:
        out.print("判读由正在运行的民声完成，稍后即可在页面上看到。")
    out.print(f"用时 {counts['seconds']} 秒。")
    if counts["bad"]:
        err.print(f"（只列出前 {SHOWN_BAD} 处；请改正文件后重新导入，已收下的不会重复。）")
