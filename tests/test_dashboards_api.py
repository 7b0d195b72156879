"""The HTTP API: tokens with scopes, push with line and field errors, idempotency, description."""

import hashlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import Clock, make_site, serve

from dashboards import access
from dashboards.api import rows
from dashboards.api.examples import ANSWERS
from dashboards.api.rows import Accepted
from dashboards.api.v1 import MAX_ROWS, forget_keys
from dashboards.reports.issues import Issue, store
from dashboards.site import Site
from dashboards.web.guards import PUSH_LIMIT


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    made = make_site(tmp_path, clock)
    with made.ledger.begin() as tx:
        tx.users.add_token(access.digest("writer"), "oa", ["documents:write"], None)
        tx.users.add_token(access.digest("reader"), "oa", ["read"], clock() + timedelta(days=1))
    yield made
    made.documents.close()
    made.ledger.close()


@pytest.fixture
def api(site: Site) -> Iterator[httpx.Client]:
    with serve(site) as base, httpx.Client(base_url=f"{base}/api/v1", trust_env=False, timeout=30) as client:
        yield client


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


READS = ("/documents", "/events", "/events/canteen", "/tasks", "/tasks/task-canteen", "/reports", "/health")


def test_nothing_without_a_token_of_the_right_scope(api: httpx.Client, clock: Clock) -> None:
    for path in READS:
        assert api.get(path).status_code == 401, path
        assert api.get(path, headers=bearer("wrong")).status_code == 401, path
        assert api.get(path, headers=bearer("writer")).status_code == 403, path
        assert api.get(path, headers=bearer("reader")).status_code == 200, path
    assert api.post("/documents", json={"text": "x"}).status_code == 401
    assert api.post("/documents", json={"text": "x"}, headers=bearer("reader")).status_code == 403
    clock.at += timedelta(days=2)
    assert api.get("/health", headers=bearer("reader")).status_code == 401


def test_a_pushed_document_waits_in_the_intake_with_its_author_hidden(api: httpx.Client, site: Site) -> None:
    row = {"text": "路灯坏了三天没人修。", "author": "张三", "published_at": "2026-11-24T09:00:00", "kind": "hotline"}
    answer = api.post("/documents", json=row, headers=bearer("writer"))
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    with site.ledger.begin() as tx:
        (waiting,) = tx.intake.claim("test", 10, 60, site.clock())
    assert waiting.document.text == row["text"]
    assert waiting.document.author not in (None, "张三")
    assert waiting.document.source == "oa"
    assert waiting.document.published_at is not None
    assert waiting.document.published_at.utcoffset() is not None


def test_bad_rows_are_named_by_line_and_field_and_good_ones_go_in(api: httpx.Client, site: Site) -> None:
    rows = [
        {"text": "第一条"},
        {"title": "没有正文"},
        {"text": "三", "likes": -1, "published_at": "昨天"},
        {"text": "四", "x": 1},
        5,
    ]
    answer = api.post("/documents", json={"documents": rows}, headers=bearer("writer"))
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    places = {(e["line"], e["field"]) for e in answer.json()["errors"]}
    assert {(2, "text"), (3, "likes"), (3, "published_at"), (4, "x")} <= places
    assert {line for line, _ in places} == {2, 3, 4, 5}
    assert api.post("/documents", json=rows[1:2], headers=bearer("writer")).status_code == 422
    with site.ledger.read() as tx:
        assert tx.intake.waiting() == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 5000])
def test_broken_bodies_are_422(api: httpx.Client, body: bytes) -> None:
    answer = api.post("/documents", content=body, headers=bearer("writer", **{"content-type": "application/json"}))
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"]


def test_too_much_is_413(api: httpx.Client) -> None:
    many = [{"text": "x"}] * (MAX_ROWS + 1)
    assert api.post("/documents", json=many, headers=bearer("writer")).status_code == 413
    line = http.client.HTTPConnection(api.base_url.host, api.base_url.port or 0, timeout=10)
    line.putrequest("POST", "/api/v1/documents")
    line.putheader("content-length", str(PUSH_LIMIT + 1))
    line.endheaders()
    assert line.getresponse().status == 413, "refused before a byte of it is read"
    line.close()


def test_a_streamed_body_is_cut_off_too(api: httpx.Client) -> None:
    part = b" " * 1_000_000
    answer = api.post(
        "/documents", content=(part for _ in range(PUSH_LIMIT // len(part) + 2)), headers=bearer("writer")
    )
    assert answer.status_code == 413


def test_the_same_key_adds_nothing_twice(api: httpx.Client, site: Site, clock: Clock) -> None:
    headers = bearer("writer", **{"idempotency-key": "k1"})
    first = api.post("/documents", json={"text": "一"}, headers=headers)
    again = api.post("/documents", json={"text": "一"}, headers=headers)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert api.post("/documents", json={"text": "二"}, headers=headers).status_code == 409
    with site.ledger.read() as tx:
        assert tx.intake.waiting() == 1
    assert forget_keys(site) == 0
    clock.at += timedelta(days=3)
    assert forget_keys(site) == 1


def test_search_pages_through_and_points_at_mistakes(api: httpx.Client) -> None:
    seen: list[str] = []
    after = ""
    while True:
        answer = api.get("/documents", params={"limit": 10, "after": after}, headers=bearer("reader")).json()
        seen += [row["id"] for row in answer["rows"]]
        if not (after := answer["after"]):
            break
    assert len(seen) == len(set(seen)) == answer["total"]
    wrong = api.get("/documents", params={"q": "(食堂"}, headers=bearer("reader"))
    assert wrong.status_code == 422
    assert "列" in wrong.json()["errors"][0]["message"]


def test_hostile_parameters_never_break_it(api: httpx.Client) -> None:
    for params in (
        {"limit": "0"},
        {"limit": "1e9"},
        {"offset": "-1"},
        {"after": "zzz"},
        {"since": "2026-99-99"},
        {"q": "\x00"},
        {"q": "(" * 900},
        {"level_from": "99"},
    ):
        for path in ("/documents", "/events", "/tasks"):
            assert api.get(path, params=params, headers=bearer("reader")).status_code in (200, 422), (path, params)


def test_the_description_is_complete(api: httpx.Client) -> None:
    spec = json.loads(api.get("/openapi.json").text)
    assert set(spec["paths"]) == {
        "/documents",
        "/events",
        "/events/{event_id}",
        "/tasks",
        "/tasks/{task_id}",
        "/reports",
        "/reports/{year}/{kind}/{number}",
        "/reports/{year}/{kind}/{number}/{format}",
        "/health",
    }
    push = spec["paths"]["/documents"]["post"]
    assert {"202", "401", "403", "409", "413", "422"} <= set(push["responses"])
    row = push["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0]
    assert row["required"] == ["text"]
    assert row["examples"]


def without_nothing(value: object) -> object:
    """The description leaves out what is null."""
    if isinstance(value, dict):
        return {key: without_nothing(part) for key, part in value.items() if part is not None}
    return [without_nothing(part) for part in value] if isinstance(value, list) else value


def test_every_example_is_what_the_api_takes_and_gives(api: httpx.Client, site: Site) -> None:
    spec = json.loads(api.get("/openapi.json").text)
    for (method, path), example in ANSWERS.items():
        answers = spec["paths"][path][method.lower()]["responses"]
        usual = answers["202" if method == "POST" else "200"]["content"]["application/json"]
        assert usual["example"] == without_nothing(example), path
        if path != "/health":
            model = getattr(rows, usual["schema"]["$ref"].rsplit("/", 1)[1]) if "$ref" in usual["schema"] else Accepted
            assert model.model_validate(example).model_dump().keys() == example.keys(), path
        assert all("example" in answers[code]["content"]["application/json"] for code in ("401", "403", "422", "503"))
    assert api.get("/health", headers=bearer("reader")).json().keys() == ANSWERS["GET", "/health"].keys()
    shown = spec["paths"]["/documents"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for name, example in shown.items():
        answer = api.post("/documents", json=example["value"], headers=bearer("writer"))
        assert answer.status_code == 202, (name, answer.text)
        assert not answer.json()["errors"]


def test_only_approved_reports_are_listed_and_fetched_byte_for_byte(tmp_path: Path, clock: Clock) -> None:
    site = replace(make_site(tmp_path, clock), data=tmp_path)
    (tmp_path / "reports").mkdir()
    body = "日报".encode()
    (tmp_path / "reports/a.docx").write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    files = (("docx", "reports/a.docx", digest), ("pdf", "reports/gone.pdf", digest))
    draft = Issue(
        kind="daily", year=2026, number=2, subject="b", title="第二期", made_at=clock(), by="officer", files=files
    )
    ready = replace(draft, number=1, subject="a", title="第一期", approved_by="leader", approved_at=clock())
    with site.ledger.begin() as tx:
        tx.users.add_token(access.digest("reader"), "oa", ["read"], None)
        for issue in (draft, ready):
            store(tx, issue, "register", "officer", clock())
    with serve(site) as base, httpx.Client(base_url=f"{base}/api/v1", trust_env=False, timeout=30) as api:
        listed = api.get("/reports", headers=bearer("reader")).json()
        assert [(row["number"], row["formats"]) for row in listed["rows"]] == [(1, ["docx", "pdf"])]
        assert api.get("/reports", params={"kind": "weekly"}, headers=bearer("reader")).json()["total"] == 0
        assert api.get("/reports/2026/daily/1", headers=bearer("reader")).json()["title"] == "第一期"
        assert api.get("/reports/2026/daily/2", headers=bearer("reader")).status_code == 404
        assert api.get("/reports/2026/daily/1/docx", headers=bearer("reader")).content == body
        assert api.get("/reports/2026/daily/1/docx").status_code == 401
        for wrong in ("1/pdf", "1/xlsx", "2/docx"):
            assert api.get(f"/reports/2026/daily/{wrong}", headers=bearer("reader")).status_code == 404, wrong
        (tmp_path / "reports/a.docx").write_bytes(b"changed")
        assert api.get("/reports/2026/daily/1/docx", headers=bearer("reader")).status_code == 409
    site.documents.close()
    site.ledger.close()


def test_refusals_of_the_api_are_its_own_form(api: httpx.Client) -> None:
    wrong = api.request("PUT", "/documents")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, POST"
    for path in ("/nothing", "/reports/1/%0A/2"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["message"]
    row = {"text": "x", "published_at": 5, "likes": True}
    errors = api.post("/documents", json=row, headers=bearer("writer")).json()["errors"]
    assert {error["field"] for error in errors} == {"published_at", "likes"}
