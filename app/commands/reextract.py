"""`reextract`: kept pages are read again after the rules of reading have changed.

    scan ─documents with a kept page→ reading processes: crawlers.reread ─→ what differs goes to the intake

From there a changed document takes the usual way (`minsheng work`): a new version where title or text has changed, and
a new assessment. A page that no longer gives anything changes nothing. Done twice, the second run finds nothing to do.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import typer

from analysis.privacy import mask
from app import clock
from app.commands.check import emit
from app.console import USAGE, ConfigOption, DataOption, JsonOption, fail, out, progress, read_config
from app.folder import AUTHOR, derived, secret
from app.stores import stores
from crawlers.guard import PageCutOff, Readers
from crawlers.kinds import UnreadableSource
from crawlers.reread import reread
from storage.ports import DocumentQuery, DocumentStore, Ledger
from storage.prepare import prepare
from storage.types import Document, RawPage, Source

BATCH = 200
#: what a reading may change, and how an official calls it
FIELDS = {
    "title": "标题", "text": "正文", "published_at": "发布时间", "origin": "来源", "author": "作者",
    "status": "办理状态", "pictures": "图片",
}  # fmt: skip

#: documents that were read from one page: an article, a question and its reply, floors
Group = Sequence[Document]
#: a page read again, or why it was not: "unreadable" "missing" "source"
Answer = Sequence[Document] | str


def register(app: typer.Typer) -> None:
    app.command("reextract")(reextract)


def reextract(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只统计会有什么变化，不写入")] = False,
    source: Annotated[str | None, typer.Option("--source", help="只重读这个信源的网页")] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="同时解析的进程数")] = 1,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """重读留存的原网页：提取规则或信源选择器改动之后，按新规则重新提取已入库的文档；标题或正文有变化的成为新版本。"""
    loaded = read_config(config)
    sources = loaded.office.sources
    if source is not None and source not in sources:
        fail(f"没有信源 {source!r}；已有：{'、'.join(sources)}", USAGE)
    folder, documents, ledger = stores(loaded, data)
    key = derived(secret(folder), AUTHOR)
    query = DocumentQuery(filters={"source": [source]} if source else {})
    total, tally = documents.count(query), Counter[str]()
    with closing(ledger), closing(documents), progress("重读网页", total, quiet=as_json) as bar:
        groups = _groups(documents, query, lambda: bar.advance(bar.task_ids[0]))
        for batch, answers in _read(groups, sources, ledger, processes):
            now = clock.now()
            changed = [d for group, a in zip(batch, answers, strict=True) for d in compared(group, a, key, now, tally)]
            if changed and not dry_run:
                with ledger.begin() as tx:
                    tx.intake.add(changed, now)
    _tell(total, tally, dry_run=dry_run, as_json=as_json)


def _groups(documents: DocumentStore, query: DocumentQuery, advance: Callable[[], None]) -> Iterator[Group]:
    """Articles as they come; what shares a page with others (threads, replies) after them."""
    several: dict[tuple[str, str], list[str]] = {}
    for row in documents.scan(query):
        advance()
        document = row.document
        if document.raw is None:
            continue
        if document.thread is None:
            yield (document,)
        else:
            several.setdefault((document.raw, document.thread), []).append(document.id)
    for ids in several.values():
        yield [row.document for row in documents.get(ids)]


def _read(
    groups: Iterator[Group], sources: Mapping[str, Source], ledger: Ledger, processes: int
) -> Iterator[tuple[list[Group], list[Answer]]]:
    """Batches of pages with what they say today, in the order of `groups`."""
    idle: SimpleQueue[Readers] = SimpleQueue()
    for _ in range(processes):
        idle.put(Readers())

    def answer(group: Group, raw: RawPage | None) -> Answer:
        readers = idle.get()
        try:
            return _answer(group, raw, sources, readers)
        finally:
            idle.put(readers)

    try:
        with ThreadPoolExecutor(processes) as pool:
            while batch := list(islice(groups, BATCH)):
                with ledger.read() as tx:
                    pages = [tx.frontier.raw(group[0].raw or "") if group else None for group in batch]
                yield batch, list(pool.map(answer, batch, pages))
    finally:
        while not idle.empty():
            idle.get().close()


def _answer(group: Group, raw: RawPage | None, sources: Mapping[str, Source], readers: Readers) -> Answer:
    if raw is None:
        return "missing"
    source = sources.get(group[0].source)
    if source is None:
        return "source"
    try:
        found: list[Document] = readers.call(reread, raw, source, list(group))
    except (UnreadableSource, PageCutOff, ValueError):
        return "unreadable"
    return found or "unreadable"


def compared(group: Group, answer: Answer, key: bytes, now: datetime, tally: Counter[str]) -> list[Document]:
    """The documents of one page that differ from what is kept, ready for the intake; `tally` counts what and why.

    A value that the page does not give leaves the kept one. A document that the page no longer gives is left alone.
    """
    tally["pages"] += 1
    if isinstance(answer, str):
        tally[answer] += 1
        return []
    known = {d.id: d for d in group}
    changed: list[Document] = []
    for document in answer:
        fresh, old = prepare(document, key, now), known.get(document.id)
        if old is None:
            tally["added"] += 1
            changed.append(fresh)
            continue
        fresh = _merged(fresh, old)
        shown = replace(fresh, title=mask(fresh.title).text, text=mask(fresh.text).text)
        differing = [name for name in FIELDS if getattr(shown, name) != getattr(old, name)]
        tally.update(differing)
        if differing:
            tally["changed"] += 1
            changed.append(fresh)
    tally["gone"] += len(known.keys() - {d.id for d in answer})
    return changed


def _merged(fresh: Document, old: Document) -> Document:
    """Today's reading of a document; figures, place in time and what the page does not say are the old ones."""
    return replace(
        old,
        title=fresh.title or old.title,
        text=fresh.text or old.text,
        published_at=fresh.published_at or old.published_at,
        origin=fresh.origin or old.origin,
        author=fresh.author or old.author,
        status=fresh.status or old.status,
        pictures=fresh.pictures or old.pictures,
        extractor=fresh.extractor,
        confidence=fresh.confidence,
    )


def _tell(total: int, tally: Mapping[str, int], *, dry_run: bool, as_json: bool) -> None:
    names = ("pages", "changed", "added", "gone", "unreadable", "missing", "source", *FIELDS)
    counts = {name: tally.get(name, 0) for name in names}
    if as_json:
        emit({"documents": total, "dry_run": dry_run, **counts})
        return
    parts = "、".join(f"{word} {counts[name]}" for name, word in FIELDS.items() if counts[name])
    out.print(f"共 {total} 条，有原网页可重读的 {counts['pages']} 页。")
    out.print(
        f"与现有内容不同 {counts['changed']} 条"
        + (f"（{parts}）" if parts else "")
        + f"，新认出 {counts['added']} 条。"
    )
    for name, why in (
        ("gone", "条按新规则取不出来，保留原样"), ("unreadable", "页读不了，保留原样"),
        ("missing", "页的原网页已过保存期"), ("source", "页的信源已不在 sources.toml 中"),
    ):  # fmt: skip
        if counts[name]:
            out.print(f"另有 {counts[name]} {why}。")
    if dry_run:
        out.print("没有写入任何数据。")
    elif counts["changed"] or counts["added"]:
        out.print("有变化的已交给 minsheng work 重新判读，旧版本保留在文档的历史中。")
