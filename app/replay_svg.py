"""Figures of a replay as SVG inside its page: no script, no file beside it, readable in black and white."""

import html
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 720, 250
_LEFT, _BOTTOM, _TOP = 46, 52, 36
INK = ("#4a6fa5", "#c9a400", "#d9730d", "#b3261e", "#5b2c83")


def stacked(labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str, across: str) -> str:
    """Columns, one a label, the series on top of each other in the levels' colours. across: what the labels are."""
    top = max([sum(column) for column in zip(*series.values(), strict=True)], default=0) or 1
    top += top % 2  # the half of it is labelled too, and counts are whole
    step = (WIDTH - _LEFT) / max(1, len(labels))
    wide = min(step - 2, 60.0)
    parts = []
    for place in range(len(labels)):
        below = 0.0
        for number, values in enumerate(series.values()):
            if values[place]:
                y, tall = _y(below + values[place], top), _y(below, top) - _y(below + values[place], top)
                parts.append(
                    f'<rect x="{_LEFT + step * (place + 0.5) - wide / 2:.1f}" y="{y:.1f}" width="{max(1.0, wide):.1f}" '
                    f'height="{tall:.1f}" fill="{INK[number % len(INK)]}"/>'
                )
                below += values[place]
    return _frame("".join(parts), labels, top, unit, across, tuple(series))


def curve(
    labels: Sequence[str], values: Sequence[float], marks: Mapping[str, float], lines: Mapping[str, float]
) -> str:
    """One curve of scores (0..100). marks: word → place 0..1 on the axis of time, numbered in this order; lines: word →
    height."""
    steps = max(1, len(values) - 1)
    path = " ".join(f"{_LEFT + (WIDTH - _LEFT) * i / steps:.1f},{_y(v, 100):.1f}" for i, v in enumerate(values))
    parts = [f'<polyline points="{path}" fill="none" stroke="#222" stroke-width="1.8"/>']
    for number, (word, height) in enumerate(lines.items()):
        y, ink = _y(height, 100), INK[number % len(INK)]
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{ink}" stroke-dasharray="4 3"/>'
        )
        parts.append(f'<text x="{WIDTH - 2}" y="{y - 3:.1f}" text-anchor="end" fill="{ink}">{html.escape(word)}</text>')
    taken: list[float] = []
    for number, place in enumerate(marks.values(), 1):
        x = _LEFT + (WIDTH - _LEFT) * min(1.0, max(0.0, place))
        lane = sum(abs(x - other) < 15 for other in taken)  # numbers of marks close together stand one below the other
        taken.append(x)
        y = _TOP + 9 + 17 * lane
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" stroke="#888"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="8" fill="#fff" stroke="#444"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 4}" text-anchor="middle">{number}</text>')
    return _frame("".join(parts), labels, 100, "得分", "时间", ())


def bars(rows: Mapping[str, float], unit: str = "%") -> str:
    """Lying bars of shares, each with its number; a line at the gate of 15 %, which is named below it."""
    tall = 26 * len(rows) + 8
    most = max([*rows.values(), 0.2])
    scale = (WIDTH - 250) / most
    gate = 180 + 0.15 * scale
    parts = [f'<line x1="{gate:.1f}" x2="{gate:.1f}" y1="0" y2="{tall}" stroke="#b3261e" stroke-dasharray="4 3"/>',
             f'<text x="{gate:.1f}" y="{tall + 16}" text-anchor="middle" fill="#b3261e">15%</text>']  # fmt: skip
    for number, (word, value) in enumerate(rows.items()):
        y = 26 * number + 4
        parts.append(f'<text x="172" y="{y + 16}" text-anchor="end">{html.escape(word)}</text>')
        parts.append(f'<rect x="180" y="{y}" width="{max(0.5, value * scale):.1f}" height="20" fill="#4a6fa5"/>')
        parts.append(f'<text x="{186 + value * scale:.1f}" y="{y + 16}">{value * 100:.1f}{unit}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {tall + 22}" role="img">{"".join(parts)}</svg>'


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / top


def _frame(inside: str, labels: Sequence[str], top: float, unit: str, across: str, names: Sequence[str]) -> str:
    """Axes with what they measure, every n-th label, a legend."""
    base = HEIGHT - _BOTTOM
    parts = [f'<line x1="{_LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}" stroke="#222"/>']
    for share in (0.5, 1.0):
        parts.append(
            f'<text x="{_LEFT - 5}" y="{_y(top * share, top) + 4:.1f}" text-anchor="end">{top * share:g}</text>'
        )
    parts.append(f'<text x="2" y="17">{html.escape(unit)}</text>')
    parts.append(f'<text x="{WIDTH - 2}" y="{HEIGHT - 6}" text-anchor="end">{html.escape(across)}</text>')
    step = max(1, -(-len(labels) // 10))
    wide = (WIDTH - _LEFT) / max(1, len(labels))
    for place in range(0, len(labels), step):
        x = _LEFT + wide * (place + 0.5)
        parts.append(f'<text x="{x:.1f}" y="{base + 20}" text-anchor="middle">{html.escape(labels[place])}</text>')
    for number, name in enumerate(names):
        x = _LEFT + 10 + 90 * number
        parts.append(f'<rect x="{x}" y="6" width="11" height="11" fill="{INK[number % len(INK)]}"/>')
        parts.append(f'<text x="{x + 15}" y="17">{html.escape(name)}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{inside}{"".join(parts)}</svg>'
