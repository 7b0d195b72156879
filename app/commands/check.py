"""`check` and `route`: what the configuration means, before it is live."""

import sys
from typing import Annotated

import orjson
import typer
from rich.table import Table

from alerts.explain import example_clocks, explain
from alerts.routing import Facts, Routing, lint, route
from app import clock
from app.config.crosscheck import nearest
from app.console import FAILED, USAGE, ConfigOption, JsonOption, err, fail, out, read_config
from storage.types import Deadline, Office


def register(app: typer.Typer) -> None:
    app.command("check")(check)
    app.command("route")(explain_route)


def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """检查配置：文件、键、编号、规则、路由是否都能用。"""
    loaded = read_config(config)
    office = loaded.office
    warnings = lint(office)
    counts = {
        "levels": len(office.levels),
        "departments": len(office.departments),
        "topics": len(office.topics),
        "places": len(office.places),
        "routes": len(office.routes),
        "limits": len(office.limits),
        "sources": len(office.sources),
        "sources_enabled": sum(s.enabled for s in office.sources.values()),
        "channels": len(office.channels),
    }
    if as_json:
        emit({"ok": not warnings, "version": office.version, "counts": counts, "problems": warnings})
    else:
        _print_check(office, counts, warnings)
    if warnings:
        raise typer.Exit(FAILED)


def _print_check(office: Office, counts: dict[str, int], warnings: list[str]) -> None:
    names = {
        "levels": "等级", "departments": "单位", "topics": "专题", "places": "地点", "routes": "路由",
        "limits": "时限", "sources": "信源", "sources_enabled": "启用的信源", "channels": "通道",
    }  # fmt: skip
    out.print(f"{office.name}  配置版本 {office.version}")
    out.print("  ".join(f"{names[key]} {value}" for key, value in counts.items()))
    for warning in warnings:
        err.print(f"  · {warning}")
    out.print("配置可以使用。" if not warnings else f"路由等有 {len(warnings)} 处问题，请先改正。")


def emit(data: object) -> None:
    """One JSON line on standard output."""
    sys.stdout.write(orjson.dumps(data).decode() + "\n")


def by_id_or_name(word: str, known: dict[str, str], what: str) -> str:
    """The id for an id or a Chinese name; exit 2 names the nearest."""
    if word in known:
        return word
    for key, name in known.items():
        if word == name:
            return key
    fail(f"没有{what} {word!r}；{nearest(word, [*known, *known.values()])}", USAGE)
    return None


def explain_route(
    topic: Annotated[str, typer.Option("--topic", help="专题的编号或名称")],
    level: Annotated[str, typer.Option("--level", help="等级的编号或名称，如 orange")],
    area: Annotated[str | None, typer.Option("--area", help="地点的编号或名称")] = None,
    kind: Annotated[str, typer.Option("--kind", help="文档种类，如 hotline")] = "forum",
    flags: Annotated[list[str] | None, typer.Option("--flag", help="敏感标记，可写多次")] = None,
    grade: Annotated[str | None, typer.Option("--grade", help="事件等级：特别重大、重大、较大、一般")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """说明一件事会交给谁、为什么、什么时限（不写入任何数据）。"""
    office = read_config(config).office
    facts = Facts(
        event="",
        level=_level(level, office),
        topic=by_id_or_name(topic, {t.id: t.name for t in office.topics.values()}, "专题"),
        area=by_id_or_name(area, {p.id: p.name for p in office.places.values()}, "地点") if area else None,
        departments=(),
        kinds=(kind,),
        flags=tuple(flags or ()),
        incident_grade=grade,
        text_kind="other",
    )
    now = clock.now()
    if as_json:
        emit(explain(facts, office, now))
        return
    routing = route(facts, office)
    _print_route(routing, example_clocks(facts, routing, office, now), office)


def _level(word: str, office: Office) -> int:
    names = {rule.id: rule.name for rule in office.levels}
    words = {rule.word: rule.id for rule in office.levels}
    return office.level(words.get(word) or by_id_or_name(word, names, "等级"))


def _print_route(routing: Routing, limits: tuple[Deadline, ...], office: Office) -> None:
    if routing.lead:
        out.print(f"牵头单位：{office.departments[routing.lead].name}")
    if routing.support:
        out.print(f"协办单位：{'、'.join(office.departments[u].name for u in routing.support)}")
    out.print(f"适用规则：{routing.rule}" + ("（需人工确认派单）" if routing.confirm else ""))
    for reason in routing.reasons:
        out.print(f"  · {reason.text}")
    table = Table("步骤", "性质", "时限", "依据", box=None, pad_edge=False)
    kinds = {"statutory": "法定", "local": "地方", "internal": "内部"}
    for limit in limits:
        span = f"{limit.hours:g} 小时" if limit.hours is not None else f"{limit.workdays:g} 个工作日"
        table.add_row(limit.text or limit.step, kinds[limit.kind], span, limit.basis)
    out.print(table)
