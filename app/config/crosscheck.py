"""Checks that need more than one table: every id that is named must exist, every rule must be readable."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import pairwise
from typing import get_args

from analysis.bursts import FALSE_ALARMS
from analysis.keywords import RANKINGS
from analysis.risk_factors import FACTORS
from analysis.risk_limits import CAPS, FLOORS
from analysis.risk_weights import consistency, weights
from analysis.sentiment import SCORERS
from app.config.problems import Problem
from dashboards.reports.template import faults
from storage.query import QuerySyntaxError, parse
from storage.types import Office, RiskSettings, Role

COHERENT = 0.1  #: consistency ratio of pairwise comparisons below which they may be used (Saaty 1980)
OFF_BY = 0.02  #: a weight may differ from what the comparisons say by rounding


def crosscheck(office: Office) -> list[Problem]:
    """Every fault between the tables of an office; [] when it can go live."""
    checks = (_levels, _departments, _topics, _places, _people, _risk, _sources, _reports, _login, _reading)
    return [problem for check in checks for problem in check(office)]


def _missing(file: str, place: str, what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Problem]:
    known = list(known)
    for name in names:
        if name not in known:
            yield Problem(file=file, place=place, text=f"没有{what} {name!r}；{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """「是不是 x？」 where one id is close, else the known ids (at most twelve)."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"是不是 {close[0]!r}？"
    return f"已有：{'、'.join(names[:12])}{' 等' if len(names) > 12 else ''}"


def _levels(office: Office) -> Iterator[Problem]:
    levels = office.levels
    if not 2 <= len(levels) <= 5:
        yield Problem(file="office.toml", place="[[levels]]", text=f"等级应为 2 至 5 级，现在有 {len(levels)} 级")
    for low, high in pairwise(levels):
        if low.threshold >= high.threshold:
            yield Problem(
                file="office.toml",
                place=f"[[levels]]（{high.id}）threshold",
                text=f"等级由低到高排列，阈值应高于 {low.id} 的 {low.threshold:g}，现在是 {high.threshold:g}",
            )
    for rule in levels:
        posts = [post for _, post in rule.escalation]
        yield from _missing("office.toml", f"[[levels]]（{rule.id}）escalation", "岗位", posts, office.recipients)
    ids = [rule.id for rule in levels]
    for limit in office.limits:
        if limit.level_from:
            yield from _missing("office.toml", f"[[limits]]（{limit.id}）level_from", "等级", [limit.level_from], ids)
        if (limit.hours is None) == (limit.workdays is None):
            yield Problem(
                file="office.toml", place=f"[[limits]]（{limit.id}）", text="hours 和 workdays 应填且只填一项"
            )


def _reading(office: Office) -> Iterator[Problem]:
    yield from _missing("office.toml", "[office] scorer", "情感判别", [office.scorer], SCORERS)
    yield from _missing("office.toml", "[office] keywords", "关键词算法", [office.keywords], RANKINGS)


def _login(office: Office) -> Iterator[Problem]:
    login = office.login
    if login.header and not login.proxies:
        yield Problem(
            file="office.toml",
            place="[login] proxies",
            text="启用了 header 登录，必须写明可信代理的地址，否则谁都能冒名",
        )
    if login.oidc is None:
        return
    place = "[login.oidc]"
    yield from _missing("office.toml", f"{place} roles", "角色", login.oidc.roles.values(), get_args(Role))
    yield from _missing(
        "office.toml", f"{place} departments", "单位", login.oidc.departments.values(), office.departments
    )
    if login.oidc.create and not login.oidc.role_claim:
        yield Problem(file="office.toml", place=f"{place} create", text="自动开户须同时设置 role_claim 和 roles")


def _departments(office: Office) -> Iterator[Problem]:
    for unit in office.departments.values():
        place = f"[[departments]]（{unit.id}）"
        yield from _missing("departments.toml", f"{place}channels", "通道", unit.channels, office.channels)
        if unit.area:
            yield from _missing("departments.toml", f"{place}area", "地点", [unit.area], office.places)
        if unit.superior:
            yield from _missing("departments.toml", f"{place}superior", "单位", [unit.superior], office.departments)


def _topics(office: Office) -> Iterator[Problem]:
    for topic in office.topics.values():
        place = f"[[topics]]（{topic.id}）"
        units = [*topic.departments, *(u for rule in topic.rules for u in rule.departments)]
        yield from _missing("topics.toml", f"{place}departments", "单位", units, office.departments)
        if topic.parent:
            yield from _missing("topics.toml", f"{place}parent", "专题", [topic.parent], office.topics)
        texts = [("rule", topic.rule), ("exclude", topic.exclude)]
        texts += [(f"rules 第 {n} 条 when", rule.when) for n, rule in enumerate(topic.rules, 1)]
        for name, text in texts:
            if text or name == "rule":
                yield from _syntax("topics.toml", place + name, text)


def _syntax(file: str, place: str, text: str) -> Iterator[Problem]:
    try:
        parse(text)
    except QuerySyntaxError as error:
        yield Problem(file=file, place=place, text=str(error))


def _places(office: Office) -> Iterator[Problem]:
    if office.home not in office.places:
        yield from _missing("office.toml", "[office] home", "地点", [office.home], office.places)
    for place in office.places.values():
        if place.parent:
            yield from _missing("places.toml", f"[[places]]（{place.id}）parent", "地点", [place.parent], office.places)


def _people(office: Office) -> Iterator[Problem]:
    for post in office.recipients.values():
        place = f"[[recipients]]（{post.id}）channels"
        yield from _missing("office.toml", place, "通道", post.channels, office.channels)
    yield from _missing("office.toml", "[office] duty_post", "岗位", [office.duty_post], office.recipients)
    for shift in office.duty:
        yield from _missing("office.toml", "[[duty]] post", "岗位", [shift.post], office.recipients)
        if shift.start >= shift.end:
            yield Problem(file="office.toml", place=f"[[duty]]（{shift.user}）", text="end 应晚于 start")


def _risk(office: Office) -> Iterator[Problem]:
    ids = [rule.id for rule in office.levels]
    yield from _missing("office.toml", "[risk.floors]", "下限", office.risk.floors, FLOORS)
    yield from _missing("office.toml", "[risk.caps]", "上限", office.risk.caps, CAPS)
    yield from _missing("office.toml", "[risk.floors]", "等级", office.risk.floors.values(), ids)
    yield from _missing("office.toml", "[risk.caps]", "等级", office.risk.caps.values(), ids)
    total = sum(office.risk.weights.values())
    if abs(total - 1) > 0.001:
        yield Problem(file="office.toml", place="[risk.weights]", text=f"权重之和应为 1，现在是 {total:.3f}")
    low, high = FALSE_ALARMS
    if not low <= office.risk.burst_false_alarms <= high:
        text = f"每 30 天误报次数应在 {low:g} 至 {high:g} 之间，现在是 {office.risk.burst_false_alarms:g}"
        yield Problem(file="office.toml", place="[risk] burst_false_alarms", text=text)
    if office.risk.comparison:
        text = _incoherent(office.risk)
        if text:
            yield Problem(file="office.toml", place="[risk] comparison", text=text)


def _incoherent(risk: RiskSettings) -> str:
    """What is wrong with the pairwise comparisons or with the weights beside them; "" where all is well."""
    codes = [code for code, _, _ in FACTORS]
    if {len(codes)} != {len(risk.comparison), *map(len, risk.comparison)}:
        return f"判断矩阵应为 {len(codes)} 行、每行 {len(codes)} 个数，行列依次为 {'、'.join(codes)}"
    try:
        ratio, derived = consistency(risk.comparison), weights(risk.comparison)
    except ValueError as error:
        return str(error)
    if ratio >= COHERENT:
        return f"判断矩阵前后不一致，一致性比例 CR 为 {ratio:.3f}，应小于 {COHERENT:g}，请调整两两比较的数值"
    if any(abs(risk.weights.get(c, 0.0) - w) > OFF_BY for c, w in zip(codes, derived, strict=True)):
        shown = "、".join(f"{c} = {w:.2f}" for c, w in zip(codes, derived, strict=True))
        return f"[risk.weights] 与判断矩阵算出的权重不符，应为 {shown}；不用矩阵时请删去 comparison"
    return ""


def _sources(office: Office) -> Iterator[Problem]:
    names = [name for place in office.places.values() for name in (place.name, *place.aliases)]
    for source in office.sources.values():
        if source.area is not None:
            yield from _missing("sources.toml", f"[[sources]]（{source.id}）area", "地名", [source.area], names)
        if not source.url.startswith(("http://", "https://", "file:")):
            yield Problem(
                file="sources.toml",
                place=f"[[sources]]（{source.id}）url",
                text=f"应以 http:// 或 https:// 开头，现在是 {source.url!r}",
            )


def _reports(office: Office) -> Iterator[Problem]:
    for file, place, text in faults(office):
        yield Problem(file=file, place=place, text=text)
