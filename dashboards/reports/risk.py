"""研判 of one event: the score term by term, what holds the level, what would move it, what is not known."""

from collections.abc import Iterator, Sequence

from alerts.replies import Question
from alerts.transitions import FINAL
from dashboards import words
from dashboards.reports import wording
from dashboards.reports.case import Case
from dashboards.reports.desk import Desk, of_tasks
from dashboards.reports.tree import Block, Evidence, Heading, Note, Table, para, say
from storage.types import Event, Risk


def graded(desk: Desk, case: Case) -> Iterator[Block]:
    """风险研判: level, score and reasons."""
    event, risk = case.event, case.event.risk
    yield Heading(text="风险研判")
    if risk is None:
        yield para(f"本事件当前等级为{desk.level(event.level)}，系统尚未评分，不作研判。")
        return
    score = f"系统评分{risk.score:.0f}分（满分100分），当前等级为{desk.level(event.level)}。"
    yield para(score, *_pinned(desk, event), *([wording.closed(risk.sentence)] if risk.sentence else []))
    for reason in risk.reasons:
        ids = reason.evidence[:100]
        said = Evidence(what="信息", count=len(reason.evidence), ids=ids) if ids else None
        yield para(say(wording.closed(reason.text), said))


def _pinned(desk: Desk, event: Event) -> list[str]:
    if event.pinned_level is None:
        return []
    return [f"该等级由人工确定为{desk.level(event.pinned_level)}，在撤销前以人工定级为准。"]


def terms(risk: Risk) -> Iterator[Block]:
    """The score, term by term."""
    yield Table(
        caption="评分构成",
        columns=("因素", "权重", "取值", "得分", "说明"),
        rows=tuple(
            (f.name, f"{f.weight:.2f}", "缺" if f.x is None else f"{f.x:.2f}", round(f.points, 1), f.text)
            for f in risk.factors
        ),
        widths=(1.2, 0.8, 0.8, 0.8, 4.5),
    )
    if missing := [f.name for f in risk.factors if f.x is None]:
        yield Note(text=f"缺少{'、'.join(missing)}的数据，该项不计分，其余各项按比例重新折算，得分的把握相应降低。")


def moves(desk: Desk, case: Case) -> Iterator[Block]:
    """等级变动条件: from the office's own thresholds, no forecast."""
    event, office, risk = case.event, desk.office, case.event.risk
    yield Heading(text="等级变动条件")
    if risk is None:
        yield para("系统尚未评分，不能给出变动条件。")
        return
    statements = [_rise(desk, event, risk), _fall(desk, event, risk)]
    if event.pinned_level is not None:
        statements = ["人工定级未撤销前，评分变化不改变等级。"]
    yield para(*statements)
    yield Table(
        caption="本单位等级门槛",
        columns=("等级", "门槛（分）", "签收时限", "内部回应时限"),
        rows=tuple(
            (r.name, r.threshold, _minutes(r.sign_minutes, r.sign_workhours), f"{r.reply_hours:g}小时")
            for r in reversed(office.levels)
        ),
    )


def _rise(desk: Desk, event: Event, risk: Risk) -> str:
    """`alerts.levels`: so many evaluations in a row, or at once far above; a cap holds."""
    office, level = desk.office, desk.rank(event.level)
    if level >= len(office.levels):
        return "当前已是最高等级。"
    higher = office.levels[level]
    if risk.cap is not None and risk.cap <= level:
        return "受封顶规则约束，仅凭评分不再上调。"
    limit, fast = higher.threshold, higher.threshold + office.risk.fast_margin
    rule = f"连续{office.risk.up_evaluations}次评估达到{limit:g}分的，升为{higher.name}；达到{fast:g}分的，立即上调。"
    if risk.score >= limit:
        return f"现有评分已达到{higher.name}的门槛。{rule}"
    return f"现有评分距{higher.name}的门槛还差{limit - risk.score:.0f}分。{rule}"


def _fall(desk: Desk, event: Event, risk: Risk) -> str:
    office, level = desk.office, desk.rank(event.level)
    own = office.rule(level)
    if own is None:
        return ""
    if level == len(office.levels):
        return "最高等级不自动下调，须由人工决定。"
    if risk.floor is not None and risk.floor >= level:
        return "有底线规则约束，评分降低时也不自动下调。"
    return f"连续{office.risk.down_evaluations}次评估低于{own.threshold - office.risk.down_margin:g}分的，下调一级。"


def _minutes(minutes: float, work: bool) -> str:
    text = f"{minutes / 60:g}小时" if minutes >= 60 and minutes % 60 == 0 else f"{minutes:g}分钟"
    return f"{text}（工作时间）" if work else text


def hints(desk: Desk, case: Case, asked: Sequence[Question]) -> Iterator[Block]:
    """工作提示: only what follows from clocks, states and questions; no advice of our own."""
    yield Heading(text="工作提示")
    alive = [t for t in case.tasks if t.state not in FINAL]
    statements = []
    over = [(t, d) for t in alive for d in t.deadlines if d.met_at is None and d.due_at < desk.now]
    ahead = sorted(
        ((d.due_at, t, d) for t in alive for d in t.deadlines if d.met_at is None and d.due_at >= desk.now),
        key=lambda row: (row[0], row[1].id),
    )
    if over:
        tasks = list({t.id: t for t, _ in over}.values())
        units = "、".join(dict.fromkeys(desk.unit(t.department) for t in tasks))
        steps = "、".join(dict.fromkeys(words.STEP.get(d.step, d.step) for _, d in over))
        statements.append(say(f"{units}的{steps}已超过时限，请督促办理。", of_tasks(tasks)))
    if ahead:
        due, task, clock = ahead[0]
        step = words.STEP.get(clock.step, clock.step)
        statements.append(
            say(
                f"最近的时限为{desk.unit(task.department)}的{step}，{desk.hour(due)}到期（{clock.basis}）。",
                of_tasks([task]),
            )
        )
    if asked and not case.published:
        statements.append(say(f"起草答复时，请逐一回答上列{len(asked)}个问题。"))
    elif asked:
        statements.append(say("请核对已发布的答复是否回答了上列问题。"))
    if not case.tasks and case.event.level:
        statements.append(say("本事件已定级但尚未交办，请核对派单。"))
    if not statements:
        statements.append(say("没有到期或待办的时限。"))
    yield para(*statements)
    yield Note(text="本节由任务状态和时限推出，供参考，不代替研判会商意见。")


def limits(desk: Desk, case: Case) -> Iterator[Block]:
    """评估局限: what these figures cannot say."""
    yield Heading(text="评估局限")
    yield para(
        "评估只依据系统采集到的公开信息和导入的来信来电，未采集到的不在其内。",
        "情感、专题、地点由模型和规则判定，可能有误，可在系统中更正。",
        "信息量多不等于事实成立，信息量少也不等于没有问题。",
        "舆情等级、事件等级、预警级别分别确定，互不换算。",
    )
    sources = len({m.source for m in desk.tx.events.members(case.event.id)})
    if sources == 1:
        yield para("本事件的信息全部来自一个信源，尚无其他来源印证。")
