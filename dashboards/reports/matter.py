"""One event for a 专报 or a 风险评估: what is known of it, each part with its evidence."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from alerts.before_after import judge
from alerts.replies import Question, open_questions
from alerts.transitions import FINAL, STATE_NAMES
from dashboards import words
from dashboards.charts import padded, step_of
from dashboards.reports import wording
from dashboards.reports.case import Case
from dashboards.reports.desk import Desk, of_tasks
from dashboards.reports.tree import Block, Evidence, Figure, Heading, Note, Paragraph, Statement, Table, para, say
from storage.ports import Bucket, DocumentQuery
from storage.types import Event, Reply, Task

#: documents read for questions and quotations
READ = 2000
QUOTED = 3
ROWS = 60


def known(desk: Desk, case: Case) -> Iterator[Block]:
    """基本情况."""
    event, office = case.event, desk.office
    yield Heading(text="基本情况")
    first = [f"{desk.hour(event.first_at)}，有关“{wording.cut(event.title, 60)}”的信息首次公开出现，"]
    if event.occurred_at is not None:
        first.insert(0, f"据人工登记，事情发生于{desk.hour(event.occurred_at)}。")
    first.append(f"系统于{desk.hour(event.detected_at)}发现。")
    place = f"涉及{words.place_name(office, event.area)}，" if event.area else "地点尚不明确，"
    units = "、".join(desk.unit(d) for d in event.departments) or "尚未确定"
    voices = len({m.author or m.document for m in desk.tx.events.members(event.id)})
    yield para(
        "".join(first),
        f"{place}属“{words.topic_name(office, event.topic)}”，责任单位为{units}。",
        _size(desk, case),
        *([f"按发布账号去重约{voices}个（以不可还原的编码计数）。"] if voices else []),
        f"当前舆情等级为{desk.level(event.level)}{_pinned(event)}。{_grades(event)}",
    )
    if marks := [words.FLAG[f] for f in event.flags if f in words.FLAG]:
        yield para(f"系统标记：{'、'.join(marks)}。上述标记由文字规则得出，是否属实以核查为准。")


def _size(desk: Desk, case: Case) -> Statement:
    said = desk.said(case.query, f"事件编号{case.event.id}")
    when = f"截至{desk.hour(desk.now)}，"
    if not case.total:
        return say(f"{when}文档库中没有本事件的信息，可能已到保存期限；曾记录{case.event.documents}条。", said)
    text = f"{when}共有相关信息{case.total}条，其中负面{case.negative}条，占{wording.share(case.negative, case.total)}"
    return say(f"{text}；最近一条为{desk.hour(case.event.last_at)}。", said)


def _pinned(event: Event) -> str:
    return "（人工定级）" if event.pinned_level is not None else ""


def _grades(event: Event) -> str:
    parts = [f"{name}为{value}" for name, value in
             (("事件等级", event.incident_grade), ("预警级别", event.warning_colour)) if value]  # fmt: skip
    return "，".join(parts) + "（人工标注）。" if parts else ""


def course(desk: Desk, case: Case) -> Iterator[Block]:
    """舆情走势: the trend with its marks, the peak, the platforms, the changes of level."""
    yield Heading(text="舆情走势")
    if not case.total:
        yield para("文档库中没有本事件的信息（可能已到保存期限），不能说明走势。")
    else:
        yield from _trend(desk, case)
        kinds = desk.documents.facets(case.query, "kind", size=len(words.KIND))
        bad = dict(desk.documents.facets(
            DocumentQuery(filters={"event": [case.event.id], "sentiment": ["negative"]}), "kind", size=20))  # fmt: skip
        yield Table(
            caption="信息来源分布",
            columns=("来源类型", "信息量（条）", "负面（条）", "负面占比"),
            rows=tuple((words.KIND.get(k, k), n, bad.get(k, 0), wording.share(bad.get(k, 0), n)) for k, n in kinds),
        )
    yield from level_table(desk, case)


def level_table(desk: Desk, case: Case) -> Iterator[Block]:
    if not case.changes:
        yield para("本事件没有等级变化记录。")
        return
    rows = tuple(
        (desk.stamp(c.at), desk.level(c.before), desk.level(c.after), round(c.score, 1),
         words.CAUSE[c.cause], "；".join(r.text for r in c.reasons) or "—")
        for c in case.changes[-ROWS:]
    )  # fmt: skip
    yield Table(
        caption="等级变化",
        columns=("时间", "原等级", "现等级", "得分", "原因", "说明"),
        rows=rows,
        widths=(2.1, 2.1, 2.1, 0.9, 1.6, 2.6),
    )


def hourly(desk: Desk, case: Case) -> tuple[list[Bucket], bool]:
    """The event's volume, by hour for at most three days, else by day (True)."""
    days = case.event.last_at - case.event.first_at > timedelta(days=3)
    found = desk.documents.histogram(case.query, step="day" if days else "hour", timezone=desk.office.timezone)
    if not found:
        return [], days
    step = timedelta(days=1) if days else timedelta(hours=1)
    return padded(found, found[0].start, max(found[-1].start, min(desk.now, found[-1].start + 6 * step)), step), days


def _trend(desk: Desk, case: Case) -> Iterator[Block]:
    buckets, days = hourly(desk, case)
    peak = max(buckets, key=lambda b: b.count)
    when = f"{peak.start.month}月{peak.start.day}日" + ("" if days else f"{peak.start.hour}时")
    yield para(f"信息量在{when}达到最高，{'当日' if days else '一小时内'}{peak.count}条，其中负面{peak.negative}条。")
    starts = [b.start for b in buckets]
    marks = [(step_of(c.at, starts), desk.word(c.after) if c.after else "撤销") for c in case.changes]
    marks += [(step_of(r.published_at, starts), "回应") for r in case.published if r.published_at]
    shape = "%m-%d" if days else "%d日%H时"
    yield Figure(
        caption=f"信息量走势（按{'日' if days else '小时'}）",
        kind="bar",
        labels=tuple(f"{b.start:{shape}}" for b in buckets),
        series=(
            ("负面", tuple(float(b.negative) for b in buckets)),
            ("其他", tuple(float(b.count - b.negative) for b in buckets)),
        ),
        marks=tuple((at, text) for at, text in marks if at is not None),
    )


def questions_of(desk: Desk, case: Case) -> list[Question]:
    page = desk.documents.search(DocumentQuery(filters={"event": [case.event.id]}, duplicates=False), size=READ)
    return open_questions(row.document.text for row in page.rows)


def concerns(desk: Desk, case: Case, asked: Sequence[Question]) -> Iterator[Block]:
    """公众关切: the questions most people ask, what kind of wish they have, some words of theirs."""
    yield Heading(text="公众关切")
    statements: list[Statement] = []
    kinds = [(n, c) for n, c in desk.named(case.query, "text_kind", 9) if n != words.TEXT_KIND["other"]]
    if kinds:
        statements.append(say(f"按诉求类型分，{wording.counted(kinds[:4], '条')}。"))
    if not asked:
        statements.append(say("系统未从信息中识别出明确的提问。"))
    if statements:
        yield Paragraph(statements=tuple(statements))
    if asked:
        yield Table(
            caption="公众提出的问题",
            columns=("问题", "提问（条）"),
            rows=tuple((wording.cut(q.text, 80), q.asked) for q in asked),
            widths=(5, 1.2),
        )
        yield Note(text="相同或相近的提问归为一个；内容重复的信息只计一条。")
    yield from _quotes(desk, case)


def _quotes(desk: Desk, case: Case) -> Iterator[Block]:
    bad = DocumentQuery(filters={"event": [case.event.id], "sentiment": ["negative"]}, duplicates=False, sort="oldest")
    rows = desk.documents.search(bad, size=QUOTED).rows
    if not rows:
        return
    said = tuple(
        say(
            f"“{wording.cut(row.document.text, 90)}”（{words.KIND[row.document.kind]}，{desk.hour(row.document.at)}）"
            + ("；" if n < len(rows) - 1 else "。"),
            Evidence(what="信息", count=1, ids=(row.document.id,)),
        )
        for n, row in enumerate(rows)
    )
    yield para(say("较早的反映有："), *said)
    yield Note(text="摘录已隐去个人信息，未经核实，不代表事实认定。")


def answers(desk: Desk, case: Case) -> Iterator[Block]:
    """处置情况: the tasks, the clocks, the published answers and whether the talk changed."""
    yield Heading(text="处置情况")
    if not case.tasks:
        yield para(say("本事件尚未交办任务。", of_tasks([])))
        return
    done = [t for t in case.tasks if t.state in FINAL]
    yield para(
        say(
            f"已交办任务{len(case.tasks)}件，{f'办结或并入{len(done)}件' if done else '尚未办结'}。",
            of_tasks(case.tasks),
        ),
        *(_answered(desk, case)),
    )
    yield Table(
        caption="任务情况",
        columns=("单位", "职责", "状态", "交办时间", "签收时间", "派单依据"),
        rows=tuple(
            (desk.unit(t.department), words.TASK_ROLE[t.role], STATE_NAMES[t.state],
             desk.stamp(t.dispatched_at), desk.stamp(t.signed_at), wording.cut(_why(t), 40))
            for t in case.tasks
        ),
        widths=(2, 0.9, 1.6, 1.9, 1.9, 2.6),
    )  # fmt: skip
    yield from clocks(desk, case)


def _why(task: Task) -> str:
    """The rule by which the unit was chosen; the path through the routing list is for the ledger."""
    own = [r.text for r in task.reasons if r.code == f"route.{task.rule}"]
    others = [r.text for r in task.reasons if r.code != "route.path"]
    text = next(iter([*own, *others]), "")
    return text if text.startswith(task.rule) else f"{task.rule}：{text}".rstrip("：")


def _answered(desk: Desk, case: Case) -> Iterator[Statement]:
    if not case.published:
        yield say("尚未发布答复。", Evidence(what="答复", count=0))
        return
    ids = tuple(r.id for r in case.published[:100])
    first = case.published[0]
    where = f"，渠道为{first.channel}" if first.channel else ""
    text = f"已发布答复{len(case.published)}件，首次发布于{desk.hour(first.published_at)}{where}。"
    yield say(text, Evidence(what="答复", count=len(ids), ids=ids))
    yield say(_effect(desk, case, first))


def _effect(desk: Desk, case: Case, first: Reply) -> str:
    """Never a claim of success: an interrupted time series, or 「无法判断」 and why."""
    found = desk.documents.histogram(case.query, step="hour", timezone=desk.office.timezone)
    if not found or first.published_at is None:
        return "无法判断回应前后的变化：没有可用的信息量数据。"
    buckets = padded(found, found[0].start, desk.local(desk.now) - timedelta(hours=1), timedelta(hours=1))
    others = [r.published_at for r in case.published[1:] if r.published_at]
    others += [c.at for c in case.changes if c.after > c.before]
    effect = judge([b.count for b in buckets], buckets[0].start, desk.local(first.published_at), other_shocks=others)
    return effect.text if effect.verdict == "无法判断" else f"{effect.text}{wording.closed(effect.reasons[0])}"


def clocks(desk: Desk, case: Case) -> Iterator[Block]:
    rows = [(t, d) for t in case.tasks for d in t.deadlines]
    if not rows:
        return
    rows.sort(key=lambda row: (row[1].due_at, row[0].id))
    yield Table(
        caption="时限情况",
        columns=("单位", "环节", "性质", "依据", "时限", "情况"),
        rows=tuple(
            (words.department_name(desk.office, t.department), words.STEP.get(d.step, d.step),
             words.DEADLINE_KIND[d.kind], d.basis, desk.stamp(d.due_at), standing(desk, t, d.due_at, d.met_at))
            for t, d in rows[:ROWS]
        ),
        widths=(1.5, 0.9, 1.4, 2.7, 2.4, 2.2),
    )  # fmt: skip


def standing(desk: Desk, task: Task, due: datetime, met: datetime | None) -> str:
    if met is not None:
        return "按时完成" if met <= due else f"超期{words.span((met - due).total_seconds())}完成"
    return "任务已结束" if task.state in FINAL else words.remaining(due, desk.now)
