"""What `minsheng doctor` looks at: pure findings from both stores."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.calendar import calendar_warnings, local
from crawlers.advice import explain
from dashboards.counted import last_count
from storage.ports import DocumentStore, Ledger
from storage.types import Office


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    ok: bool
    what: str
    text: str


def checkup(office: Office, documents: DocumentStore, ledger: Ledger, now: datetime) -> list[Finding]:
    """Stores, queues, sources, channels, calendar and audit chain; each says what to do when it is not well."""
    found = [
        Finding(ok=bool(documents.health().get("ok", True)), what="文档库", text=_words(documents.health())),
        Finding(ok=bool(ledger.health().get("ok", True)), what="台账", text=_words(ledger.health())),
    ]
    with ledger.read() as tx:
        oldest, waiting, parked = tx.intake.oldest(), tx.intake.waiting(), len(tx.intake.parked(1000))
        hours = tx.frontier.hours(None, now - timedelta(days=14))
        dead = tx.outbox.find(status=("perm_fail", "dead", "unknown"), size=1000)
        broken, counted = tx.audit.verify(), last_count(tx)
    wrong = documents.recount()
    late = oldest is not None and now - oldest > timedelta(minutes=5)
    found.append(
        Finding(
            ok=not late,
            what="待判读",
            text=f"{waiting} 条" + ("，已等 5 分钟以上：请确认 minsheng work 在运行" if late else ""),
        )
    )
    found.append(
        Finding(ok=not parked, what="搁置的文档", text=f"{parked} 条" + ("，请在页面上查看原因" if parked else ""))
    )
    for source in office.sources.values():
        if source.enabled:
            well, text = explain(source, [h for h in hours if h.source == source.id], now)
            found.append(Finding(ok=well, what=f"信源 {source.name}", text=text))
    found.append(
        Finding(
            ok=not dead, what="发送失败", text=f"{len(dead)} 条" + ("，请在页面上查看对方的代码和原话" if dead else "")
        )
    )
    found += [Finding(ok=False, what="工作日历", text=text) for text in calendar_warnings(office, now)]
    text = "完好" if broken is None else f"第 {broken} 条被改动过"
    found.append(Finding(ok=broken is None, what="审计链", text=text))
    text = f"{len(wrong)} 处不符，夜间会按明细更正；如 {wrong[0]}" if wrong else "汇总与明细一致"
    if counted is not None:
        text += f"（最近一次夜间核对 {local(counted.at, office):%m-%d %H:%M}：{counted.words}）"
    found.append(Finding(ok=not wrong and (counted is None or not counted.left), what="计数核对", text=text))
    return found


def _words(health: object) -> str:
    items = health.items() if hasattr(health, "items") else ()
    return "，".join(f"{key} {value}" for key, value in items)
