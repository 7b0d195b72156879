"""The page 报告: ordering, the register, preview and files, approval, sending; who may do what."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import NOW, Clock, open_site, serve
from test_dashboards_access import log_in, token_of

from dashboards.reports.issues import NotAllowed, issues, key_of
from dashboards.reports.orders import LEASE, TRIES, Order, orders, place, put, take
from dashboards.reports.press import Press, make_next
from dashboards.site import Site

FORMS = ("html", "xlsx")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    with open_site(tmp_path, clock) as made:
        yield replace(made, data=tmp_path)


@pytest.fixture
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


def press_of(site: Site, forms: tuple[str, ...] = FORMS) -> Press:
    assert site.data is not None
    return Press(
        office=site.office, documents=site.documents, ledger=site.ledger, data=site.data, clock=site.clock, forms=forms
    )


def post(client: httpx.Client, path: str, **fields: str | list[str]) -> httpx.Response:
    return client.post(path, data={"csrf": token_of(client.get("/password")), **fields})


def ordered(client: httpx.Client, **fields: str) -> int:
    return post(client, "/reports", **fields).status_code


def seen(page: httpx.Response) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page.text)
    assert found, page.text[-2000:]
    return found[1]


def test_from_the_event_page_to_the_leader(site: Site, base: str) -> None:
    with log_in(base, "officer") as officer, log_in(base, "reviewer") as reviewer, log_in(base, "leader") as leader:
        assert 'value="special"' in officer.get("/events/canteen").text
        assert 'value="special"' not in leader.get("/events/canteen").text
        assert ordered(officer, kind="special", event="canteen") == 303
        assert "排队中" in officer.get("/reports").text
        assert make_next(press_of(site)).state == "done"  # type: ignore[union-attr]
        page = officer.get("/reports/2026-special-1")
        assert "北苑一小学食堂" in page.text
        assert "等待审核员审定" in page.text
        assert post(officer, "/reports/2026-special-1/approve", seen="x").status_code == 403
        assert post(officer, "/reports/2026-special-1/send", to="leader").status_code == 422
        mark = seen(reviewer.get("/reports/2026-special-1"))
        assert post(reviewer, "/reports/2026-special-1/approve", seen=mark).status_code == 303
        assert post(officer, "/reports/2026-special-1/again").status_code == 422
        assert post(officer, "/reports/2026-special-1/send", to=["leader", "duty-officer"]).status_code == 303
        assert "已发送" in leader.get("/reports").text
        assert leader.get("/reports/2026-special-1/file.xlsx").status_code == 200
        assert post(leader, "/reports/2026-special-1/again").status_code == 403
    with site.ledger.read() as tx:
        rows = tx.outbox.find(task="report:issue:2026:special:0001")
        actions = [entry.action for entry in tx.audit.find(object_id="report:issue:2026:special:0001")]
    assert {row.recipient for row in rows} == {"leader", "duty-officer"}
    assert all(row.body.endswith("/reports/2026-special-1") for row in rows)
    assert not any("变质" in row.body or "吐了" in row.body for row in rows), "no citizen's words leave the intranet"
    assert actions == ["report.download", "report.sent", "report.approve", "report.register"]


def test_the_author_does_not_approve_and_nobody_approves_what_he_has_not_seen(site: Site, base: str) -> None:
    with log_in(base, "admin") as admin, log_in(base, "reviewer") as reviewer:
        ordered(admin, kind="risk", event="river")
        make_next(press_of(site))
        page = admin.get("/reports/2026-risk-1")
        assert "须由他人审定" in page.text
        old = seen(reviewer.get("/reports/2026-risk-1"))
        assert post(admin, "/reports/2026-risk-1/approve", seen=old).status_code == 422
        site.clock.at += timedelta(hours=1)  # type: ignore[attr-defined]
        assert post(admin, "/reports/2026-risk-1/again").status_code == 303
        make_next(press_of(site))
        with site.ledger.read() as tx:
            found = issues(tx)
        assert [i.name for i in found] == ["〔2026〕第1期"], "made again under its number"
        answer = post(reviewer, "/reports/2026-risk-1/approve", seen=old)
        assert answer.status_code == 422
        assert "重新编制过" in answer.text
        assert len(list((site.data or Path()).glob("reports/2026/*"))) == len(FORMS), (
            "no file of the first making stays"
        )


def test_a_file_that_was_changed_is_not_handed_out(site: Site, base: str) -> None:
    with log_in(base, "officer") as officer:
        ordered(officer, kind="ledger", event="canteen")
        make_next(press_of(site))
        answer = officer.get("/reports/2026-ledger-1/file.html?preview=1")
        assert answer.status_code == 200
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "script" not in answer.headers["content-security-policy"]
        assert "frame-src 'self'" in officer.get("/reports/2026-ledger-1").headers["content-security-policy"]
        for path in (site.data or Path()).glob("reports/2026/*.html"):
            path.write_bytes(path.read_bytes() + b" ")
        assert officer.get("/reports/2026-ledger-1/file.html").status_code == 409
        assert officer.get("/reports/2026-ledger-1/file.pdf").status_code == 404
        assert officer.get("/reports/2026-ledger-9").status_code == 404
        for strange in ("x", "2026-daily-%2e%2e", "2026-nothing-1", "a-b-c-d"):
            assert officer.get(f"/reports/{strange}").status_code == 404


def test_what_is_no_report_is_refused_at_once(site: Site, base: str) -> None:
    with log_in(base, "officer") as officer, log_in(base, "lead-scjg") as lead:
        assert ordered(officer, kind="special", event="nothing") == 422
        assert ordered(officer, kind="daily", day="2030-01-01") == 422
        assert ordered(officer, kind="daily", day="gestern") == 422
        assert ordered(officer, kind="annual", day="2026-11-23") == 422
        assert lead.get("/reports").status_code == 403
        for kind, event in (("daily", ""), ("weekly", ""), ("special", "canteen")):
            assert ordered(officer, kind=kind, day="2026-11-23", event=event) == 303
    with site.ledger.read() as tx:
        assert len(orders(tx)) == 3


def test_two_wishes_for_one_subject_are_one(site: Site) -> None:
    wish = Order(kind="daily", subject="2026-11-23", by="officer", at=NOW)
    with site.ledger.begin() as tx:
        place(tx, wish)
        assert place(tx, replace(wish, by="admin")).by == "officer"
        assert len(orders(tx)) == 1


def test_a_killed_making_is_taken_up_again_but_not_for_ever(site: Site) -> None:
    with site.ledger.begin() as tx:
        place(tx, Order(kind="daily", subject="2026-11-23", by="officer", at=NOW))
        now = NOW
        for _ in range(TRIES):
            assert take(tx, now) is not None
            assert take(tx, now) is None, "under a lease"
            now += LEASE + timedelta(seconds=1)
        assert take(tx, now) is None
        assert [o.state for o in orders(tx)] == ["failed"]


def test_an_error_of_the_program_is_written_down_and_goes_on(site: Site) -> None:
    press = replace(press_of(site), forms=("no such format",))
    with site.ledger.begin() as tx:
        place(tx, Order(kind="daily", subject="2026-11-23", by="officer", at=NOW))
    with pytest.raises(KeyError):
        make_next(press)
    assert make_next(press) is None
    with site.ledger.read() as tx:
        (order,) = orders(tx)
        assert issues(tx) == []
    assert (order.state, "KeyError" in order.said) == ("failed", True)


def test_another_making_under_way_is_waited_for(site: Site, clock: Clock) -> None:
    with site.ledger.begin() as tx:
        place(tx, Order(kind="daily", subject="2026-11-23", by="officer", at=NOW))
        tx.notes.lock("report:daily", "somebody", 600, NOW)
    assert make_next(press_of(site)).state == "waiting"  # type: ignore[union-attr]
    assert make_next(press_of(site)) is None, "not at once again"
    clock.at += timedelta(minutes=11)
    assert make_next(press_of(site)).state == "done"  # type: ignore[union-attr]


def test_the_schedule_leaves_alone_what_a_person_made(site: Site) -> None:
    for by in ("officer", "system"):
        with site.ledger.begin() as tx:
            put(tx, Order(kind="daily", subject="2026-11-23", by=by, at=NOW))
        assert make_next(press_of(site)).state == "done"  # type: ignore[union-attr]
    with site.ledger.read() as tx:
        (issue,) = issues(tx)
        told = [row for row in tx.outbox.find(size=100) if row.reason == "REPORT"]
    assert (issue.by, told) == ("officer", [])


def test_a_scheduled_draft_is_told_to_the_duty_post(site: Site) -> None:
    with site.ledger.begin() as tx:
        place(tx, Order(kind="weekly", subject="2026-11-16", by="system", at=NOW))
    make_next(press_of(site))
    with site.ledger.read() as tx:
        (told,) = [row for row in tx.outbox.find(size=100) if row.reason == "REPORT"]
    assert told.recipient == "duty-officer"
    assert told.body.endswith("/reports/2026-weekly-1")


def test_keys_come_from_addresses_only() -> None:
    assert key_of("2026-daily-3") == "report:issue:2026:daily:0003"
    for strange in ("", "2026-daily", "2026-daily-x", "2026-users-1", "../../x", "2026-daily-3-4", "²-daily-1"):
        with pytest.raises(NotAllowed):
            key_of(strange)
