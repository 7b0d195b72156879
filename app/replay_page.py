"""The page of a replay: one file, no script, figures as SVG; an official can print it."""

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from analysis.bursts_day import FEWEST
from analysis.risk_factors import FACTORS
from app.replay_detectors import DetectorFigures
from app.replay_report import Curve, Difference, ReplayReport, Variant
from app.replay_svg import bars, curve, stacked

_STYLE = (
    "*{box-sizing:border-box}"
    "body{font-family:'Noto Sans CJK SC','Microsoft YaHei',sans-serif;max-width:62em;margin:2em auto;padding:0 1em;"
    "color:#222;line-height:1.6;overflow-wrap:anywhere}"
    "h2{border-bottom:2px solid #4a6fa5;padding-bottom:.2em;margin-top:1.8em}h3{margin:.9em 0 .2em;font-size:1em}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;margin:.6em 0}"
    "td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}"
    "th{font-weight:600;background:#f3f6fa}"
    "td:first-child,th:first-child{text-align:left}td.text{white-space:normal;min-width:12em}"
    "svg{width:100%;height:auto;font-size:13px;display:block}"
    ".lead{font-size:1.1em}.small{color:#555;font-size:.9em}"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:1em}.two svg{font-size:17px}"
    ".two p{margin:.2em 0}span{white-space:nowrap;margin-right:1em}"
    "@media(max-width:700px){body{margin:1em auto}.two{grid-template-columns:1fr}svg{font-size:20px}"
    ".two svg{font-size:20px}td,th{padding:.25em .5em}}"
    "@media print{h2{break-after:avoid}.two>div{break-inside:avoid}}"
)
#: as `analysis.bursts_compare.detectors` calls them
DETECTORS = {
    "rolling 24 h z": "24小时滚动均值偏离",
    "seasonal z": "同时段中位数偏离",
    "EWMA of seasonal z": "同时段偏离的指数平滑",
    "CUSUM k=.75": "累积和（k=0.75）",
    "EWMA or fast path": "指数平滑加单小时快速通道",
    "24 h against the days before": "近24小时与此前各日相比",
    "all of these paths (shipped)": "以上两种通道合用（现用）",
}


def page(found: ReplayReport, differences: Sequence[Difference] | None = None, *, levels: Sequence[str] = ()) -> str:
    """The whole page. differences: against other weights, where they were tried; levels: names from 0 up."""
    left = [
        f"，{n}条{words}"
        for n, words in ((found.unread, "无法判读未计入"), (found.repeated, "重复到达且无新内容，只计一次"))
        if n
    ]
    parts = [
        f"<h1>回放评估</h1><p class=lead>{found.documents}条内容，{found.days:.1f}天，{found.events}个事件，"
        f"日均预警{found.alerts_per_day:.1f}件{''.join(left)}。{_verdict(found)}</p>",
        "<p class=small>按到达时间逐条回放，未到达的内容和事后的数字一概不用。"
        f"判读与归并用时{found.prepare_seconds:.1f}秒，定级复算{found.run_seconds:.2f}秒"
        f"（每秒{found.documents / max(found.run_seconds, 1e-9):,.0f}条，共{found.evaluations}次研判）。</p>",
        *_truth(found),
        "<h2>每日预警</h2><p class=small>按首次达到预警等级之日计，颜色为该事件达到的最高等级。</p>" + _days(found),
        "<h2>各部门日均预警</h2>"
        + _table(("牵头部门", "件/天"), [(d, f"{n:.2f}") for d, n in found.by_department.items()]),
        *_weights(found.variants),
        *_curves(found),
    ]
    if differences is not None:
        parts.append("<h2>改用另一组权重或分数线</h2>" + differences_table(differences, levels, found.titles))
    return (
        "<!doctype html><html lang=zh-CN><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>回放评估</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def _verdict(found: ReplayReport) -> str:
    """In one sentence how it went, where the truth is known."""
    if len(found.levels) < 2:
        return ""
    high = found.levels[-2]
    if not high.due:
        return f"本段没有应达{high.level}及以上的事件，误报{len(found.false)}件。"
    return (
        f"应达{high.level}及以上的{high.due}件，达到{high.level}以上{high.caught}件；"
        f"未达到应有等级{len(found.missed)}件，误报{len(found.false)}件。"
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
        "等级", "预警（件）", "应预警（件）", "准确率", "召回率", "提前量中位数（小时）", "提前量下四分位（小时）",
        "晚于高峰", "缓发事件提前（小时）", "突发事件延迟（分钟）",
    )  # fmt: skip
    yield "<h2>各等级的准确率、召回率和提前量</h2>" + _table(head, rows)
    yield (
        "<p class=small>各行为达到该等级及以上的事件。提前量指预警早于最热一小时多久，负数为晚于高峰；"
        "突发事件延迟从公开信息足以定为该级时起算，负数为更早。</p>"
        f"<p>等级不当的时间：从应达该级至高峰，低于应有等级共{found.wrong_hours:.1f}小时；"
        f"高于应有等级共{found.over_hours:.1f}小时。</p>"
    )
    yield f"<h2>{_two(found)}漏报（{len(found.missed)}件）</h2>" + _list(found.missed)
    yield f"<h2>{_two(found)}误报（{len(found.false)}件）</h2>" + _list(found.false)
    if found.detectors:
        cells = [
            (
                DETECTORS[d.name],
                f"{d.threshold:.2f}",
                f"{d.false_per_month:.2f}",
                f"{d.caught}/{d.due}",
                _number(d.delay_hours),
            )
            for d in found.detectors
        ]
        most = f"每条流每30天误报不超过{found.false_alarms:g}次"
        yield f"<h2>突增检测方法比较</h2><p>{_streams(found.detectors[0])}各方法阈值取本段数据上{most}。</p>"
        yield _table(("方法", "阈值", "误报（次/月）", "发现/应发现（件）", "延迟中位数（小时）"), cells)


def _two(found: ReplayReport) -> str:
    """「橙色、红色」: the two highest levels, which are looked at one by one."""
    return "、".join(list(found.thresholds)[-2:]) + "级"


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
        "日期",
    )


def _weights(variants: Sequence[Variant]) -> Iterable[str]:
    if not variants:
        return
    for title, rows in (
        ("逐项去掉因素", [v for v in variants if v.name.startswith("去掉")]),
        ("权重上下浮动20%", [v for v in variants if not v.name.startswith("去掉")]),
    ):
        cells = [
            (_plain(v.name), f"{v.changed:.1%}", _share(v.recall), _share(v.precision), _number(v.slow_lead_hours))
            for v in rows
        ]
        yield f"<h2>{title}</h2>"
        yield "<p class=small>最高等级因此改变的事件占比，虚线为15%的警戒线；后三列为第二高等级及以上。</p>"
        yield bars({_plain(v.name): v.changed for v in rows})
        yield _table(("方案", "等级改变", "召回率", "准确率", "缓发事件提前（小时）"), cells)


def _plain(name: str) -> str:
    """「去掉敏感度」 for 「去掉S」, 「敏感度+20%」 for 「S+20%」."""
    for code, word, _ in FACTORS:
        if name == f"去掉{code}" or name.startswith((f"{code}+", f"{code}-")):
            return name.replace(code, word, 1)
    return name


def _curves(found: ReplayReport) -> Iterable[str]:
    if found.curves:
        yield "<h2>重大事件的得分过程</h2><div class=two>"
        for one in found.curves:
            order = sorted(one.marks, key=lambda word: one.marks[word])
            zone = ZoneInfo(found.timezone)
            said = " ".join(
                f"<span>{n} {html.escape(w)} {_clock(one.marks[w], zone)}</span>" for n, w in enumerate(order, 1)
            )
            yield f"<div><h3>{html.escape(one.title)}</h3>{_curve(one, found)}<p class=small>{said}</p></div>"
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
    labels = [_clock(first + (last - first) * (i + 0.5) / 4, zone) for i in range(4)]
    order = sorted(one.marks.items(), key=lambda mark: mark[1])
    marks = {word: (at - first).total_seconds() / span for word, at in order}
    return curve(labels, values, marks, found.thresholds)


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%m-%d %H:%M")


def differences_table(
    differences: Sequence[Difference], levels: Sequence[str], titles: Mapping[str, str] | None = None
) -> str:
    """Alerts that would have come, gone or moved. titles: event → what it is called."""
    if not differences:
        return "<p>没有一件预警会因此改变。</p>"
    known = titles or {}
    rows = [
        (known.get(d.event, d.event), levels[d.before], levels[d.after], moved(d))
        for d in sorted(differences, key=lambda d: (-abs(d.after - d.before), -max(d.before, d.after), d.event))
    ]
    return f"<p>{summary(differences)}</p>" + _table(("事件", "现有最高等级", "改后最高等级", "预警时间"), rows)


def summary(differences: Sequence[Difference]) -> str:
    """「新增预警1件，不再预警2件，升级3件…」 of what another configuration would have changed."""
    kinds = Counter(
        "新增预警" if not d.before else "不再预警" if not d.after else "等级升高" if d.after > d.before
        else "等级降低" if d.after < d.before else "仅时间改变"
        for d in differences
    )  # fmt: skip
    order = ("新增预警", "不再预警", "等级升高", "等级降低", "仅时间改变")
    return "，".join(f"{kind}{kinds[kind]}件" for kind in order if kinds[kind]) + "。"


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
    body = "".join(
        "<tr>" + "".join(f"<td{' class=text' if len(cell) > 12 else ''}>{html.escape(cell)}" for cell in row)
        for row in rows
    )
    return f"<div class=scroll><table><tr>{top}{body}</table></div>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + ("".join(f"<li>{html.escape(x)}" for x in lines) or "<li>无") + "</ul>"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"
