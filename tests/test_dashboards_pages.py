"""What the pages say and do: search, exports, corrections, events' actions, coverage, weight."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import openpyxl
import pytest
from board_example import NOW, Clock, make_site, office, open_site, risk, serve, stored
from test_dashboards_access import log_in, token_of

from alerts.streams import StreamBurst
from crawlers.advice import explain
from dashboards import exporting, words
from dashboards.bursts import keep
from dashboards.counted import remember_chain
from dashboards.coverage import health
from dashboards.searching import read_form, step_for, to_query
from dashboards.site import Site
from dashboards.web.app import ROUTES
from dashboards.web.events import apart
from storage.types import Event, SourceHour


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.fixture(scope="module")
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


@pytest.fixture
def officer(base: str) -> Iterator[httpx.Client]:
    with log_in(base, "officer") as client:
        yield client


def version(page: httpx.Response) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found
    return found[1]


def seen(page: httpx.Response) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page.text)
    assert found
    return found[1]


def post(client: httpx.Client, path: str, **fields: str | list[str]) -> httpx.Response:
    """A POST with a fresh token and what the event's page shows now."""
    event = re.match(r"/events/[^/]+", path)
    data: dict[str, str | list[str]] = {"csrf": token_of(client.get("/password"))}
    if event and "seen" not in fields:
        data["seen"] = seen(client.get(event[0]))
    return client.post(path, data=data | fields)


def test_a_stream_that_bursts_is_said_on_the_overview_and_on_its_topic(site: Site, officer: httpx.Client) -> None:
    topic = next(iter(site.office().topics.values()))
    hour = site.clock().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    burst = StreamBurst(
        field="topic", id=topic.id, name=f"专题“{topic.name}”", hour=hour, count=31, usual=4.0, path="fast"
    )
    for rows, said in (([burst], True), ([], False)):
        with site.ledger.begin() as tx:
            keep(tx, rows, hour if rows else hour + timedelta(days=1))
        for path in ("/", "/live/overview", f"/topics/{topic.id}"):
            assert ("共 31 条，平日同一时段约 4 条，未集中于单一事件" in officer.get(path).text) is said, path


def test_a_mistake_in_the_search_is_pointed_at(officer: httpx.Client) -> None:
    answer = officer.get("/documents", params={"q": "(食堂"})
    assert answer.status_code == 422
    assert re.search(r'data-column="\d+"', answer.text)
    assert "列" in officer.get("/documents/count", params={"q": "(食堂"}).text
    assert re.search(r"约 \d+ 条", officer.get("/documents/count", params={"q": "食堂"}).text)
    assert officer.get("/documents", params={"since": "31.1.2026"}).status_code == 422
    assert officer.get("/documents", params={"q": "食" * 5000}).status_code == 422


def test_the_form_survives_its_address() -> None:
    form = read_form([("q", "a"), ("kind", "news"), ("kind", "forum"), ("fold", "0"), ("x", "y"), ("sort", "bad")])
    again = read_form(
        [(k, v) for k, values in form.address().items() for v in ([values] if isinstance(values, str) else values)]
    )  # type: ignore[attr-defined,union-attr]
    assert again == form
    assert form.toggled("kind", "news").toggled("kind", "news").filters == (("kind", "forum"), ("kind", "news"))
    scoped = to_query(read_form([("department", "jyj")]), "Asia/Shanghai", "scjg")
    assert scoped.filters["department"] == ["scjg"]


def test_exports_carry_their_filter_and_no_formula(officer: httpx.Client, site: Site) -> None:
    attack = '=HYPERLINK("http://x","点")'
    site.documents.put([stored("formula", f"{attack}甲乙丙", Clock().at, title=attack)])
    text = officer.get("/documents/export.csv", params={"q": "甲乙丙"}).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert "q=甲乙丙" in rows[1][0]
    assert rows[4][1] == f"'{attack}"
    book = openpyxl.load_workbook(io.BytesIO(officer.get("/documents/export.xlsx", params={"q": "甲乙丙"}).content))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert f"'{attack}" in [cell.value for cell in cells]
    site.documents.delete(["formula"])


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "|cmd", "%0a"])
def test_no_cell_starts_a_formula(text: str) -> None:
    assert exporting.safe(text).startswith("'")


def test_an_export_streams_with_flat_memory() -> None:
    chunks = exporting.csv_lines([["a"]], (["甲" * 100] for _ in range(20_000)))
    sizes = [len(chunk) for chunk in chunks]
    assert len(sizes) > 20
    assert max(sizes) < 400_000


def test_a_correction_is_kept_and_undone(officer: httpx.Client, site: Site) -> None:
    assert post(officer, "/document/canteen-1/correct", field="sentiment", value="neutral").status_code == 303
    assert site.documents.get(["canteen-1"])[0].assessment.sentiment.label == "neutral"
    post(officer, "/document/canteen-1/correct", field="sentiment", value="positive")
    with site.ledger.read() as tx:
        (live,) = tx.notes.corrections(document="canteen-1")
    assert (live.machine, live.person, live.who) == ("negative", "positive", "officer")
    assert post(officer, "/document/canteen-1/undo", correction=live.id).status_code == 303
    assert site.documents.get(["canteen-1"])[0].assessment.sentiment.label == "negative"
    assert post(officer, "/document/canteen-1/undo", correction=live.id).status_code == 422
    assert post(officer, "/document/canteen-1/correct", field="text", value="x").status_code == 422
    assert post(officer, "/document/canteen-1/correct", field="department", value="nowhere").status_code == 422


def test_new_documents_do_not_send_a_decision_back_but_a_new_level_does(officer: httpx.Client, site: Site) -> None:
    before = seen(officer.get("/events/lamp"))
    with site.ledger.begin() as tx:
        event = tx.events.get(["lamp"])["lamp"]
        tx.events.save([replace(event, documents=event.documents + 40, score=event.score + 3)])
    assert post(officer, "/events/lamp/grade", grade="一般", seen=before).status_code == 303
    before = seen(officer.get("/events/lamp"))
    with site.ledger.begin() as tx:
        event = tx.events.get(["lamp"])["lamp"]
        tx.events.save([replace(event, level=event.level + 1)])
    told = post(officer, "/events/lamp/pin", level="1", reason="影响有限", seen=before)
    assert told.status_code == 409
    assert "您的操作没有保存" in told.text


def test_a_pinned_level_wins_and_is_withdrawn(officer: httpx.Client, site: Site) -> None:
    assert post(officer, "/events/lamp/pin", level="3", reason="上级要求关注").status_code == 303
    with site.ledger.read() as tx:
        event = tx.events.get(["lamp"])["lamp"]
        assert (event.level, event.pinned_level) == (3, 3)
        assert tx.events.changes("lamp")[-1].cause == "human"
    assert "上级要求关注" in officer.get("/events/lamp").text
    assert post(officer, "/events/lamp/pin", level="9", reason="x").status_code == 422
    assert post(officer, "/events/lamp/pin", level="2", reason="").status_code == 422
    before = seen(officer.get("/events/lamp"))
    post(officer, "/events/lamp/grade", grade="较大")
    assert post(officer, "/events/lamp/pin", level="2", reason="x", seen=before).status_code == 409
    post(officer, "/events/lamp/pin", level="", reason="已核实")
    with site.ledger.read() as tx:
        assert tx.events.get(["lamp"])["lamp"].pinned_level is None


def test_the_audit_page_says_what_the_night_found(site: Site, base: str) -> None:
    with log_in(base, "admin") as admin:
        assert "夜间校验" not in admin.get("/audit").text
        for broken, said in ((None, "逐条哈希相连，完整"), (7, "第 7 条起校验不符")):
            with site.ledger.begin() as tx:
                remember_chain(tx, site.clock(), broken)
            assert said in admin.get("/audit").text


def test_a_person_names_an_event_and_takes_it_back(officer: httpx.Client, site: Site) -> None:
    assert post(officer, "/events/lamp/rename", title="北苑路灯不亮").status_code == 303
    with site.ledger.read() as tx:
        event = tx.events.get(["lamp"])["lamp"]
    assert (event.title, event.named_by) == ("北苑路灯不亮", "officer")
    assert "由 officer 命名" in officer.get("/events/lamp").text
    assert "修改事件名称" in officer.get("/events/lamp/ledger").text
    post(officer, "/events/lamp/rename", title="")
    with site.ledger.read() as tx:
        event = tx.events.get(["lamp"])["lamp"]
    assert (event.title, event.named_by) == ("北苑路灯不亮", None), "the program names it when it grows"


def test_split_then_merge_again(officer: httpx.Client, site: Site) -> None:
    answer = post(officer, "/events/river/split", title="另一处排污口", document=["river-1"])
    assert answer.status_code == 303
    fresh = answer.headers["location"].split("?")[0].rsplit("/", 1)[1]
    with site.ledger.read() as tx:
        moved = {member.document for member in tx.events.members(fresh)}
    assert "river-1" in moved
    assert "river-3" in moved, "near-duplicates go along"
    assert site.documents.get(["river-1"])[0].event == fresh
    merged = post(officer, f"/events/{fresh}/merge", into="/events/river")
    assert merged.headers["location"].startswith("/events/river?")
    assert officer.get(f"/events/{fresh}").headers["location"] == "/events/river"
    assert site.documents.get(["river-1"])[0].event == "river"
    assert post(officer, "/events/river/merge", into="river").status_code == 422


def test_a_false_alarm_closes_and_reopens(officer: httpx.Client, site: Site) -> None:
    assert post(officer, "/events/tax-form/false-alarm", reason="演练").status_code == 303
    with site.ledger.read() as tx:
        event = tx.events.get(["tax-form"])["tax-form"]
        assert (event.status, event.level) == ("closed", 0)
        assert [c.field for c in tx.notes.corrections(document=event.representative)] == ["false_alarm"]
    assert post(officer, "/events/tax-form/reopen", reason="误判").status_code == 303


def test_the_leader_rules_on_returns_and_the_unit_does_not_pass_on(base: str, site: Site) -> None:
    with log_in(base, "lead-jyj") as lead:
        task = lead.get("/tasks/task-school-place")
        fields = {"csrf": token_of(task), "version": version(task), "reason": "不属本单位职责"}
        fields |= {"department": "beiyuan", "basis": "派单目录 1.1"}
        assert lead.post("/tasks/task-school-place/return", data=fields).status_code == 303
        page = lead.get("/tasks/task-school-place")
        ruling = {"csrf": token_of(page), "version": str(int(fields["version"]) + 1), "department": "beiyuan"}
        assert lead.post("/tasks/task-school-place/uphold", data=ruling).status_code == 422
    with log_in(base, "leader") as leader:
        assert "学区调整" in leader.get("/tasks?view=returns").text
        page = leader.get("/tasks/task-school-place")
        ruling = {"csrf": token_of(page), "version": version(page), "department": "beiyuan"}
        assert leader.post("/tasks/task-school-place/uphold", data=ruling).status_code == 303
    with site.ledger.read() as tx:
        found = tx.tasks.get("task-school-place")
        assert found is not None
        assert (found.department, found.state) == ("beiyuan", "dispatched")
        assert [a.department for a in tx.tasks.alerts(event="school-place")] == ["beiyuan"]
        assert tx.audit.verify() is None


def test_channels_never_show_what_opens_a_door(base: str) -> None:
    with log_in(base, "admin") as admin:
        assert "127.0.0.1:9/hook" not in admin.get("/settings/channels").text


def test_coverage_calls_silence_and_failure_by_name() -> None:
    now = Clock().at
    hours = [SourceHour(source="daily", hour=now - timedelta(hours=h), polled=2, new=int(h > 30)) for h in range(90)]
    hours += [SourceHour(source="hotline", hour=now - timedelta(hours=h), polled=2, errors=2) for h in range(5)]
    hours += [SourceHour(source="bureau", hour=now - timedelta(hours=1), polled=2, new=2)]
    found = {row.source.id: row.state for row in health(office(), hours, now)}
    assert found == {"daily": "silent", "hotline": "failing", "bureau": "ok", "town-forum": "new", "sleepy": "off"}


@pytest.mark.parametrize(
    ("error", "back", "state"),
    [("被拒绝：robots.txt 不允许抓取", 0, "refused"), ("令牌失效：已过期", 0, "expired"), (None, 40, "slow")],
)
def test_the_board_says_what_doctor_says(error: str | None, back: int, state: str) -> None:
    now = Clock().at
    hours = [
        SourceHour(source="daily", hour=now - timedelta(hours=back + h), polled=2, new=0 if error else 1,
                   errors=2 if error else 0, last_error=error)
        for h in range(9)
    ]  # fmt: skip
    row = next(row for row in health(office(), hours, now) if row.source.id == "daily")
    assert (row.state, row.troubled) == (state, True)
    well, said = explain(row.source, hours, now)
    assert not well
    assert row.reason in said
    assert row.advice in said


def test_a_source_is_shown_hour_by_hour(base: str, site: Site) -> None:
    now = Clock().at
    with site.ledger.begin() as tx:
        tx.frontier.record(SourceHour(
            source="sleepy", hour=now, polled=41, unchanged=31, new=2, updated=3, duplicate=1, rejected=5, errors=1,
            delay_seconds=1320.0, reasons={"页面没有正文": 5, "<超时>": 1},
        ))  # fmt: skip
    with log_in(base, "officer") as officer:
        page = officer.get("/sources/sleepy").text
        assert (
            "访问 41 次，其中未变 31 次；新增 2 条（此前日均 0.0 条），更新 3 条，重复 1 条，未收 5 条，失败 1 次"
            in page
        )
        assert "平均 11 分钟" in page
        assert "页面没有正文 5；&lt;超时&gt; 1" in page
        assert page.count("未访问") == 47
        assert "页面没有正文 5 次" in officer.get("/sources").text
        assert "页面没有正文 5；" in officer.get("/sources/export.csv").text
        assert officer.get("/sources/none").status_code == 404


def test_health_is_open_and_counts(base: str) -> None:
    with httpx.Client(base_url=base, trust_env=False) as nobody:
        found = nobody.get("/healthz").json()
        assert found["status"] == "ok"
        assert found["documents"] > 20
        assert {"version", "events", "open_tasks", "last_document_age_seconds"} <= set(found)
        assert 'minsheng_requests_total{method="GET",route="/healthz",status="200"}' in nobody.get("/metrics").text


def test_pages_are_light(officer: httpx.Client) -> None:
    """First visit ≤ 700 kB, later pages ≤ 60 kB, as sent."""
    seen = 0
    page = officer.get("/")
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        with officer.stream("GET", path.split("#")[0]) as answer:
            assert answer.headers["cache-control"].endswith("immutable"), path
            seen += sum(len(chunk) for chunk in answer.iter_raw())
    assert seen < 640_000
    for path in ("/", "/events", "/events/canteen", "/documents", "/tasks"):
        with officer.stream("GET", path) as answer:
            assert sum(len(chunk) for chunk in answer.iter_raw()) < 60_000, path


def test_an_empty_office_has_every_page(tmp_path: Path) -> None:
    site = make_site(tmp_path, empty=True)
    with serve(site) as base, log_in(base, "admin") as admin:
        for row in ROUTES:
            if row.method == "GET" and "{" not in row.path and not row.path.startswith("/login"):
                answer = admin.get(row.path)
                assert answer.status_code == 200, (row.path, answer.text[-300:])
        assert admin.get("/healthz").json()["last_document_age_seconds"] is None
        assert "尚无信息" in admin.get("/").text
        assert admin.get("/documents/export.csv").status_code == 200
        assert admin.get("/topics/tax").status_code == 200
    site.documents.close()
    site.ledger.close()


def test_an_event_with_open_tasks_is_not_closed(officer: httpx.Client, site: Site) -> None:
    assert post(officer, "/events/canteen/close", reason="平息").status_code == 422
    assert post(officer, "/events/lamp/close", reason="已停工").status_code == 303
    with site.ledger.read() as tx:
        assert tx.events.get(["lamp"])["lamp"].status == "closed"
    assert post(officer, "/events/lamp/close", reason="再关").status_code == 422
    post(officer, "/events/lamp/reopen", reason="复工")


def test_a_huge_document_has_a_page(officer: httpx.Client, site: Site) -> None:
    site.documents.put([stored("huge", "噪声不停" * 50_000, Clock().at, title="长" * 500)])
    answer = officer.get("/document/huge")
    assert answer.status_code == 200
    assert float(answer.headers["server-timing"].split("dur=")[1]) < 3000
    site.documents.delete(["huge"])


def test_words_for_time_and_address() -> None:
    now = Clock().at
    assert words.remaining(now + timedelta(minutes=125), now) == "剩余 2小时5分"
    assert words.remaining(now - timedelta(minutes=8), now) == "已超期 8分"
    assert words.span(30) == "不到1分"
    for bad in ("javascript:alert(1)", " jAvascript:x", "data:text/html,x", "//x", "http://[", "http:///x", None, ""):
        assert words.web_address(bad) is None, bad
    assert words.web_address("https://example.invalid/a?b=1") == "https://example.invalid/a?b=1"
    assert words.level_class(office(), 4) == "lv-red"
    two = replace(office(), levels=tuple(replace(r, id=f"l{n}") for n, r in enumerate(office().levels[:2])))
    assert [words.level_class(two, rank) for rank in (0, 1, 2, 3)] == ["lv-none", "lv-orange", "lv-red", "lv-none"]
    assert step_for(now - timedelta(days=2), now) == "hour"


def test_a_level_that_is_not_the_scores_is_explained() -> None:
    here = office()
    event = Event(id="e", title="x", first_at=NOW, last_at=NOW, detected_at=NOW, level=3, risk=risk(86.0), score=86.0)
    assert "连续2次评估达到后升级" in apart(event, here)
    assert "由人工确定" in apart(replace(event, pinned_level=3), here)
    assert "后降级" in apart(replace(event, risk=risk(30.0)), here)
    assert apart(replace(event, level=4), here) == ""
    assert apart(replace(event, risk=None), here) == ""
