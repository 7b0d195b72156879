"""Re-assessing: every document once, corrections and later changes left alone, the same with any number of workers."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from engines import MINUTE, NOW, cut, free_port, stored
from small_office import small_office
from typer.testing import CliRunner

from analysis.assess import Assessor
from analysis.words import segment
from app.cli import build
from app.commands.reassess import BATCH, Understood, run
from storage.documents import SqliteDocuments
from storage.open import open_stores
from storage.ports import DocumentQuery
from storage.types import Correction, Document, StoredDocument

TEXTS = ("食堂的饭菜有异味，孩子拉肚子", "感谢交警帮忙推车", "工地夜里施工太吵，没人管", "请问公积金怎么提取")


def old_rows(count: int) -> list[StoredDocument]:
    return [stored(n, TEXTS[n % 4] + str(n), at=NOW + n * MINUTE, event=f"e{n % 3}") for n in range(count)]


def done(assessor: Assessor, batch: list[Document]) -> "Future[Understood]":
    future: Future[Understood] = Future()
    future.set_result(assessor.assess(batch))
    return future


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteDocuments]:
    opened = SqliteDocuments(tmp_path / "documents.db", segment=segment)
    yield opened
    opened.close()


def test_every_document_once_and_nothing_else_is_touched(store: SqliteDocuments) -> None:
    assessor = Assessor(small_office())
    rows = old_rows(BATCH + 100)
    store.put(rows)
    seen: list[int] = []
    ahead: list[int] = []

    def submit(batch: list[Document]) -> "Future[Understood]":
        ahead.append(len(batch))
        if len(ahead) == 1:  # meanwhile: a person moves one to another event, a crawl finds one with a new text
            store.set_event({"3": "other"})
            store.put([stored(7, "改过的正文", at=NOW + 7 * MINUTE)])
        return done(assessor, batch)

    def due(row: StoredDocument) -> bool:
        return row.assessment.version != assessor.version

    tally = run(store, submit, due, ahead=2, advance=seen.append)
    assert tally == {"done": 600, "changed": 598, "unreadable": 0, "moved_on": 2}
    assert sum(seen) == 600
    found = {row.document.id: row for row in store.scan(DocumentQuery())}
    assert found["3"].event == "other"
    assert found["7"].document.text == "改过的正文"
    fine = found["4"]
    assert (fine.event, fine.version, fine.document) == ("e1", 1, rows[4].document)
    assert fine.assessment == replace(assessor.assess([rows[4].document])[0], masked_title="", masked_text="")  # type: ignore[type-var]
    assert run(store, submit, due, ahead=2, advance=seen.append)["done"] == 2  # what had moved on is still due
    assert run(store, submit, due, ahead=2, advance=seen.append)["done"] == 0
    assert store.recount() == []


def office(tmp_path: Path, count: int) -> Path:
    documents, ledger = open_stores(tmp_path, segment=cut)
    documents.put(old_rows(count))
    word = Correction(id="c", document="2", field="sentiment", machine="neutral", person="negative", who="p", at=NOW)
    with ledger.begin() as tx:
        tx.notes.add_correction(word)
    documents.close()
    ledger.close()
    return tmp_path


def all_rows(data: Path) -> list[StoredDocument]:
    documents, ledger = open_stores(data, segment=cut)
    rows = list(documents.scan(DocumentQuery()))
    documents.close()
    ledger.close()
    return rows


def call(data: Path, *words: str) -> dict[str, object]:
    result = CliRunner().invoke(build("reassess"), ["reassess", "--data", str(data), "--json", *words])
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.stdout)
    return told


def test_the_command_with_one_process_and_two_gives_the_same(tmp_path: Path) -> None:
    one, two = office(tmp_path / "one", 700), office(tmp_path / "two", 700)
    told = call(one, "--processes", "1")
    assert (told["done"], told["corrected"]) == (699, 1)
    assert call(two, "--processes", "2")["done"] == 699
    assert all_rows(one) == all_rows(two)
    assert [r.assessment.version for r in all_rows(one) if r.document.id == "2"] == [""]
    assert call(one, "--processes", "1")["done"] == 0


def test_dask_that_is_not_there_is_said(tmp_path: Path) -> None:
    office(tmp_path, 1)
    result = CliRunner().invoke(build("reassess"), ["reassess", "--data", str(tmp_path), "--dask", "tcp://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "Dask" in result.output


def test_dask_workers_give_what_one_process_gives_though_one_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    one, many = office(tmp_path / "one", 3000), office(tmp_path / "many", 3000)
    call(one, "--processes", "1")
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = subprocess.Popen([
        sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard",
    ])  # fmt: skip
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    workers = [subprocess.Popen([*command, "--no-nanny"]) for _ in range(2)]
    try:
        time.sleep(5)
        running = subprocess.Popen(
            [sys.executable, "-m", "app", "reassess", "--data", str(many), "--dask", address, "--json"],
            stdout=subprocess.PIPE,
        )
        deadline = time.monotonic() + timedelta(seconds=60).total_seconds()
        while not any(r.assessment.version for r in all_rows(many)) and time.monotonic() < deadline:
            time.sleep(0.1)
        workers[0].kill()
        output, _ = running.communicate(timeout=120)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
    assert running.returncode == 0
    assert json.loads(output)["done"] == 2999
    assert all_rows(one) == all_rows(many)
