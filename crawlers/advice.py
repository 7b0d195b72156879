"""What a source's state means for the office: what was seen in the last day, what was not, and what to do about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from crawlers.rhythm import state
from storage.types import Source, SourceHour, SourceState

_DAY = timedelta(hours=24)
_REASONS = 3  #: reasons named in one line


def explain(source: Source, hours: Sequence[SourceHour], now: datetime) -> tuple[bool, str]:
    """Whether a source is well, and one Chinese line: its state, the last day's figures, what to do.

    `hours`: the last two weeks of this source. A source that was never asked is well: it is new.
    """
    health = state(source, hours, now)
    well = health.state in ("ok", "new", "off")
    seen = figures(hours, now, said=health.reason)
    text = "；".join(part for part in (health.reason, seen, "" if well else advice(source, health.state)) if part)
    return well, text


def figures(hours: Sequence[SourceHour], now: datetime, said: str = "") -> str:
    """What the last 24 hours brought, and what of it was refused and why, unless that is `said` already; "" where
    nothing was asked."""
    day = [h for h in hours if h.hour >= now - _DAY]
    polled = sum(h.polled for h in day)
    if not polled:
        return ""
    counts = {
        "未变": sum(h.unchanged for h in day), "新增": sum(h.new for h in day), "更新": sum(h.updated for h in day),
        "重复": sum(h.duplicate for h in day), "未收": sum(h.rejected for h in day), "失败": sum(h.errors for h in day),
    }  # fmt: skip
    text = f"近24小时访问{polled}次，" + "、".join(f"{word}{count}" for word, count in counts.items() if count)
    if counts["新增"]:
        minutes = sum(h.delay_seconds for h in day) / 60 / counts["新增"]
        text += f"，从发布到采到平均{minutes:.0f}分钟"
    why = [f"{reason}{count}次" for reason, count in reasons(day) if reason not in said]
    if why:
        text += f"；未收和失败的原因：{'、'.join(why[:_REASONS])}" + ("等" if len(why) > _REASONS else "")
    return text.rstrip("，")


def reasons(hours: Iterable[SourceHour]) -> list[tuple[str, int]]:
    """Why something was rejected or failed in these hours, the most frequent first."""
    counted: Counter[str] = Counter()
    for hour in hours:
        counted.update(hour.reasons)
    return counted.most_common()


def advice(source: Source, name: SourceState) -> str:
    """What to do about a source in this state; "" where nothing is to be done."""
    if name in ("ok", "new", "off"):
        return ""
    look = f"运行 minsheng sources test {source.id}"
    if name == "expired":
        place = f"环境变量 {source.token_env}" if source.token_env else f"文件 {source.token_file or '（未配置）'}"
        return f"请向接口提供方更新令牌，写入{place}，再重新启动 minsheng crawl"
    if name == "refused":
        return "对方不允许采集：请联系网站取得授权或改用对方提供的接口；不能采集的请设 enabled = false，不要绕过"
    if name == "slow":
        return "请确认 minsheng crawl 在运行，并查看数据目录 logs 下的日志"
    if name == "silent":
        return f"没有采到不等于没有发生：请打开网址人工核对，再{look} 看能否采到"
    return f"请{look} 核对网址和选择器；若网站改版，可用 minsheng sources add 重新生成配置"
