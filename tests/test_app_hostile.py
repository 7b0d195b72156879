"""Hostile items from the file to the page: script in a title, 10 MB of text, broken encoding, 2099, formulas, NUL."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import serve
from simulated import Town

from app.intake import accept
from crawlers.files import BadRow, read_rows
from dashboards.access import hash_password
from dashboards.site import Site
from storage.ports import DocumentQuery
from storage.types import Document, User

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
PASSWORD = "Correct-horse-9battery"


def hostile(folder: Path) -> Path:
    """A JSONL file of the worst; the third line is no UTF-8 and the fifth no JSON."""
    script = {"id": "js", "title": SCRIPT, "text": SCRIPT, "url": "javascript:alert(3)"}
    rows: list[bytes] = [
        json.dumps(script).encode(),
        json.dumps({"id": "long", "title": "十兆", "text": "长" * 3_500_000}).encode(),
        b'{"id": "broken", "title": "\xff\xfe\xfa", "text": "\xc4\xe3\xba\xc3"}',
        json.dumps({"id": "2099", "text": "来自未来", "published_at": "2099-01-01T00:00:00+08:00"}).encode(),
        b"{oops",
        json.dumps({"id": "formula", "title": '=HYPERLINK("http://x","y")', "text": "+cmd|' /C calc'!A0"}).encode(),
        json.dumps({"id": "nul", "title": "a\x00b", "text": "\ud800 孤立代理项 \x1b[31m"}).encode(),
        json.dumps({"id": "deep", "text": "(" * 50_000 + "[" * 50_000}).encode(),
    ]
    path = folder / "hostile.jsonl"
    path.write_bytes(b"\n".join(rows))
    return path


def gathered(town: Town) -> list[Document]:
    """The same as a page or an API may hand it in: no row to refuse, so it must pass through harmless."""
    script = town.say(1, SCRIPT + "食品安全", title=SCRIPT, author=SCRIPT, url="javascript:alert(3)")
    huge = town.say(2, "长" * 3_500_000, title="十兆")
    future = town.say(3, "来自未来", published_at=town.now.replace(year=2099))
    return [replace(script, id="script"), replace(huge, id="huge"), replace(future, id="future")]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = Town.open(tmp_path / "data", "2026-11-24 09:00")
    yield opened
    opened.close()


@pytest.fixture
def client(town: Town, tmp_path: Path) -> Iterator[httpx.Client]:
    """An officer who is logged in to the board of this town."""
    rows = list(read_rows(hostile(tmp_path), kind="forum", mapping={}, source="import", now=town.now))
    good = [row for row in rows if isinstance(row, Document)]
    assert [row.line for row in rows if isinstance(row, BadRow)] == [1, 2, 4, 5], "each refused row is named"
    accept([*good, *gathered(town)], town.ledger, b"k" * 32, town.now)
    town.work()
    with town.ledger.begin() as tx:
        hashed = hash_password(PASSWORD)
        tx.users.save(User(name="o", display="监测员", roles=("officer",), password_hash=hashed))
    site = Site(
        office=lambda: town.office, documents=town.documents, ledger=town.ledger, clock=lambda: town.now,
        secret=b"s" * 32, author_key=b"k" * 32,
    )  # fmt: skip
    with serve(site) as url, httpx.Client(base_url=url, follow_redirects=True) as found:
        token = re.search(r'name="csrf" value="([^"]+)"', found.get("/login").text)
        assert token is not None
        answer = found.post("/login", data={"csrf": token[1], "name": "o", "password": PASSWORD})
        assert answer.status_code == 200
        yield found


def test_everything_readable_is_kept_and_nothing_dangerous(town: Town, client: httpx.Client) -> None:
    with town.ledger.read() as tx:
        assert tx.intake.waiting() == 0
    rows = {row.document.id: row.document for row in town.documents.scan(DocumentQuery())}
    assert set(rows) == {"script", "huge", "future", "broken", "formula", "nul", "deep"}
    assert rows["script"].url is None
    assert len(rows["huge"].text) <= 200_000
    assert rows["future"].published_at is None, "a time in 2099 is not believed"
    assert rows["nul"].title == "ab"
    assert all(row.author is None or SCRIPT not in row.author for row in rows.values())
    assert town.now - rows["future"].fetched_at < timedelta(days=1)


@pytest.mark.parametrize("document", ["script", "huge", "future", "formula", "nul", "deep"])
def test_each_page_is_harmless(client: httpx.Client, document: str) -> None:
    page = client.get(f"/document/{document}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "onerror=alert(2)>" not in page.text.replace("onerror=alert(2)&gt;", "")
    assert "javascript:alert" not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


def test_the_lists_and_the_export_are_harmless(client: httpx.Client) -> None:
    for path in ("/", "/documents", "/events", "/documents?q=%3Cscript%3E"):
        page = client.get(path)
        assert page.status_code in (200, 422)
        assert "<script>alert" not in page.text
    sheet = client.get("/documents/export.csv")
    assert sheet.status_code == 200
    cells = [cell for row in csv.reader(io.StringIO(sheet.text.lstrip("\ufeff"))) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
