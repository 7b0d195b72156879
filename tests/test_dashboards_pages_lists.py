"""Any list as a file: what the page shows, the filter in the head, no formula, nothing of another department."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import openpyxl
import pytest
from board_example import NOW, open_site, serve
from test_dashboards_access import log_in

from dashboards import exporting
from dashboards.site import Site
from dashboards.web import exports
from dashboards.web.events import Moment, folded
from storage.types import Event

LISTS = ("events", "tasks", "sources", "audit", "reports")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("lists")) as made:
        yield made


@pytest.fixture(scope="module")
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


@pytest.fixture
def admin(base: str) -> Iterator[httpx.Client]:
    with log_in(base, "admin") as client:
        yield client


def table(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text[:300]
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_a_file_in_both_formats(admin: httpx.Client, name: str) -> None:
    rows = table(admin.get(f"/{name}/export.csv"))
    assert rows[1][0].startswith("筛选条件：")
    assert "导出人：系统管理员" in rows[2][0]
    sheet = openpyxl.load_workbook(io.BytesIO(admin.get(f"/{name}/export.xlsx").content)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[4]][: len(rows[3])] == rows[3]
    assert admin.get(f"/{name}/export.exe").status_code == 404
    assert f"/{name}/export.xlsx" in admin.get(f"/{name}").text


def test_the_filter_is_applied_and_written(admin: httpx.Client) -> None:
    rows = table(admin.get("/events/export.csv", params={"level": 3, "topic": "environment"}))
    assert "Ⅱ级（橙色）及以上" in rows[1][0]
    assert [row[0] for row in rows[4:]] == ["river"]
    assert rows[2][0].startswith("共 1 条")


def test_a_department_gets_its_own_and_a_leader_none(base: str) -> None:
    with log_in(base, "lead-jyj") as lead, log_in(base, "leader") as leader:
        assert [row[0] for row in table(lead.get("/events/export.csv"))[4:]] == ["school-place"]
        assert [row[0] for row in table(lead.get("/tasks/export.csv?view=department"))[4:]] == ["task-school-place"]
        assert lead.get("/audit/export.csv").status_code == 403
        assert leader.get("/events/export.csv").status_code == 403
        assert "export.xlsx" not in leader.get("/events").text


def test_a_hostile_title_stays_text_in_a_sheet(site: Site, admin: httpx.Client) -> None:
    attack = '=HYPERLINK("http://x","y")'
    with site.ledger.begin() as tx:
        event = tx.events.get(["lamp"])["lamp"]
        tx.events.save([replace(event, title=attack)])
    row = next(row for row in table(admin.get("/events/export.csv")) if row[0] == "lamp")
    assert row[1] == f"'{attack}"
    sheet = openpyxl.load_workbook(io.BytesIO(admin.get("/events/export.xlsx").content)).active
    assert sheet is not None
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    assert exporting.safe(attack).startswith("'")


def test_all_pages_of_a_long_list_are_in_the_file(
    site: Site, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 3)
    event = Event(id="x", title="多", first_at=NOW, last_at=NOW, detected_at=NOW)
    with site.ledger.begin() as tx:
        tx.events.save([replace(event, id=f"many-{n}", detected_at=NOW - timedelta(minutes=n)) for n in range(10)])
    ids = [row[0] for row in table(admin.get("/events/export.csv?sort=newest"))[4:]]
    assert len(ids) == len(set(ids)) == 15
    seqs = [int(row[0]) for row in table(admin.get("/audit/export.csv"))[4:]]
    assert seqs == sorted(seqs, reverse=True)
    assert seqs[-1] == 1


def test_the_three_voices_and_the_questions_of_an_event(admin: httpx.Client) -> None:
    page = admin.get("/live/events/canteen/spread").text
    assert "群众（12 条）" in page
    assert "尚未见政府方面的公开信息" in page
    assert "是不是食物中毒？" in page or "检测结果什么时候出来？" in page


def test_neighbours_of_the_time_line_that_say_the_same_are_one_line() -> None:
    def moment(who: str, seconds: int, text: str = "任务等级调整") -> Moment:
        return Moment(at=NOW - timedelta(seconds=seconds), who=who, text=text, kind="task")

    found = folded([moment("甲", 0), moment("乙", 1), moment("甲", 2), moment("丙", 3, "签收"), moment("丁", 300)])
    assert [(m.who, m.text) for m in found] == [("甲、乙", "任务等级调整"), ("丙", "签收"), ("丁", "任务等级调整")]
