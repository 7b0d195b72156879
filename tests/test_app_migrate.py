"""An office moves from the embedded files to real engines; the second time nothing is left to do."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from engines import MINUTE, NOW, cut, empty_elastic, postgresql, search_server, stored
from typer.testing import CliRunner, Result

from app.cli import build
from storage.documents import SqliteDocuments
from storage.ledger import open_ledger
from storage.move import document_side, move_documents, move_ledger
from storage.open import DOCUMENTS, LEDGER, open_stores
from storage.ports import StoreError
from storage.types import AuditEntry, RawPage


def fill(data: Path) -> None:
    documents, ledger = open_stores(data, segment=cut)
    documents.put([stored(n, f"第{n}件事", at=NOW + n * MINUTE, topics=("t",), likes=n) for n in range(1200)])
    for number in range(3):
        documents.put([stored("edited", f"第{number}稿", at=NOW + timedelta(days=number))])
    documents.set_event({"5": "e5", "edited": "e5"})
    with ledger.begin() as tx:
        tx.intake.add([stored("waiting").document], NOW)
        tx.notes.put("a key", "文字")
        tx.notes.lock("work", "somebody", 30, NOW)
        page = RawPage(
            hash="h", url="http://a.invalid/", source="s", fetched_at=NOW, status=200, content_type="", body=b"\0\xff"
        )
        tx.frontier.keep_raw(page)
        tx.audit.extend([AuditEntry(actor="a", action="x", object=f"o{n}", at=NOW) for n in range(5)])
    documents.close()
    ledger.close()


def call(*words: object) -> Result:
    return CliRunner().invoke(build(str(words[0])), [str(word) for word in words])


def test_an_office_moves_to_both_engines_and_says_so(tmp_path: Path) -> None:
    fill(tmp_path)
    new = empty_elastic(cut, prefix="minsheng")
    with postgresql() as ledger_url:
        words = ("migrate-to", "--documents", search_server().url, "--ledger", ledger_url, "--data", tmp_path, "--json")
        for _ in range(2):  # the second run changes nothing
            result = call(*words)
            assert result.exit_code == 0, result.output
            told = json.loads(result.stdout)
            assert told["same"] is True
            counts = {item["what"]: item["target"]["count"] for item in told["moved"]}
            assert (counts["documents"], counts["audit"], counts["intake"], counts["raw_pages"]) == (1201, 5, 1, 1)
            assert "locks" not in counts
        assert [text for _, _, _, text in new.versions("edited")] == ["第0稿", "第1稿"]
        assert new.get(["edited"])[0].event == "e5"
        ledger = open_ledger(ledger_url)
        with ledger.begin() as tx:
            assert tx.audit.verify() is None
            tx.audit.append(AuditEntry(actor="a", action="x", object="after", at=NOW))
            assert tx.intake.add([stored("another").document], NOW) == 1  # PostgreSQL counts on from there
            assert tx.notes.get("a key") == "文字"
        ledger.close()
        result = call(*words)
        assert result.exit_code == 1
        assert "已有别的数据" in result.output
    new.close()


def test_a_move_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    fill(tmp_path)
    source = SqliteDocuments(tmp_path / DOCUMENTS, segment=cut)
    target = SqliteDocuments(tmp_path / "other.db", segment=cut)
    target.put(source.get([str(n) for n in range(700)]))
    target.put([stored("edited", "第0稿", at=NOW)])
    moved = move_documents(source, target, lambda _: None)
    assert moved.same
    assert moved.target.count == 1201
    assert target.versions("edited")[0] == source.versions("edited")[0]
    target.put([stored("only here")])
    assert not move_documents(source, target, lambda _: None).same
    source.put([stored("7", "改了", at=NOW + 7 * MINUTE)])
    assert document_side(source) != document_side(target)
    source.close()
    target.close()


def test_a_ledger_of_another_office_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path)
    source, target = (open_ledger(f"sqlite:///{tmp_path / name}") for name in (LEDGER, "other.db"))
    with target.begin() as tx:
        tx.notes.put("theirs", "1")
    with pytest.raises(StoreError, match="notes 里已有别的数据"):
        move_ledger(source, target, lambda _: None)
    with target.begin() as tx:
        assert tx.notes.get("a key") is None  # nothing of it arrived
        tx.notes.drop("theirs")
    assert all(moved.same for moved in move_ledger(source, target, lambda _: None))
    source.close()
    target.close()


def test_nowhere_to_move_to_and_a_server_that_is_away(tmp_path: Path) -> None:
    assert call("migrate-to", "--data", tmp_path).exit_code == 2
    result = call("migrate-to", "--data", tmp_path, "--documents", "http://u:secret@127.0.0.1:9")
    assert result.exit_code == 1
    assert "连不上" in result.output
    assert "secret" not in result.output
