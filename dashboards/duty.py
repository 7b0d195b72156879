"""The roster as people live it: who has taken over which post, what was handed on, and with what open.

    duty:<id>   {"post", "giver", "taker", "given_at", "until", "taken_at", "note", "open"}

`office.toml [[duty]]` is the plan; a hand-over that was taken is a shift of its own, and of two that run the later to
start is on duty. Every function works in the caller's transaction; every step is audited.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.identity import digest
from storage.ledger.codec import dump, load
from storage.ports import Transaction
from storage.types import AuditEntry, DutyShift, Office, Role, User

#: a shift that was taken on the page ends after a day at the latest
LONGEST = timedelta(hours=24)
#: how long hand-overs stay in sight; the audit keeps them for good
KEPT = timedelta(days=30)
#: who may be on duty
ON_DUTY: frozenset[Role] = frozenset({"officer", "leader"})


class HandOverRefused(Exception):
    """A post cannot be handed on; the message is for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """One post from one person to the next; it is a shift from `taken_at` on."""

    id: str
    post: str
    giver: str  #: user name
    taker: str
    given_at: datetime
    until: datetime
    note: str  #: what the next one must know
    open: str = ""  #: what was open at that moment, counted by the system
    taken_at: datetime | None = None

    @property
    def shift(self) -> DutyShift | None:
        if self.taken_at is None:
            return None
        return DutyShift(post=self.post, user=self.taker, start=self.taken_at, end=self.until)


def hand_over(
    tx: Transaction, post: str, user: User, taker: User, until: datetime, note: str, office: Office, now: datetime
) -> HandOver:
    """Hand a post on; whoever names himself is on duty at once. HandOverRefused says what is wrong."""
    _check(post, user, taker, until, note, office, now)
    made = HandOver(
        id=digest("duty", post, user.name, taker.name, now.isoformat())[:16],
        post=post,
        giver=user.name,
        taker=taker.name,
        given_at=now,
        until=until,
        note=note,
        open=still_open(tx, office, now),
        taken_at=now if taker.name == user.name else None,
    )
    _write(tx, made, "duty.give", user, now)
    return made


def take_over(tx: Transaction, hand_over_id: str, user: User, now: datetime) -> HandOver:
    """The named person is on duty from now on. HandOverRefused for anybody else, and for what is over."""
    text = tx.notes.get(f"duty:{hand_over_id}")
    if text is None:
        raise HandOverRefused("没有这一次交班，可能已被清理")
    found = load(HandOver, text)
    if found.taker != user.name:
        raise HandOverRefused("只有交班时指定的接班人可以接班")
    if found.taken_at is not None:
        raise HandOverRefused("该班次已经接班")
    if found.until <= now:
        raise HandOverRefused("该班次已经结束，请重新交班")
    taken = replace(found, taken_at=now)
    _write(tx, taken, "duty.take", user, now)
    return taken


def hand_overs(tx: Transaction) -> list[HandOver]:
    """Every one that is still in sight, the newest first."""
    texts = [tx.notes.get(name) for name in tx.notes.keys("duty:")]
    return sorted((load(HandOver, t) for t in texts if t), key=lambda h: (h.given_at, h.id), reverse=True)


def shifts(tx: Transaction, office: Office) -> tuple[DutyShift, ...]:
    """The plan of office.toml and what was taken over on the page, for `Reach`."""
    return (*office.duty, *(shift for h in hand_overs(tx) if (shift := h.shift) is not None))


def forget_hand_overs(tx: Transaction, now: datetime) -> int:
    """Drop what ended long ago; how many."""
    old = [h for h in hand_overs(tx) if h.until < now - KEPT]
    for row in old:
        tx.notes.drop(f"duty:{row.id}")
    return len(old)


def still_open(tx: Transaction, office: Office, now: datetime) -> str:
    """What the next person takes over, in one line."""
    counts = tx.tasks.counts(now=now)
    first = next((rank for rank, rule in enumerate(office.levels, 1) if rule.urgent), len(office.levels))
    urgent, total = tx.events.find(level_from=first, status=("open", "quiet"), historic=False, size=5)
    titles = "、".join(event.title[:24] for event in urgent)
    named = {"open": "未结任务", "unsigned": "待签收", "overdue": "超期", "returns": "退件待裁定"}
    words = "，".join(f"{word} {counts.get(key, 0)} 件" for key, word in named.items())
    return f"{words}；紧急等级事件 {total} 起" + (
        f"：{titles}" + ("等" if total > len(urgent) else "") if titles else ""
    )


def may_serve(users: Sequence[User]) -> list[User]:
    """Who may be on duty, by display name."""
    return sorted((u for u in users if u.active and ON_DUTY & set(u.roles)), key=lambda u: (u.display, u.name))


def _check(post: str, user: User, taker: User, until: datetime, note: str, office: Office, now: datetime) -> None:
    if post not in office.recipients:
        raise HandOverRefused("没有这个值班岗位")
    if not user.active or ON_DUTY.isdisjoint(user.roles):
        raise HandOverRefused("只有舆情监测员或值班领导可以交接班")
    if not taker.active or ON_DUTY.isdisjoint(taker.roles):
        raise HandOverRefused("接班人应是舆情监测员或值班领导")
    if not now < until <= now + LONGEST:
        raise HandOverRefused("一个班次最长 24 小时，结束时间应晚于现在")
    if taker.name != user.name and not note:
        raise HandOverRefused("请写明交班事项；没有的写“无”")


def _write(tx: Transaction, row: HandOver, action: str, user: User, now: datetime) -> None:
    text = dump(row)
    tx.notes.put(f"duty:{row.id}", text)
    role = next((r for r in user.roles if r in ON_DUTY), "")
    tx.audit.append(
        AuditEntry(actor=user.name, role=role, action=action, object=f"duty:{row.post}", after=text, at=now)
    )
