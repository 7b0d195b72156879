"""The general part of a periodic report: how much was said, where, about what, and what was not seen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from dashboards import words
from dashboards.charts import padded
from dashboards.coverage import HISTORY, TROUBLED, one
from dashboards.reports import wording
from dashboards.reports.desk import Desk, Window
from dashboards.reports.tree import Block, Evidence, Figure, Heading, Note, Paragraph, Statement, Table, para, say
from storage.ports import DocumentQuery
from storage.types import Source, SourceHour

SOURCES_NAMED = 10


def asked(window: Window) -> DocumentQuery:
    """What was said in the window, history left out."""
    return DocumentQuery(since=window.since, until=window.until, historic=False)


def stretch(window: Window, desk: Desk) -> str:
    """「11月23日0时至24时」, 「11月17日至11月23日」; ends at the moment of writing where it is not over."""
    first, last = window.first, window.last
    begin = f"{first.month}月{first.day}日"
    if not window.whole:
        until = desk.hour(window.until)
        return f"{begin}0时至{until.removeprefix(begin)}"
    return f"{begin}0时至24时" if first == last else f"{begin}至{last.month}月{last.day}日"


def overall(desk: Desk, window: Window) -> Iterator[Block]:
    """一、总体情况."""
    yield Heading(text="总体情况")
    yield Paragraph(statements=tuple(_volume(desk, window)))
    kinds = desk.documents.facets(asked(window), "kind", size=len(words.KIND))
    if not kinds:
        return
    yield _trend(desk, window)
    yield _platforms(desk, window, kinds)


def _volume(desk: Desk, window: Window) -> Iterator[Statement]:
    query, store = asked(window), desk.documents
    now = store.count(query)
    when = stretch(window, desk)
    where = f"发布时间{when}"
    if not now:
        yield say(f"{when}，系统未采集到公开信息。", Evidence(what="信息", count=0, where=where))
        yield say("是否确无信息，请结合本报告“采集覆盖情况”判断。")
        return
    before = store.count(replace(query, since=window.before, until=window.before_until))
    than = window.before_name + ("" if window.whole else "同期")
    yield say(f"{when}，系统共采集公开信息{now}条，{wording.change(now, before, than)}。", desk.said(query, where))
    bad = replace(query, filters={"sentiment": ["negative"]})
    seen = desk.said(bad, f"{where}，情感为负面")
    was = store.count(replace(bad, since=window.before, until=window.before_until))
    text = f"其中负面信息{seen.count}条，占{wording.share(seen.count, now)}"
    if before:
        text += f"（{than}{was}条，占{wording.share(was, before)}）"
    yield say(text + "。", seen)
    kinds = desk.named(query, "kind", 3)
    yield say(f"信息来源以{wording.counted(kinds, '条')}为主。" if len(kinds) > 1 else f"信息均来自{kinds[0][0]}。")


def _trend(desk: Desk, window: Window) -> Figure:
    daily = window.first == window.last
    step = timedelta(hours=1) if daily else timedelta(days=1)
    found = desk.documents.histogram(asked(window), step="hour" if daily else "day", timezone=desk.office.timezone)
    buckets = padded(found, window.since, window.until - timedelta(seconds=1), step)
    labels = tuple(f"{b.start.hour}时" if daily else f"{b.start.month}/{b.start.day}" for b in buckets)
    return Figure(
        caption=f"{window.name}信息量（按{'小时' if daily else '日'}）",
        kind="bar",
        labels=labels,
        series=(
            ("负面", tuple(float(b.negative) for b in buckets)),
            ("其他", tuple(float(b.count - b.negative) for b in buckets)),
        ),
    )


def _platforms(desk: Desk, window: Window, kinds: list[tuple[str, int]]) -> Table:
    query = replace(asked(window), filters={"sentiment": ["negative"]})
    bad = dict(desk.documents.facets(query, "kind", size=len(words.KIND)))
    rows = [(words.KIND.get(k, k), n, bad.get(k, 0), wording.share(bad.get(k, 0), n)) for k, n in kinds]
    total, negative = sum(n for _, n in kinds), sum(bad.values())
    return Table(
        caption="信息来源分布",
        columns=("来源类型", "信息量（条）", "负面（条）", "负面占比"),
        rows=(*rows, ("合计", total, negative, wording.share(negative, total))),
    )


def subjects(desk: Desk, window: Window) -> Iterator[Block]:
    """三、专题与诉求. A document may lie in several topics, so their sum may be larger than the whole."""
    query, store = asked(window), desk.documents
    topics = store.facets(query, "topic", size=10)
    yield Heading(text="专题与诉求")
    if not topics:
        yield para("本期信息未涉及已设专题。")
        return
    before = dict(store.facets(replace(query, since=window.before, until=window.before_until), "topic", size=10_000))
    bad = dict(store.facets(replace(query, filters={"sentiment": ["negative"]}), "topic", size=10_000))
    first, number = topics[0]
    name = words.topic_name(desk.office, first)
    statements = [
        say(
            f"涉及已设专题{len(topics)}个，信息量最多的是“{name}”，共{number}条，其中负面{bad.get(first, 0)}条。",
            desk.said(replace(query, filters={"topic": [first]}), f"{stretch(window, desk)}，专题为{name}"),
        )
    ]
    kinds = [(n, c) for n, c in desk.named(query, "text_kind", 9) if n != words.TEXT_KIND["other"]][:4]
    if kinds:
        statements.append(say(f"按诉求类型分，{wording.counted(kinds, '条')}。"))
    areas = desk.named(query, "area", 4)
    if areas:
        statements.append(say(f"提及较多的地点为{wording.counted(areas, '条')}。"))
    yield Paragraph(statements=tuple(statements))
    rows = [(words.topic_name(desk.office, t), n, bad.get(t, 0), before.get(t, 0)) for t, n in topics]
    yield Table(
        caption="专题分布",
        columns=("专题", "信息量（条）", "负面（条）", f"{window.before_name}{'' if window.whole else '同期'}（条）"),
        rows=tuple(rows),
    )
    yield Note(text="一条信息可同时属于多个专题，各专题之和可能大于总量。")


def seen(desk: Desk, window: Window) -> Iterator[Block]:
    """采集覆盖情况: what was looked at and what was not, so that silence is never read as calm."""
    yield Heading(text="采集覆盖情况")
    hours = [h for h in desk.tx.frontier.hours(None, window.until - HISTORY) if h.hour < window.until]
    by_source: dict[str, list[SourceHour]] = {}
    for hour in hours:
        by_source.setdefault(hour.source, []).append(hour)
    enabled = [s for s in desk.office.sources.values() if s.enabled]
    rows = [one(s, by_source.get(s.id, []), window.until) for s in enabled]
    bad = [row for row in rows if row.state in TROUBLED]
    yield Paragraph(statements=tuple(_coverage(desk, window, enabled, [row.source for row in bad])))
    if bad:
        yield Table(
            caption=f"异常信源（{desk.hour(window.until)}状态）",
            columns=("信源", "状态", "24小时采集（次）", "24小时出错（次）", "最近新增", "情况说明"),
            rows=tuple(
                (
                    row.source.name,
                    words.SOURCE_STATE[row.state],
                    row.polled,
                    row.errors,
                    desk.stamp(row.last_new),
                    wording.cut(row.reason, 40),
                )
                for row in bad[:SOURCES_NAMED]
            ),
            widths=(3, 1.2, 1.4, 1.4, 2.2, 3),
        )


def _coverage(desk: Desk, window: Window, enabled: list[Source], bad: list[Source]) -> Iterator[Statement]:
    if not enabled:
        yield say("本单位尚未启用信源，本报告只反映导入和推送的信息。", Evidence(what="信源", count=0))
    elif not bad:
        yield say(
            f"已启用信源{len(enabled)}个，截至{desk.hour(window.until)}均未发现异常。",
            Evidence(what="信源", count=len(enabled), ids=tuple(s.id for s in enabled[:100])),
        )
    else:
        named = "、".join(s.name for s in bad[:SOURCES_NAMED]) + ("等" if len(bad) > SOURCES_NAMED else "")
        yield say(
            f"已启用信源{len(enabled)}个，截至{desk.hour(window.until)}有{len(bad)}个未正常采集：{named}。"
            "上述信源这一时段的信息可能未采集到，本报告有关数字不含这部分。",
            Evidence(what="信源", count=len(bad), ids=tuple(s.id for s in bad[:100])),
        )
    waiting, parked = desk.tx.intake.waiting(), len(desk.tx.intake.parked(1000))
    if waiting or parked:
        yield say(f"成稿时另有{waiting}条信息等待研判、{parked}条无法处理，未计入。")
