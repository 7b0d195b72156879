"""Figures of a replay as SVG inside its page: no script, no file beside it, readable in black and white."""

import html
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 720, 220
_LEFT, _BOTTOM, _TOP = 46, 26, 12
INK = ("#4a6fa5", "#c9a400", "#d9730d", "#b3261e", "#5b2c83")


def stacked(labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str) -> str:
    """Columns, one a label, the series on top of each other in the colours of the levels."""
    top = max([sum(column) for column in zip(*series.values(), strict=True)], default=0) or 1
    wide = (WIDTH - _LEFT) / max(1, len(labels))
    parts = []
    for place in range(len(labels)):
        below = 0.0
        for number, values in enumerate(series.values()):
            if values[place]:
                y, tall = _y(below + values[place], top), _y(below, top) - _y(below + values[place], top)
                parts.append(
                    f'<rect x="{_LEFT + wide * place + 1:.1f}" y="{y:.1f}" width="{max(1.0, wide - 2):.1f}" '
                    f'height="{tall:.1f}" fill="{INK[number % len(INK)]}"/>'
                )
                below += values[place]
    return _frame("".join(parts), labels, top, unit, tuple(series))


def curve(
    labels: Sequence[str], values: Sequence[float], marks: Mapping[str, float], lines: Mapping[str, float]
) -> str:
    """One curve of scores (0..100). marks: word → place 0..1 on the axis of time; lines: word → height."""
    steps = max(1, len(values) - 1)
    path = " ".join(f"{_LEFT + (WIDTH - _LEFT) * i / steps:.1f},{_y(v, 100):.1f}" for i, v in enumerate(values))
    parts = [f'<polyline points="{path}" fill="none" stroke="#222" stroke-width="1.8"/>']
    for number, (word, height) in enumerate(lines.items()):
        y, ink = _y(height, 100), INK[number % len(INK)]
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{ink}" stroke-dasharray="4 3"/>'
        )
        parts.append(f'<text x="{WIDTH - 2}" y="{y - 3:.1f}" text-anchor="end" fill="{ink}">{html.escape(word)}</text>')
    for number, (word, place) in enumerate(marks.items()):
        x = _LEFT + (WIDTH - _LEFT) * min(1.0, max(0.0, place))
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" stroke="#666"/>')
        parts.append(f'<text x="{x + 3:.1f}" y="{_TOP + 12 + 13 * (number % 3)}">{html.escape(word)}</text>')
    return _frame("".join(parts), labels, 100, "分", ())


def bars(rows: Mapping[str, float], unit: str = "%") -> str:
    """Lying bars of shares, each with its number; a line at the gate of 15 %."""
    tall = 17 * len(rows) + 8
    most = max([*rows.values(), 0.2])
    scale = (WIDTH - 190) / most
    gate = 130 + 0.15 * scale
    parts = [f'<line x1="{gate:.1f}" x2="{gate:.1f}" y1="0" y2="{tall}" stroke="#b3261e" stroke-dasharray="4 3"/>']
    for number, (word, value) in enumerate(rows.items()):
        y = 17 * number + 4
        parts.append(f'<text x="124" y="{y + 11}" text-anchor="end">{html.escape(word)}</text>')
        parts.append(f'<rect x="130" y="{y}" width="{max(0.5, value * scale):.1f}" height="13" fill="#4a6fa5"/>')
        parts.append(f'<text x="{134 + value * scale:.1f}" y="{y + 11}">{value * 100:.1f}{unit}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {tall}" role="img">{"".join(parts)}</svg>'


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / top


def _frame(inside: str, labels: Sequence[str], top: float, unit: str, names: Sequence[str]) -> str:
    """Axes, every n-th label, a legend."""
    base = HEIGHT - _BOTTOM
    parts = [f'<line x1="{_LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}" stroke="#222"/>']
    for share in (0.5, 1.0):
        parts.append(
            f'<text x="{_LEFT - 5}" y="{_y(top * share, top) + 4:.1f}" text-anchor="end">{top * share:g}</text>'
        )
    parts.append(f'<text x="2" y="11">{html.escape(unit)}</text>')
    step = max(1, -(-len(labels) // 12))
    wide = (WIDTH - _LEFT) / max(1, len(labels))
    for place in range(0, len(labels), step):
        x = _LEFT + wide * (place + 0.5)
        parts.append(f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle">{html.escape(labels[place])}</text>')
    for number, name in enumerate(names):
        x = _LEFT + 10 + 110 * number
        parts.append(f'<rect x="{x}" y="1" width="10" height="10" fill="{INK[number % len(INK)]}"/>')
        parts.append(f'<text x="{x + 14}" y="11">{html.escape(name)}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{inside}{"".join(parts)}</svg>'
