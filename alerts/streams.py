"""A whole stream bursts (a topic, a place, a kind of source) and no single event explains it: the monitoring officer is
told once for each stream and day. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.calendar import local
from alerts.notices import NOBODY, Reach, system
from storage.types import Delivery, Office


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamBurst:
    """One hour in which a stream burst."""

    field: str  #: "topic" | "area" | "kind"
    id: str
    name: str  #: as officials call it
    hour: datetime  #: its start
    count: int
    usual: float  #: median of the same hour of earlier days; the city's hourly rate while there are fewer than 14
    path: str  #: "slow" | "fast" | "cold", or "day": then count and usual are of 24 hours; see `analysis.bursts`


def sentence(burst: StreamBurst, office: Office) -> str:
    """「食品药品 9时至10时共 23 条，平日同一时段约 3 条，未集中于单一事件」."""
    start = local(burst.hour, office)
    end = start + timedelta(hours=1)
    if burst.path == "day":
        usual = "不足 1 条" if burst.usual < 1 else f"约 {burst.usual:.1f} 条"
        return f"{burst.name} 截至{end.hour}时的24小时共 {burst.count} 条，此前平均每天{usual}，未集中于单一事件"
    usual = "不足 1 条" if burst.usual < 1 else f"约 {burst.usual:.0f} 条"
    against = f"全市各类信息每小时平均{usual}" if burst.path == "cold" else f"平日同一时段{usual}"
    return f"{burst.name} {start.hour}时至{end.hour}时共 {burst.count} 条，{against}，未集中于单一事件"


def told(bursts: Sequence[StreamBurst], office: Office, now: datetime, *, reach: Reach = NOBODY) -> list[Delivery]:
    """Messages to the duty post, reason BURST; not urgent, one per stream and day by their key."""
    rows: list[Delivery] = []
    for burst in bursts:
        epoch = f"{burst.field}|{burst.id}|{local(burst.hour, office):%Y-%m-%d}"
        text = f"【升温提示】{sentence(burst, office)}，请研判是否有共同原因"
        rows += system("BURST", epoch, text, office, now, urgent=False, reach=reach)
    return rows
