"""Figures as PNG, drawn by matplotlib with a Chinese font of the machine; never a box instead of a character."""

import io
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import MaxNLocator

from dashboards.reports.tree import Figure

#: families that hold simplified Chinese, the best first
FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Microsoft YaHei", "SimHei",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "FangSong_GB2312", "FangSong", "SimSun",
    "Noto Serif CJK SC", "Noto Sans CJK JP",
)  # fmt: skip
#: red for what is negative, grey-blue for the rest; both also differ in lightness, for black-and-white printing
COLOURS = ("#b3261e", "#9fb3c8", "#5b7f3a")
WIDTH, HEIGHT = 6.14, 2.7  #: inches: the 156 mm of the type area
DPI = 200
#: characters that fit below the axis
ROOM = 62


class NoChineseFont(RuntimeError):
    """No font of the machine holds Chinese: a figure would be full of boxes."""


@cache
def font(families: Sequence[str] = FAMILIES) -> FontProperties:
    """The first of these families that is installed; NoChineseFont says what to do."""
    for find in (_listed, _on_disk):
        known = find()
        for family in families:
            if family in known:
                return FontProperties(family=family)
    raise NoChineseFont(
        "本机没有中文字体，图表无法绘制。"
        "请安装一种（如 Debian、Ubuntu 的 fonts-noto-cjk，或 Windows 的微软雅黑）后重试。"
    )


def _listed() -> set[str]:
    return {entry.name for entry in font_manager.fontManager.ttflist}


def _on_disk() -> set[str]:
    """The same after a look at the disk: the list is kept from the first start on, and so knows no font that was
    installed since, as the error below asks for."""
    listed = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in listed:
            with suppress(OSError, RuntimeError):  # a broken font file is none
                font_manager.fontManager.addfont(path)
    return _listed()


def drawable(text: str, chosen: FontProperties) -> str:
    """The text with 「□」-prone characters replaced by 「?」: those that the font does not hold."""
    face = FT2Font(font_manager.findfont(chosen, fallback_to_default=False))
    return "".join(c if face.get_char_index(ord(c)) else "?" for c in text)


def png(figure: Figure, families: Sequence[str] = FAMILIES) -> bytes:
    """The figure as PNG, 156 mm wide at 200 dpi. NoChineseFont where it cannot be drawn."""
    chosen = font(tuple(families))
    canvas = Canvas(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.add_subplot()
    places = range(len(figure.labels))
    base = [0.0] * len(figure.labels)
    for number, (name, values) in enumerate(figure.series):
        colour, label = COLOURS[number % len(COLOURS)], drawable(name, chosen)
        if figure.kind == "line":
            axes.plot(places, values, color=colour, label=label, linewidth=1.6)
        else:
            axes.bar(places, values, bottom=base, color=colour, label=label, width=0.82)
            base = [a + b for a, b in zip(base, values, strict=True)]
    _marks(axes, figure, chosen, max(base, default=0.0))
    _axes(axes, figure, chosen)
    out = io.BytesIO()
    canvas.savefig(out, format="png")
    return out.getvalue()


def _marks(axes: Axes, figure: Figure, chosen: FontProperties, top: float) -> None:
    """A dashed line with its word at each marked step; words of the same step stand under each other."""
    at_step: dict[int, list[str]] = {}
    for place, text in figure.marks:
        at_step.setdefault(place, []).append(drawable(text, chosen))
    for number, (place, texts) in enumerate(sorted(at_step.items())):
        axes.axvline(place, color="#444444", linestyle="--", linewidth=0.8)
        axes.text(
            place + 0.1, top * (1.34 - 0.12 * (number % 3)) if top else 1.0, "/".join(dict.fromkeys(texts)),
            fontproperties=chosen, fontsize=7.5, va="top",
        )  # fmt: skip
    if at_step and top:
        axes.set_ylim(0, top * 1.38)


def _axes(axes: Axes, figure: Figure, chosen: FontProperties) -> None:
    longest = max((len(label) for label in figure.labels), default=1)
    step = max(1, -(-len(figure.labels) * (longest + 1) // ROOM))
    shown = list(range(0, len(figure.labels), step))
    axes.set_xticks(shown, [drawable(figure.labels[i], chosen) for i in shown], fontproperties=chosen, fontsize=8)
    axes.set_ylabel(drawable(f"单位：{figure.unit}", chosen), fontproperties=chosen, fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    small = FontProperties(family=chosen.get_family(), size=8)
    axes.legend(prop=small, frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0))
