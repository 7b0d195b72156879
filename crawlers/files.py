"""CSV, XLSX and JSONL in: one document per row, bad rows named by line, memory flat in the number of rows."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO
from zipfile import BadZipFile, ZipFile

from crawlers.charset import decode
from crawlers.columns import HEADERS, BadRow, UnreadableFile, columns, document, reply
from storage.types import Document, Kind

__all__ = ["BadRow", "UnreadableFile", "read_rows"]

_SAMPLE = 1_000_000
_LONGEST_FIELD = 2_000_000
#: an XLSX that unpacks to more is a bomb
_UNPACKED = 2_000_000_000
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".jsonl", ".ndjson")


def read_rows(
    path: Path,
    *,
    kind: Kind,
    mapping: Mapping[str, str] = {},
    source: str,
    now: datetime,
    fetched_at: datetime | None = None,
) -> Iterator[Document | BadRow]:
    """Documents of a file, in order; a BadRow for each row that cannot be used, the others go on.

    `mapping`: field → column header (see `crawlers.columns.HEADERS`); other columns are guessed, the rest goes to
    `Document.extra`. A column `reply` gives a second document of kind "reply". Naive times are Chinese times.
    Raises UnreadableFile where the file is no such file, or has no column for the text.
    """
    seen_at = fetched_at or now
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        yield from _json_lines(path, kind, mapping, source, now, seen_at)
        return
    table = _sheet(path) if suffix in (".xlsx", ".xlsm") else _csv(path)
    header = [str(cell or "").strip() for cell in next(table, (0, ()))[1]]
    if not any(header):
        raise UnreadableFile("文件是空的，或第一行没有列名")
    places = columns(header, mapping)
    others = [i for i in range(len(header)) if i not in places.values() and header[i]]
    for line, cells in table:
        if not any(cell not in (None, "") for cell in cells):
            continue
        if len(cells) > len(header) and any(cells[len(header) :]):
            yield BadRow(line=line, field="", value=str(len(cells)), expected=f"应有 {len(header)} 列")
            continue
        row = {field: cells[i] for field, i in places.items() if i < len(cells)}
        extra = {header[i]: str(cells[i])[:2000] for i in others if i < len(cells) and cells[i] is not None}
        yield from _documents(row, extra, line, kind, source, now, seen_at)


def _documents(
    row: Mapping[str, object],
    extra: Mapping[str, str],
    line: int,
    kind: Kind,
    source: str,
    now: datetime,
    seen_at: datetime,
) -> Iterator[Document | BadRow]:
    found = document(row, extra, line, kind=kind, source=source, now=now, fetched_at=seen_at)
    yield found
    answered = reply(found, row, now) if isinstance(found, Document) else None
    if answered:
        yield answered


def _csv(path: Path) -> Iterator[tuple[int, Sequence[object]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    with _opened(path) as stream:
        sample = stream.read(20_000)
        stream.seek(0)
        first = sample.split("\n", 1)[0]
        delimiter = max(",\t;", key=first.count) if any(d in first for d in ",\t;") else ","
        reader = csv.reader((line.replace("\x00", "") for line in stream), delimiter=delimiter)
        while True:
            start = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise UnreadableFile(f"第 {start} 行无法按 CSV 读取：{error}") from error
            yield start, cells


def _opened(path: Path) -> TextIO:
    """The file as text in whatever charset it is; sampled at its beginning, then read as a stream."""
    with path.open("rb") as raw:
        sample = raw.read(_SAMPLE)
    if b"\x00\x00\x00" in sample[:2000] or sample[:2] == b"PK":
        raise UnreadableFile("这不是 CSV 文件")
    charset = decode(sample).charset
    charset = "utf-8-sig" if charset == "utf-8" else charset
    return io.TextIOWrapper(path.open("rb"), encoding=charset, errors="replace", newline="")


def _sheet(path: Path) -> Iterator[tuple[int, Sequence[object]]]:
    """Rows of the first sheet; formulas as their last values, never computed."""
    from openpyxl import load_workbook  # long to load, and most processes never read a sheet

    try:
        with ZipFile(path) as archive:
            if sum(i.file_size for i in archive.infolist()) > _UNPACKED:
                raise UnreadableFile("表格解压后过大，已拒绝")
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(f"无法打开表格：{error}") from error
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        yield from enumerate(sheet.iter_rows(values_only=True), 1)
    finally:
        book.close()


def _json_lines(
    path: Path, kind: Kind, mapping: Mapping[str, str], source: str, now: datetime, seen_at: datetime
) -> Iterator[Document | BadRow]:
    names = {**{n: f for f, ns in HEADERS.items() for n in ns}, **_by_name(mapping)}
    with _opened(path) as stream:
        for line, text in enumerate(stream, 1):
            if not text.strip():
                continue
            try:
                item = json.loads(text)
            except (ValueError, RecursionError):
                yield BadRow(line=line, field="", value=text.strip()[:60], expected="每行应为一个 JSON 对象")
                continue
            if not isinstance(item, dict):
                yield BadRow(line=line, field="", value=text.strip()[:60], expected="每行应为一个 JSON 对象")
                continue
            row = {names[k]: v for k, v in item.items() if k in names}
            extra = {k: str(v)[:2000] for k, v in item.items() if k not in names and v is not None}
            yield from _documents(row, extra, line, kind, source, now, seen_at)


def _by_name(mapping: Mapping[str, str]) -> dict[str, str]:
    return {(other if one in HEADERS else one): (one if one in HEADERS else other) for one, other in mapping.items()}
