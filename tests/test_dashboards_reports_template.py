"""An office's own words for its reports, and what the check says of faults in them."""

from dataclasses import replace
from pathlib import Path

import pytest
from small_office import small_office
from test_dashboards_reports_store import NOW, build

from app.config import ConfigError, load
from dashboards.reports.facts import EVENTS, PERIODS, daily
from dashboards.reports.template import SECTIONS, faults, shape
from dashboards.reports.tree import Heading, Note, Paragraph, Report
from storage.types import Office, ReportSettings, ReportTemplate

CONFIG = Path(__file__).resolve().parent.parent / "config"


def worded(**fields: object) -> Office:
    template = ReportTemplate(**{"id": "daily", **fields})  # type: ignore[arg-type]
    return replace(small_office(), templates={template.id: template})


def headings(report: Report) -> list[str]:
    return [b.text for b in report.blocks if isinstance(b, Heading) and b.level == 1]


def test_headings_order_opening_and_signature(tmp_path: Path) -> None:
    office, documents, ledger = build(tmp_path)
    mine = worded(
        title="{城市}社情日报", opening="现将{时段}情况报告如下。", sections=("coverage", "overall"),
        headings={"overall": "基本情况"}, signature="舆情科", closing="特此报告。",
    )  # fmt: skip
    made = daily(replace(office, templates=mine.templates), documents, ledger, NOW)
    assert headings(made) == ["采集覆盖情况", "基本情况"]
    assert made.title.text == f"{office.city}社情日报"
    assert made.title.signature == "舆情科"
    assert isinstance(made.blocks[0], Paragraph)
    assert made.blocks[0].text.startswith("现将2026年")
    assert isinstance(made.blocks[-1], Note), "what the system says of itself stays last"
    assert "未经审定" in made.blocks[-1].text
    documents.close()
    ledger.close()


def test_the_sections_as_shipped_are_all_there(tmp_path: Path) -> None:
    office, documents, ledger = build(tmp_path)
    for kind, sections in SECTIONS.items():
        bare = replace(office, templates={kind: ReportTemplate(id=kind, headings=dict.fromkeys(sections, ""))})
        maker = {"special": "event"}.get(kind, kind)
        if maker in PERIODS:
            plain = PERIODS[maker](office, documents, ledger, NOW)
        else:
            plain = EVENTS[maker]("canteen", office, documents, ledger, NOW)
        assert headings(plain) == list(sections.values()), kind
        assert len(shape(plain, bare).blocks) == len(plain.blocks)
    documents.close()
    ledger.close()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "dayly"}, "daily"),
        ({"sections": ("overal", "coverage")}, "overall"),
        ({"sections": ("overall",)}, "coverage"),
        ({"sections": ("coverage", "coverage")}, "不止一次"),
        ({"opening": "现将{日期}"}, "{时段}"),
        ({"headings": {"overall": ""}}, "1 至 40 字"),
        ({"headings": {"overal": "总体"}}, "overall"),
        ({"signature": "很" * 61}, "最多 60 字"),
    ],
)
def test_faults_are_named_with_their_place(fields: dict[str, object], said: str) -> None:
    found = list(faults(worded(**fields)))
    assert found
    assert all(file == "reports.toml" and place.startswith("[[reports]]（") for file, place, _ in found)
    assert any(said in text for _, _, text in found), found


def test_times_and_days_of_the_schedule_are_checked() -> None:
    wrong = replace(small_office(), reports=ReportSettings(daily="8点", weekly="25:00", weekday=8, monthday=31))
    assert [place for _, place, _ in faults(wrong)] == [
        "[reports] daily", "[reports] weekly", "[reports] weekday", "[reports] monthday"]  # fmt: skip


def test_the_shipped_file_is_right_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    assert load(CONFIG).office.templates.keys() == {"daily", "weekly", "monthly"}
    for path in CONFIG.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "reports.toml").unlink()
    assert load(tmp_path).office.templates == {}
    (tmp_path / "reports.toml").write_text('[[reports]]\nid = "daily"\nsection = ["overall"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"reports\.toml.*section"):
        load(tmp_path)
