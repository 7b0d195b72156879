"""A file behind an address: CSV, XLSX or JSONL of work orders or posts. Folders are read by `crawlers.folder`."""

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from crawlers.files import SUFFIXES, BadRow, UnreadableFile, read_rows
from crawlers.kinds.hotlist import no_article
from crawlers.kinds.shapes import Kind, ListResult, Page, UnreadableSource
from storage.types import Document, Lease, Source


def parse_list(page: Page, source: Source, lease: Lease, now: datetime) -> ListResult:
    """Documents of the file's rows. Raises UnreadableSource where it is no such file."""
    with tempfile.TemporaryDirectory(prefix="minsheng-") as folder:
        path = Path(folder) / f"rows{_suffix(page)}"
        path.write_bytes(page.body)
        return rows_of(path, source, now)


def rows_of(path: Path, source: Source, now: datetime) -> ListResult:
    """Documents of a local file, as this source's own."""
    documents: list[Document] = []
    rejected: list[str] = []
    try:
        for row in read_rows(path, kind=source.kind, mapping=source.mapping.fields, source=source.id, now=now):
            if isinstance(row, BadRow):
                rejected.append(f"第 {row.line} 行：{row.field} 为“{row.value}”，{row.expected}")
            else:
                documents.append(replace(row, source=source.id, sample=source.sample, area=row.area or source.area))
    except UnreadableFile as error:
        raise UnreadableSource(str(error)) from error
    return ListResult(documents=tuple(documents), rejected=tuple(rejected))


def _suffix(page: Page) -> str:
    suffix = Path(urlsplit(page.url).path).suffix.lower()
    if suffix in SUFFIXES:
        return suffix
    if page.body[:2] == b"PK":
        return ".xlsx"
    return ".jsonl" if page.body.lstrip()[:1] == b"{" else ".csv"


KIND = Kind(parse_list=parse_list, parse_article=no_article, max_bytes=100_000_000)
