"""`reassess`: stored documents are understood anew, after rules, words or models changed.

    scan ─batches→ processes or Dask workers: Assessor.assess ─→ written here, one batch after the other

A batch changes nothing but assessments, and only where the document is still what it was when it was read; so a batch
that is done twice, or by a worker that is killed and another one, gives the same. What a person corrected stays.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from analysis.assess import Assessor, reassessed
from app.commands.check import emit
from app.console import ConfigOption, DataOption, JsonOption, fail, out, progress, read_config
from app.garbage import keep_loaded
from app.stores import stores
from storage.ports import DocumentQuery, DocumentStore, StoreError
from storage.types import Assessment, Document, Office, StoredDocument, UnreadableDocument

BATCH = 500
#: batches under way for each worker: one being done, one waiting
AHEAD = 2

Understood = list[Assessment | UnreadableDocument]


class Answer(Protocol):
    """A batch under way: a Future of either kind."""

    def result(self) -> Understood: ...


Submit = Callable[[list[Document]], Answer]


def register(app: typer.Typer) -> None:
    app.command("reassess")(reassess)


def reassess(
    processes: Annotated[int, typer.Option("--processes", min=1, help="进程数（默认：处理器数）")] = os.cpu_count()
    or 1,
    dask: Annotated[str | None, typer.Option("--dask", help="Dask 调度器地址，如 tcp://主机:8786")] = None,
    every: Annotated[bool, typer.Option("--all", help="全部重判，而不只是旧版本判读的")] = False,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """重新判读：规则、词表或模型改动之后，把已入库的文档按新版本判读一遍；人工更正过的不动。"""
    loaded = read_config(config)
    assessor = Assessor(loaded.office)
    _, documents, ledger = stores(loaded, data)
    with ledger.read() as tx:
        corrected = frozenset(c.document for c in tx.notes.corrections())
    total = documents.count(DocumentQuery())
    work = _dask(dask, assessor) if dask else _pool(processes, assessor) if processes > 1 else _alone(assessor)
    try:
        with work as (submit, workers), progress("重新判读", total, quiet=as_json) as bar:
            tally = run(
                documents,
                submit,
                lambda row: (every or row.assessment.version != assessor.version) and row.document.id not in corrected,
                ahead=workers * AHEAD,
                advance=lambda done: bar.advance(bar.task_ids[0], done),
            )
    except StoreError as error:
        fail(f"{error}（已写入的不会丢失，可再运行一次）")
    documents.close()
    ledger.close()
    counts = {"documents": total, **tally, "corrected": len(corrected), "version": assessor.version}
    if as_json:
        emit(counts)
        return
    out.print(
        f"共 {total} 条：重判 {tally['done']} 条，其中有变化 {tally['changed']} 条，读不了 {tally['unreadable']} 条。"
    )


def run(
    documents: DocumentStore,
    submit: Submit,
    due: Callable[[StoredDocument], bool],
    *,
    ahead: int,
    advance: Callable[[int], None],
) -> dict[str, int]:
    """Every due document once; {"done", "changed", "unreadable", "moved_on"}.

    At most `ahead` batches are under way, so the memory stays flat; results are written in the order of reading.
    """
    tally = Counter[str]()
    under_way: deque[tuple[list[StoredDocument], Answer]] = deque()
    for seen, batch in _batches(documents.scan(DocumentQuery()), due):
        advance(seen - len(batch))
        if batch:
            under_way.append((batch, submit([row.document for row in batch])))
        while len(under_way) >= ahead:
            _write(documents, *under_way.popleft(), tally, advance)
    while under_way:
        _write(documents, *under_way.popleft(), tally, advance)
    return {name: tally[name] for name in ("done", "changed", "unreadable", "moved_on")}


def _batches(
    rows: Iterator[StoredDocument], due: Callable[[StoredDocument], bool]
) -> Iterator[tuple[int, list[StoredDocument]]]:
    """(documents read, those of them that are due)."""
    while portion := list(islice(rows, BATCH)):
        yield len(portion), [row for row in portion if due(row)]


def _write(
    documents: DocumentStore,
    batch: Sequence[StoredDocument],
    answer: Answer,
    tally: Counter[str],
    advance: Callable[[int], None],
) -> None:
    """Write new assessments of documents that nobody changed meanwhile; event and original are left to the store."""
    present = {row.document.id: row for row in documents.get([row.document.id for row in batch])}
    fresh: list[StoredDocument] = []
    for row, found in zip(batch, answer.result(), strict=True):
        tally["done"] += 1
        if isinstance(found, UnreadableDocument):
            tally["unreadable"] += 1
        elif present.get(row.document.id) != row:
            tally["moved_on"] += 1  # still due, if it is there: the next run takes it
        else:
            kept = replace(found, masked_title="", masked_text="")
            tally["changed"] += reassessed(row.assessment, kept) is not None
            fresh.append(replace(row, assessment=kept, event=None, duplicate_of=None))
    documents.put(fresh)
    advance(len(batch))


@contextmanager
def _alone(assessor: Assessor) -> Iterator[tuple[Submit, int]]:
    def submit(batch: list[Document]) -> "Future[Understood]":
        done: Future[Understood] = Future()
        done.set_result(assessor.assess(batch))
        return done

    yield submit, 1


@contextmanager
def _pool(processes: int, assessor: Assessor) -> Iterator[tuple[Submit, int]]:
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_start, initargs=(assessor,)) as pool:
        yield (lambda batch: _submit(pool, batch)), processes


def _submit(pool: ProcessPoolExecutor, batch: list[Document]) -> "Future[Understood]":
    return pool.submit(_assess, batch)


@contextmanager
def _dask(address: str, assessor: Assessor) -> Iterator[tuple[Submit, int]]:
    """Batches go to Dask workers, which have this program installed; a killed worker's batch goes to another one."""
    try:
        import distributed
    except ModuleNotFoundError:
        fail("没有安装 Dask：请运行 pip install 'minsheng[dask]'，各工作机上也一样")
    try:
        connect: Any = distributed.Client  # untyped
        client = connect(address, timeout="10s")
    except (OSError, ValueError) as error:
        fail(f"连不上 Dask 调度器 {address}：请确认 dask scheduler 已启动（{type(error).__name__}）")
    with client:
        # a task, not scattered data: what a killed worker held is then made again on another one
        shared = client.submit(_made, assessor.office, assessor.models)
        gone = (distributed.KilledWorker, distributed.client.FutureCancelledError, OSError)
        yield (
            lambda batch: _Remote(client.submit(_assess_with, shared, batch, pure=False, retries=3), gone),
            max(1, len(client.scheduler_info()["workers"])),
        )


@dataclass(frozen=True, slots=True)
class _Remote:
    """A batch on Dask's workers."""

    future: Any
    gone: tuple[type[Exception], ...]

    def result(self) -> Understood:
        try:
            found: Understood = self.future.result()
        except self.gone as error:
            raise StoreError(f"Dask 工作机接连失联（{type(error).__name__}）：请检查各工作机") from error
        return found


def _made(office: Office, models: Path | None) -> Assessor:
    return Assessor(office, models=models)


_MINE: list[Assessor] = []


def _start(assessor: Assessor) -> None:
    """In a new process of the pool: what was compiled for the office is compiled once."""
    _MINE[:] = [assessor]
    keep_loaded()


def _assess(batch: list[Document]) -> Understood:
    return _assess_with(_MINE[0], batch)


def _assess_with(assessor: Assessor, batch: Iterable[Document]) -> Understood:
    return assessor.assess(list(batch))
