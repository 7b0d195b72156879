"""How an official writes dates, spans, shares and changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime


def day(at: datetime) -> str:
    """「2026年11月23日」."""
    return f"{at.year}年{at.month}月{at.day}日"


def hour(at: datetime) -> str:
    """「11月23日14时05分」, without minutes on the hour."""
    return f"{at.month}月{at.day}日{at.hour}时" + (f"{at.minute:02d}分" if at.minute else "")


def share(part: int, whole: int) -> str:
    """「37.5%」; 「—」 of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "—"


def change(now: int, before: int, before_name: str) -> str:
    """「较前一日增加12条，增长20.0%」; no percentage on fewer than ten, which would only be noise."""
    if now == before:
        return f"与{before_name}持平"
    word, rate = ("增加", "增长") if now > before else ("减少", "下降")
    text = f"较{before_name}{word}{abs(now - before)}条"
    return (
        f"{text}，{rate}{100 * abs(now - before) / before:.1f}%"
        if before >= 10
        else f"{text}（{before_name}{before}条）"
    )


def hours(value: float | None) -> str:
    """「3.5小时」, 「—」 for None."""
    return "—" if value is None else f"{value:.1f}小时"


def counted(rows: Sequence[tuple[str, int]], unit: str) -> str:
    """「论坛12条、热线5条」."""
    return "、".join(f"{name}{count}{unit}" for name, count in rows)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, 「……」 where something was left out."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 2] + "……"


def closed(text: str) -> str:
    """With a full stop at its end, whatever it ended with."""
    return text.rstrip("。；;.，, ") + "。"


#: how things of a sort are counted
UNITS: Mapping[str, str] = {"信息": "条", "事件": "起", "任务": "件", "答复": "件", "信源": "个", "记录": "条"}
