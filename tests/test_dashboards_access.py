"""Who may do what: every route as every role and as nobody, forged forms, guessing, one-time links."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import PASSWORD, USERS, Clock, make_site, open_site, serve
from fastapi.routing import APIRoute
from starlette.routing import Mount

from dashboards import access
from dashboards.api.v1 import ROUTES as API_ROUTES
from dashboards.site import Site
from dashboards.web.app import NOBODY, ROUTES, create_app

NAMES = {
    "silence_id": "s-none",
    "hand_over_id": "none",
    "policy_id": "p-none",
    "token": "none",
    "event_id": "canteen",
    "format": "csv",
    "document_id:path": "canteen-0",
    "topic_id": "food-drug",
    "task_id": "task-canteen",
    "action": "nothing",
    "source_id": "daily",
    "name": "nobody",
    "saved_id": "none",
    "channel": "mail",
    "year": "2026",
    "kind": "daily",
    "number": "1",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("board")) as made:
        yield made


@pytest.fixture(scope="module")
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


def client(base: str) -> httpx.Client:
    return httpx.Client(base_url=base, trust_env=False, timeout=30)


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text[:200]
    return found[1]


@contextmanager
def log_in(base: str, name: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    with client(base) as opened:
        form = {"csrf": token_of(opened.get("/login")), "name": name, "password": password}
        opened.post("/login", data=form)
        yield opened


def board_answers(base: str, name: str, password: str = PASSWORD) -> int:
    """200 when the log-in worked, 303 when it did not."""
    with log_in(base, name, password) as opened:
        return opened.get("/").status_code


def fill(path: str) -> str:
    return re.sub(r"\{([^}]+)\}", lambda found: NAMES[found[1]], path)


def test_the_table_is_the_whole_application(site: Site) -> None:
    app = create_app(site)
    found = {(method, r.path) for r in app.routes if isinstance(r, APIRoute) for method in r.methods}
    assert found == {(row.method, row.path) for row in ROUTES}
    assert {r.path for r in app.routes if isinstance(r, Mount)} == {"/api/v1", "/static"}
    assert all(isinstance(r, APIRoute | Mount) for r in app.routes)
    assert all(row.roles for row in ROUTES)


@pytest.mark.parametrize("name", [user[0] for user in USERS])
def test_every_route_as_every_role(base: str, name: str) -> None:
    role = next(user[2] for user in USERS if user[0] == name)
    with log_in(base, name) as opened:
        csrf = token_of(opened.get("/password"))
        for row in ROUTES:
            if row.roles is NOBODY or row.path.startswith("/logout"):
                continue
            form = {"data": {"csrf": csrf}} if row.method == "POST" else {}
            answer = opened.request(row.method, fill(row.path), **form)  # type: ignore[arg-type]
            assert (answer.status_code == 403) == (role not in row.roles), (row.path, answer.status_code)
            assert answer.status_code < 500, (row.path, answer.text[-300:])


def test_every_route_as_nobody(base: str) -> None:
    with client(base) as opened:
        csrf = token_of(opened.get("/login"))
        for row in ROUTES:
            if row.roles is NOBODY:
                continue
            form = {"data": {"csrf": csrf}} if row.method == "POST" else {}
            answer = opened.request(row.method, fill(row.path), **form)  # type: ignore[arg-type]
            assert answer.status_code == 303, row.path
            assert answer.headers["location"].startswith("/login"), row.path


#: scopes of a token → statuses that its holder gets at a reading route and at a writing one
SCOPES = {"none": ([], 403, 403), "read": (["read"], 200, 403), "write": (["documents:write"], 403, 202)}


@pytest.mark.parametrize("name", [*(user[0] for user in USERS), "nobody"])
def test_every_api_route_is_closed_to_people(base: str, name: str) -> None:
    """A session of the pages opens nothing of the API, whatever the role; nor does a made-up token."""
    with log_in(base, name) if name != "nobody" else client(base) as opened:
        for method, path, _, _ in API_ROUTES:
            for headers in ({}, {"authorization": "Bearer made-up"}, {"authorization": "Basic YTpi"}):
                answer = opened.request(method, "/api/v1" + fill(path), headers=headers)
                assert answer.status_code == 401, (method, path, headers)


@pytest.mark.parametrize("name", list(SCOPES))
def test_every_api_route_as_every_token(base: str, site: Site, name: str) -> None:
    scopes, reads, writes = SCOPES[name]
    with site.ledger.begin() as tx:
        tx.users.add_token(access.digest(f"token-{name}"), "oa", scopes, None)
    with client(base) as opened:
        for method, path, _, _ in API_ROUTES:
            asked = {"headers": {"authorization": f"Bearer token-{name}"}}
            body = {"json": {"text": "路灯不亮"}} if method == "POST" else {}
            status = opened.request(method, "/api/v1" + fill(path), **asked, **body).status_code  # type: ignore[arg-type]
            allowed = writes if method == "POST" else reads
            assert status == allowed or (status == 404 and allowed == 200 and "reports/{" in path), (path, status)


def test_every_get_is_answered_as_head_with_the_same_status(base: str) -> None:
    for name in ("admin", "staff-scjg"):
        with log_in(base, name) as opened:
            for row in ROUTES:
                if row.method == "GET" and row.roles is not NOBODY:
                    head = opened.head(fill(row.path))
                    assert head.content == b"", row.path
                    assert head.status_code == opened.get(fill(row.path)).status_code, row.path
    with client(base) as opened:
        for path in ("/", "/login", "/healthz", "/static/board.css", "/api/v1/openapi.json"):
            assert opened.head(path).status_code == opened.get(path).status_code, path
        assert opened.head("/api/v1/documents").status_code == 401
        assert opened.request("HEAD", "/logout").status_code == 405


def test_a_token_is_shown_once_and_revoked(base: str, site: Site) -> None:
    with log_in(base, "admin") as opened:
        form = {"csrf": token_of(opened.get("/settings/tokens")), "name": "oa", "scope": "read", "days": "30"}
        for wrong in ({"name": "<b>"}, {"scope": "everything"}, {"days": "9999"}, {"days": ""}):
            assert opened.post("/settings/tokens", data=form | wrong).status_code == 422, wrong
        page = opened.post("/settings/tokens", data=form).text
        shown = re.findall(r'class="secret">([\w-]+)<', page)
        assert len(shown) == 1
        assert shown[0] not in opened.get("/settings/tokens").text
        asked = {"authorization": f"Bearer {shown[0]}"}
        with client(base) as other:
            assert other.get("/api/v1/tasks", headers=asked).status_code == 200
            assert other.post("/api/v1/documents", json={"text": "x"}, headers=asked).status_code == 403
            gone = form | {"token": access.digest(shown[0])}
            assert opened.post("/settings/tokens/revoke", data=gone).status_code == 303
            assert other.get("/api/v1/tasks", headers=asked).status_code == 401
            assert opened.post("/settings/tokens/revoke", data=gone).status_code == 404
    with site.ledger.read() as tx:
        assert tx.audit.find(object_id="token:oa")[0].action == "token.revoke"


def test_one_session_is_ended_and_the_others_go_on(base: str) -> None:
    with log_in(base, "admin") as admin, log_in(base, "reviewer") as one, log_in(base, "reviewer") as two:
        page = admin.get("/settings/sessions")
        assert "沈静" in page.text
        mark = access.digest(one.cookies["minsheng_session"])
        form = {"csrf": token_of(page), "session": mark}
        assert admin.post("/settings/sessions/end", data=form).status_code == 303
        assert one.get("/").status_code == 303
        assert two.get("/").status_code == 200
        assert admin.post("/settings/sessions/end", data=form).status_code == 404


def test_a_blocked_address_is_shown(base: str, site: Site) -> None:
    with site.ledger.begin() as tx:
        for _ in range(access.TRIES_ADDRESS + 1):
            access.count_address(tx, "10.7.7.7", site.clock())
    with log_in(base, "admin") as admin:
        assert "10.7.7.7" in admin.get("/settings/sessions").text


def test_channels_and_sources_are_tried_where_the_program_allows_it(tmp_path: Path) -> None:
    looks = {
        "daily": {"rows": [{"title": "<i>标题</i>", "url": "http://x/1", "date": ""}], "total": 1, "documents": []}
    }
    site = replace(
        make_site(tmp_path),
        test_channel=lambda name: (name == "mail", f"通道 {name} 的回答"),
        preview_source=lambda source: looks.get(source, {"error": "连接超时"}),
    )
    with serve(site) as base, log_in(base, "officer") as opened:
        csrf = {"csrf": token_of(opened.get("/settings/channels"))}
        assert "通道 mail 的回答" in opened.post("/settings/channels/mail/test", data=csrf).text
        assert opened.post("/settings/channels/none/test", data=csrf).status_code == 404
        page = opened.post("/settings/sources/daily/preview", data=csrf).text
        assert "&lt;i&gt;标题" in page
        assert "连接超时" in opened.post("/settings/sources/hotline/preview", data=csrf).text
        assert opened.post("/settings/sources/none/preview", data=csrf).status_code == 404


def test_a_department_sees_only_its_own(base: str) -> None:
    with log_in(base, "lead-jyj") as opened:
        assert opened.get("/events/school-place").status_code == 200
        for path in ("/events/canteen", "/live/events/canteen", "/tasks/task-canteen", "/document/canteen-0"):
            assert opened.get(path).status_code == 404, path
        csrf = token_of(opened.get("/password"))
        assert opened.post("/tasks/task-canteen/sign", data={"csrf": csrf, "version": "1"}).status_code == 404
        for path in ("/", "/events", "/documents", "/documents?department=scjg", "/tasks?department=scjg", "/topics"):
            assert "食堂午餐" not in opened.get(path).text, path
        assert "食堂" not in opened.get("/documents/export.csv").text.split("\n", 4)[4]


def test_forged_forms_are_refused(base: str) -> None:
    with log_in(base, "admin") as opened:
        csrf = token_of(opened.get("/password"))
        for data, headers in (
            ({}, {}),
            ({"csrf": "0.0"}, {}),
            ({"csrf": csrf}, {"sec-fetch-site": "cross-site"}),
            ({"csrf": csrf}, {"sec-fetch-site": "same-site"}),
        ):
            answer = opened.post("/sources/daily/poll", data=data, headers=headers)
            assert answer.status_code == 403, (data, headers)
        with log_in(base, "officer") as other:
            assert other.post("/sources/daily/poll", data={"csrf": csrf}).status_code == 403
        assert opened.post("/sources/daily/poll", data={"csrf": csrf}).status_code == 303


def test_answers_carry_the_security_headers(base: str) -> None:
    with log_in(base, "officer") as opened:
        for path in ("/", "/login", "/nothing", "/healthz", "/static/board.css"):
            headers = opened.get(path).headers
            assert "unsafe" not in headers["content-security-policy"], path
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["x-frame-options"] == "DENY", path
        assert opened.get("/").headers["cache-control"] == "no-store"
        page = opened.get("/").text
        assert " style=" not in page
        assert not re.search(r"\son\w+=", page)


def test_guessing_is_throttled_and_takes_the_same_time_for_unknown_names(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    for _ in range(access.TRIES_PAIR):
        with pytest.raises(access.Denied, match="不正确"):
            access.log_in(site, "officer", "wrong", "10.0.0.1", "")
    with pytest.raises(access.Denied, match="次数过多"):
        access.log_in(site, "officer", PASSWORD, "10.0.0.1", "")
    assert access.log_in(site, "officer", PASSWORD, "10.0.0.2", "")
    with pytest.raises(access.Denied, match="不正确"):
        access.log_in(site, "nobody", "wrong", "10.0.0.3", "")


def test_a_link_works_once_and_asks_for_a_password(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    with site.ledger.begin() as tx:
        link = access.make_link(site, tx, "officer")
    with serve(site) as base, client(base) as opened, client(base) as other:
        assert opened.get(link).headers["location"] == "/password"
        assert other.get(link).status_code == 403
        assert opened.get("/").headers["location"] == "/password"
        form = {"csrf": token_of(opened.get("/password")), "new": "short", "again": "short"}
        assert opened.post("/password", data=form).status_code == 422
        before = opened.cookies["minsheng_session"]
        form |= {"new": "Qingquan-liu-shui-9", "again": "Qingquan-liu-shui-9"}
        assert opened.post("/password", data=form).status_code == 303
        assert opened.cookies["minsheng_session"] != before
        assert opened.get("/").status_code == 200
        assert board_answers(base, "officer") == 303
        assert board_answers(base, "officer", "Qingquan-liu-shui-9") == 200


def test_a_link_runs_out(tmp_path: Path) -> None:
    clock = Clock()
    site = make_site(tmp_path, clock)
    with site.ledger.begin() as tx:
        link = access.make_link(site, tx, "officer")
    clock.at += timedelta(hours=access.LINK_HOURS, seconds=1)
    with pytest.raises(access.Denied, match="过期"):
        access.use_link(site, link.rsplit("/", 1)[1], "")


def test_disabling_ends_the_sessions(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    with serve(site) as base, log_in(base, "admin") as admin, log_in(base, "staff-scjg") as staff:
        assert staff.get("/").status_code == 200
        csrf = token_of(admin.get("/settings/users"))
        assert admin.post("/settings/users/staff-scjg/disable", data={"csrf": csrf}).status_code == 303
        assert staff.get("/").status_code == 303
        assert board_answers(base, "staff-scjg") == 303


def test_a_log_in_never_leads_elsewhere(base: str) -> None:
    with client(base) as opened:
        for target in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"):
            form = {"csrf": token_of(opened.get("/login")), "name": "officer", "password": PASSWORD, "next": target}
            answer = opened.post("/login", data=form)
            assert answer.headers["location"] == "/", target
            opened.cookies.delete("minsheng_session")
