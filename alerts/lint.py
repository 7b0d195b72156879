"""`minsheng check` for alerts: what in the configuration can never work, said in Chinese with its place.

The loader has checked types and keys; here ids are looked up and the routing list is read as a whole.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from alerts.catalogue import lineage
from alerts.channels import channel_problem
from analysis.flags import OF_A_TEXT
from storage.types import LevelRule, LimitRule, Office, Recipient, Route, RouteMatch

#: messages of one alert are gathered this long; a repeat interval must be a multiple (RESPONSE_RULES 2.7)
GROUP_INTERVAL_MINUTES = 10.0
_RULES = ("", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8")
_SYMBOLS = ("@catalogue", "@place")


def lint(office: Office) -> list[str]:
    """Every mistake, in the order of the files; empty when the configuration can work."""
    return [
        *_levels(office),
        *_departments(office),
        *_topics(office),
        *_routes(office),
        *_limits(office.limits, office),
        *_posts(office),
        *_channel_tables(office),
    ]


def _levels(office: Office) -> Iterator[str]:
    if not 2 <= len(office.levels) <= 5:
        yield f"office.toml [[levels]]：应有 2 至 5 个等级，现有 {len(office.levels)} 个"
    for low, high in pairwise(office.levels):
        if low.threshold >= high.threshold:
            yield f"office.toml [[levels]] {high.id}：分数线 {high.threshold:g} 应高于 {low.id} 的 {low.threshold:g}"
    for rule in office.levels:
        yield from _level(rule, office)


def _level(rule: LevelRule, office: Office) -> Iterator[str]:
    where = f"office.toml [[levels]] {rule.id}"
    if rule.repeat_minutes <= 0 or rule.repeat_minutes % GROUP_INTERVAL_MINUTES:
        yield f"{where}：重复提醒间隔 {rule.repeat_minutes:g} 分钟应为 {GROUP_INTERVAL_MINUTES:g} 分钟的整数倍"
    for minutes, post in rule.escalation:
        if post not in office.recipients:
            yield f"{where}：{minutes:g} 分钟未签收应告知的“{post}”不在 [[recipients]] 中"
    if any(not 0 < percent < 100 for percent in rule.reminders):
        yield f"{where}：提醒点应为 1 至 99 的百分数，现为 {rule.reminders}"


def _departments(office: Office) -> Iterator[str]:
    for unit in office.departments.values():
        where = f"departments.toml {unit.id}"
        if unit.superior is not None and unit.superior not in office.departments:
            yield f"{where}：上级单位“{unit.superior}”不存在"
        if unit.area is not None and unit.area not in office.places:
            yield f"{where}：辖区“{unit.area}”不在 places.toml 中"
        yield from _channels(where, unit.channels, office)
        if not unit.channels:
            yield f"{where}：没有通知渠道，消息将只发到值班岗位“{office.duty_post}”"


def _channels(where: str, channels: Sequence[str], office: Office) -> Iterator[str]:
    for channel in channels:
        if channel not in office.channels:
            yield f"{where}：通知渠道“{channel}”没有在 office.toml [channels] 中配置"


def _topics(office: Office) -> Iterator[str]:
    for topic in office.topics.values():
        lists = [("departments", topic.departments), *((f"rules“{r.when}”", r.departments) for r in topic.rules)]
        for what, ids in lists:
            for unknown in (i for i in ids if i not in office.departments):
                yield f"topics.toml {topic.id}：{what} 中的单位“{unknown}”不存在"
        for empty in (r for r in topic.rules if not r.departments):
            yield f"topics.toml {topic.id}：rules“{empty.when}”没有写责任单位"


def _routes(office: Office) -> Iterator[str]:
    for index, row in enumerate(office.routes):
        yield from _route(row, office)
        above = next((r for r in office.routes[:index] if not r.go_on and covers(r.match, row.match, office)), None)
        if above is not None:
            yield f"routing.toml {row.id}：永远用不到，前面的“{above.id}”已包含它的全部情形；请调整顺序或条件"
    ids = [r.id for r in office.routes]
    for twice in sorted({i for i in ids if ids.count(i) > 1}):
        yield f"routing.toml {twice}：编号重复"
    last = office.routes[-1] if office.routes else None
    if last is None or last.match != RouteMatch() or last.go_on:
        yield "routing.toml：缺少默认规则；最后一条应不带条件、不带 go_on，保证任何事件都有单位接收"


def _route(row: Route, office: Office) -> Iterator[str]:
    where, match = f"routing.toml {row.id}", row.match
    known = {
        "主题": (match.topics, office.topics),
        "单位": (
            (*match.departments, *(i for i in (row.lead, *row.support, *row.copies) if i and i not in _SYMBOLS)),
            {**office.departments},
        ),
        "区域": (match.areas, office.places),
    }
    for what, (ids, table) in known.items():
        for unknown in (i for i in ids if i not in table):
            yield f"{where}：{what}“{unknown}”不存在"
    for flag in (f for f in match.flags if f.startswith(OF_A_TEXT)):
        yield f"{where}：标记“{flag}”只属于单条信息，事件不会带有，按它派单永远不会发生"
    yield from _channels(where, row.channels, office)
    if row.rule not in _RULES:
        yield f"{where}：规则“{row.rule}”应为 R1 至 R8"
    yield from _level_range(where, match, office)


def _level_range(where: str, match: RouteMatch, office: Office) -> Iterator[str]:
    ranks = {rule.id: rank for rank, rule in enumerate(office.levels, 1)}
    bounds = [level for level in (match.level_from, match.level_to) if level is not None]
    for level in bounds:
        if level not in ranks:
            yield f"{where}：等级“{level}”不存在，可用：{'、'.join(ranks)}"
    if len(bounds) == 2 and all(b in ranks for b in bounds) and ranks[bounds[0]] > ranks[bounds[1]]:
        yield f"{where}：level_from 高于 level_to，永远不会匹配"


def covers(wide: RouteMatch, narrow: RouteMatch, office: Office) -> bool:
    """Whether everything that `narrow` matches is matched by `wide` already."""
    pairs = (
        (wide.topics, narrow.topics),
        (wide.departments, narrow.departments),
        (wide.kinds, narrow.kinds),
        (wide.flags, narrow.flags),
    )
    sets = all(not w or (n and set(n) <= set(w)) for w, n in pairs)
    areas = not wide.areas or (
        bool(narrow.areas) and all(set(lineage(a, office)) & set(wide.areas) for a in narrow.areas)
    )
    ranks = {rule.id: rank for rank, rule in enumerate(office.levels, 1)}
    lows = ranks.get(wide.level_from or "", 0) <= ranks.get(narrow.level_from or "", 0)
    top = len(ranks)
    return sets and areas and lows and ranks.get(wide.level_to or "", top) >= ranks.get(narrow.level_to or "", top)


def _limits(limits: Sequence[LimitRule], office: Office) -> Iterator[str]:
    for row in limits:
        where = f"office.toml [[limits]] {row.id}"
        if (row.hours is None) == (row.workdays is None):
            yield f"{where}：hours 与 workdays 应且只应填一个"
        if row.level_from is not None and row.level_from not in {r.id for r in office.levels}:
            yield f"{where}：等级“{row.level_from}”不存在"
        if row.kind == "statutory" and not row.basis:
            yield f"{where}：法定时限必须写明文件依据"


def _channel_tables(office: Office) -> Iterator[str]:
    for name, table in office.channels.items():
        problem = channel_problem(table, lambda: datetime.min)  # noqa: DTZ901 - nothing is sent, no moment is needed
        if problem is not None:
            yield f"office.toml [channels.{name}]：{problem}"


def _posts(office: Office) -> Iterator[str]:
    for rule in office.levels:
        told = {post for _, post in rule.escalation}
        for unheard in (p for p in rule.acknowledge if p not in told):
            yield f"office.toml [[levels]] {rule.id}：acknowledge 中的“{unheard}”不在 escalation 中，不会被告知"
    if office.duty_post not in office.recipients:
        yield f"office.toml：值班岗位 duty_post“{office.duty_post}”不在 [[recipients]] 中"
    post: Recipient
    for post in office.recipients.values():
        yield from _channels(f"office.toml [[recipients]] {post.id}", post.channels, office)
        if not post.channels:
            yield f"office.toml [[recipients]] {post.id}：没有通知渠道"
    for shift in office.duty:
        if shift.post not in office.recipients:
            yield f"office.toml [[duty]]：岗位“{shift.post}”不在 [[recipients]] 中"
        if shift.start >= shift.end:
            yield f"office.toml [[duty]] {shift.post} {shift.user}：开始时间应早于结束时间"
