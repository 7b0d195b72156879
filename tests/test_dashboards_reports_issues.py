"""Numbers of kept reports, who may approve them, and that the register and the files agree."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from test_dashboards_reports_store import NOW, build

from dashboards.reports import writers
from dashboards.reports.facts import daily, event_special
from dashboards.reports.issues import Issue, NotAllowed, approve, clear_leftovers, decide, issues, keep, register, sent
from dashboards.reports.tree import Report, Title
from storage.ports import DocumentStore, Ledger
from storage.types import Office

Stores = tuple[Office, DocumentStore, Ledger]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    here, documents, ledger = build(tmp_path)
    yield here, documents, ledger
    documents.close()
    ledger.close()


def report(subject: str, kind: str = "daily", year: int = 2026) -> Report:
    return Report(kind=kind, subject=subject, title=Title(text="舆情日报"), blocks=(), made_at=NOW.replace(year=year))  # type: ignore[arg-type]


FILES = (("html", "reports/2026/x.html", "0"),)


def made(known: list[Issue], about: Report, by: str = "chen") -> Issue:
    return replace(register(known, about, by), files=FILES)


def test_numbers_count_within_kind_and_year() -> None:
    known: list[Issue] = []
    for subject in ("2026-11-21", "2026-11-22"):
        known.append(register(known, report(subject), "chen"))
    assert [i.name for i in known] == ["〔2026〕第1期", "〔2026〕第2期"]
    assert register(known, report("canteen", "special"), "chen").number == 1
    assert register(known, report("2027-01-01", year=2027), "chen").name == "〔2027〕第1期"


def test_the_same_day_keeps_its_number_until_it_is_approved() -> None:
    first = made([], report("2026-11-21"))
    again = register([first], report("2026-11-21"), "wang")
    assert (again.number, again.by) == (1, "wang")
    approved = approve(first, "shen", NOW)
    with pytest.raises(NotAllowed, match="已由shen审定"):
        register([approved], report("2026-11-21"), "chen")


def test_a_second_special_brief_of_an_event_is_a_new_issue() -> None:
    first = made([], report("canteen", "special"))
    assert register([first], report("canteen", "special"), "chen").number == 2


def test_the_author_does_not_approve_and_nothing_is_sent_before() -> None:
    issue = made([], report("2026-11-21"))
    with pytest.raises(NotAllowed, match="尚未编制完成"):
        approve(register([], report("2026-11-21"), "chen"), "shen", NOW)
    with pytest.raises(NotAllowed, match="编制人不能审定"):
        approve(issue, "chen", NOW)
    with pytest.raises(NotAllowed, match="尚未审定"):
        sent(issue, NOW)
    done = sent(approve(issue, "shen", NOW), NOW)
    with pytest.raises(NotAllowed, match="已发送过"):
        sent(done, NOW)
    with pytest.raises(NotAllowed, match="已由shen审定"):
        approve(done, "wang", NOW)


def test_files_register_and_audit_agree(tmp_path: Path, stores: Stores) -> None:
    here, documents, ledger = stores
    brief = daily(here, documents, ledger, NOW)
    first = keep(ledger, tmp_path, brief, ("html", "xlsx"), "chen", NOW)
    second = keep(ledger, tmp_path, daily(here, documents, ledger, NOW, day=date(2026, 11, 22)), ("html",), "chen", NOW)
    assert [first.name, second.name] == ["〔2026〕第1期", "〔2026〕第2期"]
    for _, path, digest in first.files:
        data = (tmp_path / path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest
    assert "〔2026〕第1期" in (tmp_path / first.files[0][1]).read_text(encoding="utf-8")
    decide(ledger, first.key, "approve", "shen", NOW + timedelta(hours=1))
    with pytest.raises(NotAllowed, match="没有这一期"):
        decide(ledger, "report:issue:2026:daily:0099", "approve", "shen", NOW)
    with ledger.read() as tx:
        known = issues(tx, "daily")
        assert [(i.number, i.approved_by) for i in known] == [(1, "shen"), (2, None)]
        assert known[1] == second
        assert [e.action for e in tx.audit.find(object_id=first.key)] == ["report.approve", "report.register"]
        assert tx.audit.verify() is None


def test_a_failing_writer_takes_no_number(tmp_path: Path, stores: Stores) -> None:
    here, documents, ledger = stores
    brief = event_special("canteen", here, documents, ledger, NOW)
    with pytest.raises(KeyError):
        keep(ledger, tmp_path, brief, ("html", "odt"), "chen", NOW)
    with ledger.read() as tx:
        assert issues(tx) == []
    assert keep(ledger, tmp_path, brief, ("html",), "chen", NOW).number == 1
    assert not list((tmp_path / "reports").glob(".making-*"))


def test_an_approved_issue_is_not_made_again(tmp_path: Path, stores: Stores) -> None:
    here, documents, ledger = stores
    brief = daily(here, documents, ledger, NOW)
    first = keep(ledger, tmp_path, brief, ("html",), "chen", NOW)
    assert keep(ledger, tmp_path, brief, ("html",), "chen", NOW).number == 1
    decide(ledger, first.key, "approve", "shen", NOW)
    before = (tmp_path / first.files[0][1]).read_bytes()
    with pytest.raises(NotAllowed, match="已由shen审定"):
        keep(ledger, tmp_path, brief, ("html",), "wang", NOW)
    assert (tmp_path / first.files[0][1]).read_bytes() == before


def test_a_second_maker_waits_and_clicks_do_not(
    tmp_path: Path, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, documents, ledger = stores
    brief = daily(here, documents, ledger, NOW)
    seen: list[str] = []

    def slow(about: Report, out: BinaryIO) -> None:
        with ledger.begin() as tx:  # somebody signs meanwhile
            tx.notes.put("click", "1")
        try:
            keep(ledger, tmp_path, brief, ("html",), "wang", NOW)
        except NotAllowed as error:
            seen.append(str(error))
        out.write(b"ok")

    monkeypatch.setattr(writers, "WRITERS", {"html": slow})
    keep(ledger, tmp_path, brief, ("html",), "chen", NOW)
    assert seen == ["舆情日报正在编制，请稍后再试。"]


def test_a_making_that_was_killed_leaves_a_number_that_is_used_again(tmp_path: Path, stores: Stores) -> None:
    here, documents, ledger = stores
    brief = event_special("canteen", here, documents, ledger, NOW)
    cut = register([], brief, "chen")
    assert register([cut], brief, "chen").number == cut.number == 1


def test_what_a_kill_left_aside_is_cleared_and_a_making_under_way_is_not(tmp_path: Path) -> None:
    assert clear_leftovers(tmp_path, NOW) == 0, "no folder yet"
    for owner, age in (("killed", 700), ("working", 10), ("empty", 700)):
        aside = tmp_path / "reports" / f".making-{owner}"
        aside.mkdir(parents=True)
        if owner != "empty":
            (aside / "x.docx").write_bytes(b"half")
        for part in (*aside.iterdir(), aside):
            os.utime(part, times=(NOW.timestamp() - age,) * 2)
    fresh = tmp_path / "reports" / ".making-working"
    os.utime(fresh, times=(NOW.timestamp() - 700,) * 2)  # a long first file: the folder is old, what is in it is not
    assert clear_leftovers(tmp_path, NOW) == 2
    assert [path.name for path in (tmp_path / "reports").iterdir()] == [".making-working"]
