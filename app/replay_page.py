"""The page of a replay: one file, no script, figures as SVG; an official can print it."""

import html
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from analysis.bursts_day import FEWEST
from app.replay_detectors import DetectorFigures
from app.replay_report import Curve, Difference, ReplayReport, Variant
from app.replay_svg import bars, curve, stacked

_STYLE = (
    "body{font-family:'Noto Sans CJK SC','Microsoft YaHei',sans-serif;max-width:62em;margin:2em auto;padding:0 1em;"
    "color:#222}h2{border-bottom:2px solid #4a6fa5;padding-bottom:.2em;margin-top:1.8em}h3{margin:.9em 0 .2em}"
    "table{border-collapse:collapse;margin:.6em 0}"
    "td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}"
    "svg{width:100%;height:auto;font-size:12px}"
    ".lead{font-size:1.1em}"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:1em}.two svg{font-size:17px}"
    "@media print{h2{break-after:avoid}}"
)


def page(found: ReplayReport, differences: Sequence[Difference] | None = None, *, levels: Sequence[str] = ()) -> str:
    """The whole page. differences: against other weights, where they were tried; levels: names from 0 up."""
    parts = [
        f"<h1>回放评估</h1><p class=lead>{found.documents}条内容，{found.days:.1f}天，{found.events}个事件，"
        f"日均预警{found.alerts_per_day:.1f}件"
        + (f"，{found.unread}条无法判读未计入" if found.unread else "")
        + f"。判读与归并用时{found.prepare_seconds:.1f}秒，定级复算{found.run_seconds:.2f}秒"
        f"（{found.documents / max(found.run_seconds, 1e-9):,.0f}条/秒，共{found.evaluations}次研判）。</p>"
        "<p>按到达时间逐条回放，未到达的内容和事后的数字一概不用。</p>",
        *_truth(found),
        "<h2>每日预警</h2>" + _days(found),
        "<h2>各部门日均预警</h2>"
        + _table(("部门", "件/天"), [(d, f"{n:.2f}") for d, n in found.by_department.items()]),
        *_weights(found.variants),
        *_curves(found),
    ]
    if differences is not None:
        parts.append("<h2>改用另一组权重</h2>" + differences_table(differences, levels))
    return (
        f"<!doctype html><html lang=zh><meta charset=utf-8><title>回放评估</title><style>{_STYLE}</style>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _truth(found: ReplayReport) -> Iterable[str]:
    if not found.levels:
        return
    rows = [
        (
            f.level, str(f.alerts), str(f.due), _share(f.precision), _share(f.recall), _number(f.lead_hours),
            _number(f.lead_hours_p25), _share(f.late_share), _number(f.slow_lead_hours), _number(f.delay_minutes),
        )
        for f in reversed(found.levels)
    ]  # fmt: skip
    head = (
        "等级", "预警", "应预警", "准确率", "召回率", "提前中位（时）", "提前下四分位", "晚于高峰", "缓发提前（时）",
        "突发延迟（分）",
    )  # fmt: skip
    yield "<h2>各等级</h2>" + _table(head, rows)
    yield (
        f"<p>应达等级至高峰之间低于应有等级合计{found.wrong_hours:.1f}小时；"
        f"高于应有等级合计{found.over_hours:.1f}小时。</p>"
    )
    yield f"<h2>红、橙两级漏报（{len(found.missed)}件）</h2>" + _list(found.missed)
    yield f"<h2>红、橙两级误报（{len(found.false)}件）</h2>" + _list(found.false)
    if found.detectors:
        cells = [
            (d.name, f"{d.threshold:.2f}", f"{d.false_per_month:.2f}", f"{d.caught}/{d.due}", _number(d.delay_hours))
            for d in found.detectors
        ]
        most = f"每条流每30天误报不超过{found.false_alarms:g}次"
        yield f"<h2>突增检测方法比较</h2><p>{_streams(found.detectors[0])}各方法阈值取本段数据上{most}。</p>"
        yield _table(("方法", "阈值", "误报/月", "发现", "延迟中位（时）"), cells)


def _streams(figures: DetectorFigures) -> str:
    """What is counted, and whether anything can ring at all."""
    silent = "，都不够，各方法均不会报警" if not figures.able else ""
    return (
        f"按专题、地点、来源类别逐小时计数，共{figures.streams}条流；"
        f"一小时至少{FEWEST}条（按日比较的方法为 24 小时）才可能报警，达到过的有{figures.able}条流{silent}。"
    )


def _days(found: ReplayReport) -> str:
    words = list(found.thresholds)
    return stacked(
        [day[5:] for day in found.by_day],
        {word: [row.get(word, 0) for row in found.by_day.values()] for word in words},
        "件",
    )


def _weights(variants: Sequence[Variant]) -> Iterable[str]:
    if not variants:
        return
    for title, rows in (
        ("去掉一项因素", [v for v in variants if v.name.startswith("去掉")]),
        ("权重上下浮动20%", [v for v in variants if not v.name.startswith("去掉")]),
    ):
        cells = [
            (v.name, f"{v.changed:.1%}", _share(v.recall), _share(v.precision), _number(v.slow_lead_hours))
            for v in rows
        ]
        yield f"<h2>{title}</h2><p>最高等级改变的事件占比（虚线为15%）；后三列为橙色及以上。</p>"
        yield bars({v.name: v.changed for v in rows})
        yield _table(("方案", "改变", "召回率", "准确率", "缓发提前（时）"), cells)


def _curves(found: ReplayReport) -> Iterable[str]:
    if found.curves:
        yield "<h2>重大事件的得分过程</h2><div class=two>"
        for one in found.curves:
            yield f"<div><h3>{html.escape(one.title)}</h3>{_curve(one, found)}</div>"
        yield "</div>"


def _curve(one: Curve, found: ReplayReport) -> str:
    first = max(one.times[0], min(one.marks.values()) - timedelta(hours=6))
    last = max(first, min(one.times[-1], max(one.marks.values()) + timedelta(hours=24)))
    span = max((last - first).total_seconds(), 1.0)
    steps = 120
    values, place = [], 0
    for i in range(steps + 1):
        while place + 1 < len(one.times) and (one.times[place + 1] - first).total_seconds() <= span * i / steps:
            place += 1
        values.append(one.scores[place])
    zone = ZoneInfo(found.timezone)
    labels = [_clock(first + (last - first) * (i + 0.5) / 6, zone) for i in range(6)]
    marks = {word: (at - first).total_seconds() / span for word, at in one.marks.items()}
    return curve(labels, values, marks, found.thresholds)


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%d日%H:%M")


def differences_table(differences: Sequence[Difference], levels: Sequence[str]) -> str:
    """Alerts that would have come, gone or moved."""
    if not differences:
        return "<p>没有一件预警会因此改变。</p>"
    rows = [(d.event, levels[d.before], levels[d.after], moved(d)) for d in differences]
    return _table(("事件", "现有权重", "新权重", "时间"), rows)


def moved(row: Difference) -> str:
    """「提前1.5小时」「推迟0.5小时」, or what came or went."""
    if not row.before:
        return "新增预警"
    if not row.after:
        return "不再预警"
    hours = row.earlier_hours or 0.0
    if abs(hours) <= 1 / 6:
        return "时间相近"
    return f"{'提前' if hours > 0 else '推迟'}{abs(hours):.1f}小时"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(word)}" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{top}{body}</table>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + ("".join(f"<li>{html.escape(x)}" for x in lines) or "<li>无") + "</ul>"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"
