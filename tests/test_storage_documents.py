"""What only the embedded document store has: its rollups, a full disk, a copy. The contract is in the module beside."""

import sqlite3
from pathlib import Path
from random import Random

import pytest
from engines import cut, stored

from storage.documents import SqliteDocuments
from storage.ports import DocumentQuery, StoreError
from storage.query import parse


def ids(store: SqliteDocuments, text: str | None = None) -> list[str]:
    return [row.document.id for row in store.search(DocumentQuery(words=parse(text) if text else None), size=1000).rows]


def test_recount_names_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    store = SqliteDocuments(path, segment=cut)
    store.put([stored(1)])
    db = sqlite3.connect(path)
    db.execute("UPDATE roll SET docs = 7 WHERE field = 0")
    db.commit()
    db.close()
    (difference,) = store.recount()
    assert "汇总 7/0，重数 1/0" in difference
    store.close()


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db", segment=cut)
    store.put([stored(n, "甲") for n in range(20)])
    with store._pool.writer() as db:  # stands in for a full disk: SQLite raises the same error
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreError, match="磁盘已满"):
        store.put([stored(f"x{n}", f"乙{n}" * 900, topics=(f"t{n}",)) for n in range(500)])
    assert ids(store, "甲") == ids(store)
    assert store.recount() == []
    with store._pool.writer() as db:
        db.execute("PRAGMA max_page_count = 1000000")
    assert store.put([stored(f"x{n}", "乙", topics=(f"t{n}",)) for n in range(50)]).new == 50
    assert len(store.facets(DocumentQuery(), "topic", size=100)) == 50
    store.close()


def test_a_copy_is_whole_by_itself(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db", segment=cut)
    store.put([stored(1, "甲")])
    store.backup(str(tmp_path / "copy.db"))
    store.put([stored(2, "甲")])
    copy = SqliteDocuments(tmp_path / "copy.db", segment=cut)
    assert ids(copy, "甲") == ["1"]
    assert ids(store, "甲") == ["1", "2"]
    copy.close()
    store.close()


def test_columns_held_in_memory_follow_every_change(tmp_path: Path) -> None:
    """A store that counted before and one opened just now agree, whoever wrote in between."""
    path, random = tmp_path / "documents.db", Random(3)
    held, writer = SqliteDocuments(path, segment=cut), SqliteDocuments(path, segment=cut)
    question = DocumentQuery(words=parse("甲"), duplicates=False)
    for turn in range(12):
        rows = [
            stored(random.randrange(60), "甲 乙"[: random.choice((1, 3))], topics=tuple(random.sample("abc", k)))
            for k in random.choices((0, 1, 2, 3), k=8)
        ]
        writer.put(rows)
        writer.delete([str(random.randrange(60)) for _ in range(3)])
        fresh = SqliteDocuments(path, segment=cut)
        for by in ("topic", "kind", "sentiment"):
            assert held.facets(question, by) == fresh.facets(question, by), turn
        asked = DocumentQuery(filters={"topic": ["a", "b"], "kind": ["forum", "news"]}, duplicates=False)
        assert held.count(asked) == fresh.count(asked) == len(ids_of(fresh, asked))
        assert held.histogram(question, step="day", timezone="UTC") == fresh.histogram(
            question, step="day", timezone="UTC"
        )
        fresh.close()
    held.close()
    writer.close()


def ids_of(store: SqliteDocuments, query: DocumentQuery) -> list[str]:
    return [row.document.id for row in store.search(query, size=1000).rows]
