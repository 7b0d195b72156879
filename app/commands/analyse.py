"""`assess`, `cluster`: the analysis by itself, without a store."""

import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from analysis.assess import Assessor
from analysis.events import Grouper
from app import clock
from app.assessing import BATCH, judged
from app.console import FAILED, USAGE, ConfigOption, err, fail, progress, read_config
from app.garbage import keep_loaded
from app.jsonl import BadLine, read_documents, write_line
from storage.types import Assessment, Document

InOption = Annotated[Path | None, typer.Option("--in", help="输入的 JSONL 文件（默认：标准输入）")]
OutOption = Annotated[Path | None, typer.Option("--out", help="输出的 JSONL 文件（默认：标准输出）")]


def register(app: typer.Typer) -> None:
    app.command("assess")(assess)
    app.command("cluster")(cluster)


def _open(stack: ExitStack, source: Path | None, target: Path | None) -> tuple[BinaryIO, BinaryIO]:
    try:
        lines: BinaryIO = stack.enter_context(source.open("rb")) if source else sys.stdin.buffer
        found: BinaryIO = stack.enter_context(target.open("wb")) if target else sys.stdout.buffer
    except OSError as error:
        fail(f"打不开 {error.filename}：{error.strerror}", USAGE)
    return lines, found


def _batches(items: Iterator[Document | BadLine]) -> Iterator[list[Document | BadLine]]:
    while batch := list(islice(items, BATCH)):
        yield batch


def assess(
    source: InOption = None,
    target: OutOption = None,
    config: ConfigOption = None,
    processes: Annotated[int, typer.Option("--processes", min=1, help="进程数")] = 1,
) -> None:
    """逐行判读文档（情感、专题、部门、地点、标记、脱敏），次序不变；坏行输出一行错误。"""
    office = read_config(config).office
    bad = 0
    with ExitStack() as stack:
        lines, found = _open(stack, source, target)
        bar = stack.enter_context(progress("判读", quiet=target is None))
        try:
            for answer in judged(lines, office, now=clock.now(), processes=processes):
                found.write(answer.lines)
                bad += answer.bad
                bar.advance(bar.task_ids[0], answer.count)
        except BrokenProcessPool:
            fail("有一个判读进程中途退出（可能内存不足），已写出的各行有效；请减小 --processes 后重试")
        found.flush()
    _tell_bad(bad)


def cluster(source: InOption = None, target: OutOption = None, config: ConfigOption = None) -> None:
    """按时间次序把文档归为事件，输出每行的 id 和 event（单独一条的 event 为 null）。"""
    office = read_config(config).office
    assessor, grouper = Assessor(office), Grouper(office)
    keep_loaded()
    order: list[tuple[str, str]] = []
    sizes: dict[str, int] = {}
    bad = 0
    with ExitStack() as stack:
        lines, found = _open(stack, source, target)
        bar = stack.enter_context(progress("归并", quiet=target is None))
        for batch in _batches(read_documents(lines, now=clock.now(), timezone=office.timezone)):
            documents = [d for d in batch if isinstance(d, Document)]
            bad += len(batch) - len(documents)
            for item in batch:
                if isinstance(item, BadLine):
                    err.print(f"第 {item.line} 行：{item.error}", markup=False)
            pairs = [
                (d, a) for d, a in zip(documents, assessor.assess(documents), strict=True) if isinstance(a, Assessment)
            ]
            for (document, _), given in zip(pairs, grouper.assign(pairs), strict=True):
                order.append((document.id, given.event))
                sizes[given.event] = sizes.get(given.event, 0) + 1
            bar.advance(bar.task_ids[0], len(batch))
        for document_id, event in order:
            write_line(found, {"id": document_id, "event": event if sizes[event] > 1 else None})
        found.flush()
    _tell_bad(bad)


def _tell_bad(bad: int) -> None:
    if bad:
        err.print(f"有 {bad} 行不能使用，已逐行说明；其余各行已处理。")
        raise typer.Exit(FAILED)
