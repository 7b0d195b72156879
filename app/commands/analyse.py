"""`extract`, `assess`, `cluster`: the analysis by itself, without a store."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import httpx
import orjson
import typer
from analysis.assess import Assessor
from analysis.events import Grouper
from crawlers.extract import extract

from app import clock
from app.console import FAILED, USAGE, ConfigOption, err, fail, progress, read_config
from app.jsonl import BadLine, assessment_json, read_documents, write_line
from storage.types import Assessment, Document

InOption = Annotated[Path | None, typer.Option("--in", help="输入的 JSONL 文件（默认：标准输入）")]
OutOption = Annotated[Path | None, typer.Option("--out", help="输出的 JSONL 文件（默认：标准输出）")]

BATCH = 512
#: an address given to `extract` is fetched up to this size
MAX_PAGE = 8_000_000


def register(app: typer.Typer) -> None:
    app.command("extract")(extract_command)
    app.command("assess")(assess)
    app.command("cluster")(cluster)


def extract_command(
    page: Annotated[str, typer.Argument(help="网页文件或网址")],
    url: Annotated[str, typer.Option("--url", help="文件原来的网址")] = "",
) -> None:
    """从一个网页取出标题、正文、时间、来源、作者，输出 JSON。"""
    content_type = ""
    if page.startswith(("http://", "https://")):
        url = url or page
        try:
            response = httpx.get(page, follow_redirects=True, timeout=20)
            response.raise_for_status()
        except httpx.HTTPError as error:
            fail(f"取不到 {page}：{error}")
        body, content_type = response.content[:MAX_PAGE], response.headers.get("content-type", "")
    else:
        try:
            body = Path(page).read_bytes()
        except OSError as error:
            fail(f"读不到文件 {page}：{error.strerror}", USAGE)
    article = extract(body, url=url, content_type=content_type, now=clock.now())
    sys.stdout.write(orjson.dumps(asdict(article), option=orjson.OPT_INDENT_2).decode() + "\n")


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


def assess(source: InOption = None, target: OutOption = None, config: ConfigOption = None) -> None:
    """逐行判读文档（情感、专题、部门、地点、标记、脱敏），次序不变；坏行输出一行错误。"""
    office = read_config(config).office
    assessor = Assessor(office)
    bad = 0
    with ExitStack() as stack:
        lines, found = _open(stack, source, target)
        bar = stack.enter_context(progress("判读", quiet=target is None))
        for batch in _batches(read_documents(lines, now=clock.now(), timezone=office.timezone)):
            results = iter(assessor.assess([d for d in batch if isinstance(d, Document)]))
            for item in batch:
                if isinstance(item, BadLine):
                    bad += 1
                    found.write(item.to_json() + b"\n")
                    continue
                result = next(results)
                if isinstance(result, Assessment):
                    write_line(found, assessment_json(result))
                else:
                    bad += 1
                    write_line(found, {"id": item.id, "error": str(result)})
            bar.advance(bar.task_ids[0], len(batch))
        found.flush()
    _tell_bad(bad)


def cluster(source: InOption = None, target: OutOption = None, config: ConfigOption = None) -> None:
    """按时间次序把文档归为事件，输出每行的 id 和 event（单独一条的 event 为 null）。"""
    office = read_config(config).office
    assessor, grouper = Assessor(office), Grouper(office)
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
