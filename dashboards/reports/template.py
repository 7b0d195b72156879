"""An office's own words for its reports: headings, order, opening, signature. No code, and no way to hide a gap.

config/reports.toml [[reports]] ─→ ReportTemplate ─ shape ─→ the same blocks under the office's headings and order
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import time
from difflib import get_close_matches

from dashboards.reports.tree import KIND_NAMES, Block, Heading, Note, Paragraph, Report, ReportKind, Statement
from storage.types import Office, ReportSettings, ReportTemplate

PERIOD = {
    "overall": "总体情况",
    "matters": "重点事件",
    "topics": "专题与诉求",
    "handling": "处置情况",
    "attention": "需要关注的事项",
    "coverage": "采集覆盖情况",
}
#: kind → its sections as shipped, each with the heading under which it is gathered
SECTIONS: Mapping[ReportKind, Mapping[str, str]] = {
    "daily": PERIOD,
    "weekly": PERIOD,
    "monthly": PERIOD,
    "special": {
        "facts": "基本情况",
        "trend": "舆情走势",
        "concerns": "公众关切",
        "risk": "风险研判",
        "handling": "处置情况",
        "hints": "工作提示",
        "coverage": "采集覆盖情况",
    },
    "risk": {
        "facts": "基本情况",
        "risk": "风险研判",
        "moves": "等级变动条件",
        "trend": "舆情走势",
        "handling": "处置情况",
        "limits": "评估局限",
        "coverage": "采集覆盖情况",
    },
    "ledger": {"facts": "基本情况", "record": "处置全过程", "clocks": "时限情况", "drafts": "答复稿件"},
}
#: what a report must not do without: what was not seen, what the figures cannot say, the record itself
NEEDED = frozenset({"coverage", "limits", "record"})
PLACES = ("单位", "城市", "时段", "事件")
_PLACE = re.compile(r"\{([^{}]*)\}")
#: longest heading, title, opening
LIMITS = {"title": 60, "opening": 400, "signature": 60, "closing": 400}


def shape(report: Report, office: Office) -> Report:
    """The report in the office's words; unchanged where the office has none for this kind. Pure."""
    template = office.templates.get(report.kind)
    if template is None:
        return report
    event = re.search("“(.+)”", report.title.text)
    said = {"单位": office.name, "城市": office.city, "时段": report.title.subtitle.strip("（）").replace("，", ""),
            "事件": event[1] if event else ""}  # fmt: skip
    title = replace(
        report.title,
        text=_filled(template.title, said) or report.title.text,
        signature=_filled(template.signature, said),
    )
    return replace(report, title=title, blocks=tuple(_blocks(report, template, said)))


def _blocks(report: Report, template: ReportTemplate, said: Mapping[str, str]) -> Iterator[Block]:
    shipped = SECTIONS[report.kind]
    parts, tail = _split(report.blocks, shipped)
    if template.opening:
        yield Paragraph(statements=(Statement(text=_filled(template.opening, said)),))
    for section in template.sections or tuple(shipped):
        for block in parts.get(section, []):
            if isinstance(block, Heading) and block.level == 1:
                yield replace(block, text=template.headings.get(section, block.text))
            else:
                yield block
    if template.closing:
        yield Paragraph(statements=(Statement(text=_filled(template.closing, said)),))
    yield from tail


def _split(blocks: tuple[Block, ...], shipped: Mapping[str, str]) -> tuple[dict[str, list[Block]], list[Block]]:
    """Section → its blocks; and the closing notes of the report (sample data, not approved), which always stand."""
    end = len(blocks)
    while end and isinstance(last := blocks[end - 1], Note) and last.always:
        end -= 1
    ids = {heading: section for section, heading in shipped.items()}
    parts: dict[str, list[Block]] = {}
    section = ""
    for block in blocks[:end]:
        if isinstance(block, Heading) and block.level == 1:
            section = ids[block.text]
        parts.setdefault(section, []).append(block)
    return parts, list(blocks[end:])


def _filled(text: str, said: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: said.get(found[1], found[0]), text)


def faults(office: Office) -> Iterator[tuple[str, str, str]]:
    """(file, place, what is wrong) for every fault of the office's report settings and templates."""
    yield from _times(office.reports)
    for template in office.templates.values():
        place = f"[[reports]]（{template.id}）"
        kind = next((k for k in KIND_NAMES if k == template.id), None)
        if kind is None:
            yield "reports.toml", f"{place}id", f"没有这种报告；{_near(template.id, KIND_NAMES)}"
            continue
        for where, text in _of_template(kind, template):
            yield "reports.toml", f"{place}{where}", text


def _times(settings: ReportSettings) -> Iterator[tuple[str, str, str]]:
    for name in ("daily", "weekly", "monthly"):
        text = getattr(settings, name)
        if text and not _is_time(text):
            yield (
                "office.toml",
                f"[reports] {name}",
                f'应为 24 小时制的时间，如 "08:00"，留空为不自动编制；现在是 {text!r}',
            )
    for name, most in (("weekday", 7), ("monthday", 28)):
        value = getattr(settings, name)
        if not 1 <= value <= most:
            yield "office.toml", f"[reports] {name}", f"应为 1 至 {most}，现在是 {value}"


def _is_time(text: str) -> bool:
    if not re.fullmatch(r"\d\d:\d\d", text):
        return False
    try:
        time.fromisoformat(text)
    except ValueError:
        return False
    return True


def _of_template(kind: ReportKind, template: ReportTemplate) -> Iterator[tuple[str, str]]:
    known = SECTIONS[kind]
    for section in template.sections:
        if section not in known:
            yield "sections", f"没有 {section!r} 这一部分；{_near(section, known)}"
        elif template.sections.count(section) > 1:
            yield "sections", f"{section!r} 写了不止一次"
    if template.sections:
        for section in sorted(NEEDED & set(known) - set(template.sections)):
            yield "sections", f"不能去掉 {section!r}（{known[section]}）：报告须说明没有看到什么"
    for section, text in template.headings.items():
        if section not in known:
            yield "headings", f"没有 {section!r} 这一部分；{_near(section, known)}"
        elif not 0 < len(text.strip()) <= 40:
            yield "headings", f"{section!r} 的标题应为 1 至 40 字，不写序号（序号自动加）"
    for name, most in LIMITS.items():
        text = getattr(template, name)
        if len(text) > most:
            yield name, f"最多 {most} 字，现在 {len(text)} 字"
        for found in _PLACE.findall(text):
            if found not in PLACES:
                yield name, f"不认识 {{{found}}}；可用：{'、'.join(f'{{{p}}}' for p in PLACES)}"


def _near(name: str, known: Mapping[str, str] | Mapping[ReportKind, str]) -> str:
    names: list[str] = list(known)
    close = get_close_matches(name, names, n=1)
    return f"是不是 {close[0]!r}？" if close else f"可用：{'、'.join(names)}"
