"""A stream of JSONL documents → a stream of JSONL assessments, in one process or several; memory stays flat.

    lines ─chunk→ [worker: parse, assess, write] ─in the order of reading→ lines

A chunk travels as bytes both ways: parsing and writing are done where the assessing is done.
"""

import io
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from analysis.assess import Assessor
from app.garbage import keep_loaded
from app.jsonl import MAX_LINE, BadLine, assessment_json, read_documents, write_line
from storage.types import Assessment, Document, Office

BATCH = 512  #: lines of a chunk
_BYTES = 4_000_000  #: after so many bytes a chunk is full
_AHEAD = 2  #: chunks under way for each worker: one being done, one waiting


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines as they were read."""

    first: int  #: number of the first line, from 1
    lines: list[bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is written for a chunk: one line for each that was not blank."""

    lines: bytes
    count: int  #: lines read
    bad: int  #: of them, no documents


def chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """The lines of a stream; one that is too long is cut just past the limit, so that it is refused and not held."""
    first, lines, size = 1, list[bytes](), 0
    while line := stream.readline(MAX_LINE + 2):
        end = line
        while not end.endswith(b"\n") and len(end) == MAX_LINE + 2:
            end = stream.readline(MAX_LINE + 2)
        lines.append(line)
        size += len(line)
        if len(lines) == BATCH or size >= _BYTES:
            yield Chunk(first, lines)
            first, lines, size = first + len(lines), [], 0
    if lines:
        yield Chunk(first, lines)


def judge(chunk: Chunk, assessor: Assessor, now: datetime) -> Answer:
    """The assessment of each line, or the error that stands in its place."""
    items = list(read_documents(chunk.lines, now=now, timezone=assessor.office.timezone))
    results = iter(assessor.assess([item for item in items if isinstance(item, Document)]))
    out, bad = io.BytesIO(), 0
    for item in items:
        if isinstance(item, BadLine):
            out.write(replace(item, line=chunk.first + item.line - 1).to_json() + b"\n")
            bad += 1
            continue
        result = next(results)
        if isinstance(result, Assessment):
            write_line(out, assessment_json(result))
        else:
            write_line(out, {"id": item.id, "error": str(result)})
            bad += 1
    return Answer(out.getvalue(), len(chunk.lines), bad)


def judged(stream: BinaryIO, office: Office, *, now: datetime, processes: int = 1) -> Iterator[Answer]:
    """Answers in the order of reading. BrokenProcessPool where a worker was killed."""
    if processes == 1:
        assessor = Assessor(office)
        keep_loaded()
        for chunk in chunks(stream):
            yield judge(chunk, assessor, now)
        return
    with ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=_start, initargs=(office, now)
    ) as pool:
        yield from _in_order(chunks(stream), lambda chunk: pool.submit(_judge, chunk), processes * _AHEAD)


def _in_order(parts: Iterator[Chunk], submit: Callable[[Chunk], "Future[Answer]"], ahead: int) -> Iterator[Answer]:
    under_way: deque[Future[Answer]] = deque()
    for part in parts:
        under_way.append(submit(part))
        if len(under_way) >= ahead:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


_worker: dict[str, Callable[[Chunk], Answer]] = {}


def _start(office: Office, now: datetime) -> None:
    assessor = Assessor(office)
    assessor.assess([Document(id="", text="预热", source="", kind="message", fetched_at=now)])
    keep_loaded()
    _worker["judge"] = lambda chunk: judge(chunk, assessor, now)


def _judge(chunk: Chunk) -> Answer:
    return _worker["judge"](chunk)
