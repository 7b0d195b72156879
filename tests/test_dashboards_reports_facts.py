"""What a report says, checked against the store it was gathered from."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from test_dashboards_reports_store import DAY, EVENTS, NOW, at, build, stored

from analysis.words import segment
from dashboards.reports import wording
from dashboards.reports.facts import (
    UnknownSubject,
    daily,
    event_risk,
    event_special,
    ledger_of,
    monthly,
    weekly,
)
from dashboards.reports.tree import Evidence, Figure, Heading, Paragraph, Report, Table, chinese, evidence_of, numbered
from storage.open import open_stores
from storage.ports import DocumentQuery, DocumentStore, Ledger
from storage.types import AuditEntry, Office

Stores = tuple[Office, DocumentStore, Ledger]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    here, documents, ledger = build(tmp_path_factory.mktemp("reports"))
    yield here, documents, ledger
    documents.close()
    ledger.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stores]:
    """Stores that a test may change."""
    here, documents, ledger = build(tmp_path)
    yield here, documents, ledger
    documents.close()
    ledger.close()


def text_of(report: Report) -> str:
    return "\n".join(block.text for block in report.blocks if not isinstance(block, Table | Figure))


def table(report: Report, caption: str) -> Table:
    return next(b for b in report.blocks if isinstance(b, Table) and b.caption.startswith(caption))


def proof(report: Report, start: str) -> Evidence:
    found = next(s.evidence for _, s in evidence_of(report) if s.text.startswith(start))
    assert found is not None
    return found


def test_the_daily_counts_are_the_stores(stores: Stores) -> None:
    report = daily(*stores, NOW)
    query = DocumentQuery(since=DAY, until=at(24))
    total = stores[1].count(query)
    negative = stores[1].count(replace(query, filters={"sentiment": ["negative"]}))
    assert (total, negative) == (49, 39)
    text = text_of(report)
    assert "11月23日0时至24时，系统共采集公开信息49条，较前一日增加44条（前一日5条）。" in text
    assert "其中负面信息39条，占79.6%（前一日4条，占80.0%）。" in text
    assert proof(report, "其中负面信息").count == 39
    assert table(report, "信息来源分布").rows[-1][:3] == ("合计", 49, 39)
    figure = next(b for b in report.blocks if isinstance(b, Figure))
    assert len(figure.labels) == 24
    assert sum(figure.series[0][1]) == 39
    assert sum(figure.series[1][1]) == 10


def test_every_id_behind_a_statement_exists_and_fits_its_count(stores: Stores) -> None:
    report = daily(*stores, NOW)
    known = {row.document.id for row in stores[1].scan(DocumentQuery())}
    for _, statement in evidence_of(report):
        said = statement.evidence
        assert said is not None
        assert len(said.ids) == min(said.count, 100), statement.text
        if said.what == "信息":
            assert set(said.ids) <= known
        if said.what == "事件":
            assert set(said.ids) <= set(EVENTS)


def test_the_events_of_the_day_stand_by_level_and_in_the_days_own_numbers(stores: Stores) -> None:
    report = daily(*stores, NOW)
    heads = [b.text for b in report.blocks if isinstance(b, Heading) and b.level == 2]
    assert heads == [
        "北苑一小学食堂午餐后多名学生呕吐（红色）", "佛堂段河水连续三天发黑发臭（橙色）",
        "学区调整后新小区入学名额不足（黄色）",
    ]  # fmt: skip
    text = text_of(report)
    assert "本日有信息的事件共4起。其中新发现3起。" in text
    assert "本日首次定级2起。本日等级上调2起。" in text
    assert (
        "本日信息9条，其中负面9条。11月23日11时36分由Ⅲ级（黄色）调整为Ⅱ级（橙色），原因是热线与论坛同时反映。" in text
    )
    assert "责任单位为生态环境分局，截至11月24日0时系统未发现权威回应。" in text
    assert table(report, "其他事件").rows[0][0] == "五爱路夜间施工噪声"


def test_the_level_is_that_of_the_end_of_the_day(stores: Stores) -> None:
    report = daily(*stores, NOW, day=date(2026, 11, 22))
    heads = [b.text for b in report.blocks if isinstance(b, Heading) and b.level == 2]
    assert heads == ["佛堂段河水连续三天发黑发臭（黄色）"]


def test_what_was_done_and_what_is_due(stores: Stores) -> None:
    report = daily(*stores, NOW)
    text = text_of(report)
    assert "本日交办任务4件，截至成稿已签收2件。" in text
    assert "本日发布答复1件。" in text
    assert proof(report, "本日发布答复").ids == ("reply-1",)
    assert "截至11月24日8时30分：已超过时限尚未完成的任务2件。待签收任务1件。退件待裁定1件。" in text
    assert len(table(report, "超期和临期任务").rows) == 2


def test_departments_stand_in_the_order_of_the_directory_and_are_not_ranked(stores: Stores) -> None:
    report = daily(*stores, NOW)
    figures = table(report, "各单位处置情况")
    assert [row[0] for row in figures.rows] == ["市场监督管理局", "生态环境分局", "教育局", "合计"]
    assert figures.rows[-1][1:3] == (3, 4)
    assert figures.rows[-1][3] == "25%（1/4）"
    assert not any("名次" in c or "排名" in c for b in report.blocks if isinstance(b, Table) for c in b.columns)
    assert "事件少于10起的单位比率波动大" in text_of(report)


def test_what_was_not_seen_is_said(stores: Stores) -> None:
    report = event_special("canteen", *stores, NOW)
    assert "有2个未正常采集：示例日报、示例市政府网。" in text_of(report)
    assert [row[1] for row in table(report, "异常信源").rows] == ["失败", "静默"]
    past = daily(*stores, NOW)
    assert "截至11月24日0时有2个未正常采集：示例日报、示例市政府网。" in text_of(past)


def test_an_empty_office_is_not_called_calm(tmp_path: Path, stores: Stores) -> None:
    documents, ledger = open_stores(tmp_path, segment=segment)
    report = daily(replace(stores[0], sources={}), documents, ledger, NOW)
    text = text_of(report)
    assert "系统未采集到公开信息。是否确无信息，请结合本报告“采集覆盖情况”判断。" in text
    assert "尚未启用信源" in text
    assert not any(isinstance(b, Figure) for b in report.blocks)
    documents.close()
    ledger.close()


def test_a_week_and_a_month_hold_their_days(stores: Stores) -> None:
    week = weekly(*stores, NOW, day=date(2026, 11, 25))
    assert week.title.subtitle == "（2026年11月23日至11月24日8时30分）"
    assert week.subject == "2026-11-23"
    assert "系统共采集公开信息53条，较上周同期增加53条" in text_of(week)
    month = monthly(*stores, NOW, day=date(2026, 11, 1))
    assert "系统共采集公开信息60条" in text_of(month)
    assert weekly(*stores, NOW).title.subtitle == "（2026年11月16日至11月22日）"
    assert monthly(*stores, NOW).title.subtitle == "（2026年10月）"


def test_a_day_ahead_and_an_unknown_event_are_refused(stores: Stores) -> None:
    with pytest.raises(UnknownSubject, match="2026-11-25 还没有到"):
        daily(*stores, NOW, day=date(2026, 11, 25))
    for gather in (event_special, event_risk, ledger_of):
        with pytest.raises(UnknownSubject, match="no-such"):
            gather("no-such", *stores, NOW)


def test_history_is_left_out(own: Stores) -> None:
    row = stored("river", 90, 9.0)
    own[1].put([replace(row, document=replace(row.document, historic=True))])
    assert "系统共采集公开信息49条" in text_of(daily(*own, NOW))


def test_the_special_brief_tells_the_event_and_claims_no_success(stores: Stores) -> None:
    report = event_special("canteen", *stores, NOW)
    text = text_of(report)
    assert report.title.text == "关于“北苑一小学食堂午餐后多名学生呕吐”的舆情专报"
    assert "共有相关信息26条，其中负面20条，占76.9%" in text
    assert "按发布账号去重约17个" in text
    assert "无法判断：回应前后应各有至少 12 个小时的数据" in text
    assert [q for q, _ in table(report, "公众提出的问题").rows]
    assert [row[:3] for row in table(report, "任务情况").rows] == [
        ("市场监督管理局", "牵头", "已发布"), ("教育局", "协办", "已签收"),
    ]  # fmt: skip
    marks = next(b for b in report.blocks if isinstance(b, Figure)).marks
    assert [word for _, word in marks] == ["黄色", "橙色", "红色", "回应"]


def test_the_risk_report_follows_the_offices_own_thresholds(stores: Stores) -> None:
    top = text_of(event_risk("canteen", *stores, NOW))
    assert "当前已是最高等级。最高等级不自动下调，须由人工决定。" in top
    assert "缺少扩散面的数据" in top
    river = text_of(event_risk("river", *stores, NOW))
    assert (
        "现有评分距Ⅰ级（红色）的门槛还差16分。连续2次评估达到80分的，升为Ⅰ级（红色）；达到90分的，立即上调。" in river
    )
    assert "连续12次评估低于52分的，下调一级。" in river


def test_the_ledger_of_an_event_tells_every_step_once(stores: Stores) -> None:
    report = ledger_of("canteen", *stores, NOW)
    rows = table(report, "处置记录").rows
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [row[1] for row in rows] == sorted(str(row[1]) for row in rows)
    told = [str(row[4]) for row in rows]
    assert proof(report, "本台账共").count == len(rows) == 16
    assert sum(t.startswith("签收") for t in told) == 2
    assert sum("→" in t and "级" in t for t in told) == 3
    assert "发出预警：市场监督管理局" in told
    assert "标注事件等级：一般" in told
    assert any("内容未变化" in t and "未发送" in t for t in told)
    assert any(t.startswith("发布第 1 稿") for t in told)
    assert "审计链核对完好" in text_of(report)
    assert not any("呕吐" in t or "鸡腿" in t for t in told)  # no citizen's words


def test_the_ledger_goes_on_over_a_merge(own: Stores) -> None:
    here, documents, ledger = own
    with ledger.begin() as tx:
        tx.events.merge("river", "school-place")
        tx.audit.append(AuditEntry(
            actor="chen", action="event.merge", object="event:school-place", at=at(30),
            before=json.dumps({"id": "river"}), after=json.dumps({"into": "school-place", "note": "同一件事"}),
        ))  # fmt: skip
    report = ledger_of("river", here, documents, ledger, NOW + timedelta(hours=1))
    assert report.subject == "school-place"
    told = [str(row[4]) for row in table(report, "处置记录").rows]
    assert sum(t.startswith("交办") for t in told) == 2
    assert any("热线与论坛同时反映" in t for t in told)
    assert "合并事件：同一件事" in told


def test_a_broken_chain_is_shouted(own: Stores, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "minsheng.db") as db:
        triggers = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    db.close()
    assert "审计链在第2条处断开，本台账不可作为凭证" in text_of(ledger_of("canteen", *own, NOW))


def test_nothing_of_an_author_stands_in_a_report(stores: Stores) -> None:
    for report in (daily(*stores, NOW), event_special("canteen", *stores, NOW), ledger_of("canteen", *stores, NOW)):
        assert "hash-" not in str(report)


def test_sentences_end_once_and_no_code_leaks(stores: Stores) -> None:
    reports = [daily(*stores, NOW), *(f("canteen", *stores, NOW) for f in (event_special, event_risk, ledger_of))]
    for report in reports:
        for block in report.blocks:
            if isinstance(block, Paragraph):
                assert block.text.endswith("。"), block.text
                assert not re.search("。。|，。|；。|None|[a-z]+_[a-z]+", block.text), block.text
        cells = [str(c) for b in report.blocks if isinstance(b, Table) for row in b.rows for c in row]
        assert not [c for c in cells if re.search(r"None|[a-z]+_[a-z]+|\{|\}", c)]


def test_wording() -> None:
    assert wording.change(12, 10, "前一日") == "较前一日增加2条，增长20.0%"
    assert wording.change(2, 4, "上周") == "较上周减少2条（上周4条）"
    assert wording.change(3, 3, "上月") == "与上月持平"
    assert [chinese(n) for n in (1, 9, 10, 11, 20, 32)] == ["一", "九", "十", "十一", "二十", "三十二"]
    heads = [b.text for b in numbered((Heading(text="甲"), Heading(text="乙", level=2), Heading(text="丙"),
                                      Heading(text="丁", level=2))) if isinstance(b, Heading)]  # fmt: skip
    assert heads == ["一、甲", "（一）乙", "二、丙", "（一）丁"]


def test_what_was_purged_is_not_told_as_calm(own: Stores) -> None:
    own[1].purge(NOW)
    for gather in (event_special, event_risk, ledger_of):
        text = text_of(gather("canteen", *own, NOW))
        assert "文档库中没有本事件的信息，可能已到保存期限；曾记录26条。" in text
        assert "占—" not in text


def test_an_office_with_fewer_levels_than_before_still_gets_its_reports(stores: Stores) -> None:
    fewer = replace(stores[0], levels=stores[0].levels[:2])
    for gather in (event_special, event_risk, ledger_of):
        assert gather("canteen", fewer, *stores[1:], NOW).blocks
    heads = [b.text for b in daily(fewer, *stores[1:], NOW).blocks if isinstance(b, Heading) and b.level == 2]
    assert heads[0].endswith("（黄色）")


def test_a_report_with_sample_data_says_so(own: Stores) -> None:
    assert "示例数据" not in text_of(daily(*own, NOW))
    with own[2].begin() as tx:
        tx.events.save([replace(tx.events.get(["lamp"])["lamp"], sample=True)])
    assert "本报告含示例数据（示例城），不是真实情况。" in text_of(daily(*own, NOW))
