"""What the last night's looks at counts and audit chain found: kept in the ledger's notes, said on the page 审计."""

from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from storage.ports import Transaction

_NOTE, _CHAIN = "counts:checked", "audit:verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One night's count."""

    at: datetime
    rollups: int  #: rollups that differed from the documents; all are set right but `left`
    left: int
    events: tuple[str, ...]  #: events whose counts were not those of their members; all are set right
    first: str = ""  #: the first difference, in words

    @property
    def well(self) -> bool:
        """Whether everything was as counted."""
        return not self.rollups and not self.events

    @property
    def words(self) -> str:
        """In Chinese what was found and done."""
        if self.well:
            return "汇总与明细一致"
        parts = []
        if self.rollups:
            parts.append(f"汇总有 {self.rollups} 处与明细不符")
        if self.events:
            parts.append(f"{len(self.events)} 个事件的条数与所含信息不符")
        done = f"已更正，仍有 {self.left} 处不符，请联系系统管理员" if self.left else "已按明细更正"
        return f"{'，'.join(parts)}，{done}"


def remember(tx: Transaction, counted: Counted) -> None:
    """Keep it until the next night."""
    tx.notes.put(_NOTE, orjson.dumps(asdict(counted)).decode())


def last_count(tx: Transaction) -> Counted | None:
    """The last night's; None where there was none yet."""
    text = tx.notes.get(_NOTE)
    if text is None:
        return None
    data = orjson.loads(text)
    return Counted(**{**data, "at": datetime.fromisoformat(data["at"]), "events": tuple(data["events"])})


def remember_chain(tx: Transaction, at: datetime, broken: int | None) -> None:
    """Keep when the audit chain was walked, and the number of the first broken entry (None where it holds)."""
    tx.notes.put(_CHAIN, orjson.dumps({"at": at, "broken": broken}).decode())


def last_chain(tx: Transaction) -> tuple[datetime, int | None] | None:
    """When the chain was walked last, and the first broken entry; None before the first night."""
    text = tx.notes.get(_CHAIN)
    if text is None:
        return None
    data = orjson.loads(text)
    return datetime.fromisoformat(data["at"]), data["broken"]
