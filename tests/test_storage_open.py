"""Opening the stores: what is wrong is said in Chinese, with what to do; migrations and tables agree."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from engines import NOW, cut, stored

from storage.ledger import open_ledger
from storage.ledger.tables import metadata
from storage.open import DOCUMENTS, LEDGER, open_stores
from storage.ports import DocumentQuery, StoreError
from storage.query import parse


def opened(data: Path) -> None:
    documents, ledger = open_stores(data, segment=cut)
    ledger.close()
    documents.close()


def test_a_new_folder_and_the_same_again(tmp_path: Path) -> None:
    data = tmp_path / "a" / "b"
    documents, ledger = open_stores(data, segment=cut)
    documents.put([stored(1)])
    documents.close()
    documents.close()
    ledger.close()
    documents, ledger = open_stores(data, segment=cut)
    assert documents.health()["documents"] == 1
    assert ledger.health()["schema"] == "0003"
    ledger.close()
    documents.close()
    with pytest.raises(StoreError, match="已经关闭"):
        documents.count(DocumentQuery())


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="建不了"):
        opened(tmp_path / "data")


def test_a_folder_that_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(StoreError, match="不可写"):
        opened(tmp_path)


@pytest.mark.parametrize("name", [DOCUMENTS, LEDGER])
def test_a_file_that_is_no_database(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is no database " * 100)
    with pytest.raises(StoreError, match="不是数据库或已损坏"):
        opened(tmp_path)


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    opened(tmp_path)
    with sqlite3.connect(tmp_path / DOCUMENTS) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=r"更新版本.*请升级程序"):
        opened(tmp_path)
    with sqlite3.connect(tmp_path / LEDGER) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(StoreError, match=r"更新版本.*请升级程序"):
        opened(tmp_path)


@pytest.mark.parametrize("name", [DOCUMENTS, LEDGER])
def test_a_foreign_database_is_left_alone(tmp_path: Path, name: str) -> None:
    with sqlite3.connect(tmp_path / name) as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    with pytest.raises(StoreError, match=r"不是本系统|别的程序"):
        opened(tmp_path)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "postgresql+psycopg://nobody@127.0.0.1:9/x"])
def test_a_ledger_that_cannot_be(url: str) -> None:
    with pytest.raises(StoreError, match="账本"):
        open_ledger(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://me:secret@127.0.0.1", "无法识别"),
        ("http://me:secret@127.0.0.1:secret", "无法识别"),
        ("http://me:secret@", "无法识别"),
    ],
)
def test_a_document_engine_that_cannot_be(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(StoreError, match=told) as caught:
        open_stores(tmp_path, segment=cut, documents_url=url)
    assert "secret" not in str(caught.value)


def test_a_document_engine_that_is_away_is_said_at_the_first_use(tmp_path: Path) -> None:
    """Gathering, deadlines and the pages of the ledger start without it."""
    documents, ledger = open_stores(tmp_path, segment=cut, documents_url="http://me:secret@127.0.0.1:9")
    for use in (documents.health, documents.latest, lambda: documents.put([stored(1)])):
        with pytest.raises(StoreError, match="连不上文档库") as caught:
            use()
        assert "secret" not in str(caught.value)
    documents.close()
    ledger.close()


def test_the_migrations_give_the_tables(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / LEDGER}")
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    ledger.close()


def test_a_ledger_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / LEDGER}")
    other = sqlite3.connect(tmp_path / LEDGER, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    timer.start()
    with ledger.begin() as tx:
        tx.notes.put("k", "v")
    timer.join()
    other.close()
    ledger.close()


def test_readers_never_wait_for_the_writer(tmp_path: Path) -> None:
    documents, ledger = open_stores(tmp_path, segment=cut)
    documents.put([stored(1, "甲")])
    other = sqlite3.connect(tmp_path / DOCUMENTS, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM doc")
    assert documents.search(DocumentQuery(words=parse("甲"))).total == 1
    with ledger.begin() as tx:  # its own file, its own lock
        tx.intake.add([stored(1).document], NOW)
    other.execute("ROLLBACK")
    other.close()
    documents.close()
    ledger.close()


def test_threads_share_the_documents(tmp_path: Path) -> None:
    documents, ledger = open_stores(tmp_path, segment=cut)
    failures: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for n in range(10):
                documents.put([stored(f"{name}-{n}", "甲", topics=(f"t{n}",), keywords=(f"k{name}{n}",))])
                documents.search(DocumentQuery(words=parse("甲")))
                documents.facets(DocumentQuery(), "topic")
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert documents.count(DocumentQuery()) == 60
    assert documents.facets(DocumentQuery(), "topic", size=1) == [("t0", 6)]
    documents.close()
    ledger.close()
