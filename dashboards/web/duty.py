"""值守: who is on duty now and next, the hand-over, and every message that was sent or held back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import HTTPException
from starlette.responses import Response

from alerts.duty import gaps, next_shift, on_duty
from alerts.messages import words as reason_words
from dashboards.duty import HandOverRefused, hand_over, hand_overs, may_serve, shifts, still_open, take_over
from dashboards.web.event_actions import moment
from dashboards.web.visit import Here, Visit
from storage.types import Delivery, DutyShift, Recipient

AHEAD = timedelta(days=7)
#: messages looked through for one page
LOOKED = 2000
SHOWN = 200
#: tab → (word, states of the outbox)
VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "all": ("全部", ()),
    "suppressed": ("未发送（有原因）", ("suppressed", "superseded")),
    "failed": ("失败与不明", ("perm_fail", "dead", "unknown", "temp_fail")),
    "waiting": ("待发送", ("pending", "leased")),
    "ok": ("已送达", ("ok",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One duty post as it stands now."""

    row: Recipient
    now: DutyShift | None
    next: DutyShift | None
    gaps: tuple[tuple[datetime, datetime], ...]  #: within a week; empty where no roster is kept for the post


def page(visit: Here) -> Response:
    """The posts, what waits to be taken over, and the last hand-overs."""
    return show(visit)


def show(visit: Visit, status: int = 200, problem: str = "") -> Response:
    """The page, with what was wrong."""
    with visit.site.ledger.read() as tx:
        roster = shifts(tx, visit.office)
        rows = hand_overs(tx)
        users = tx.users.all()
        summary = still_open(tx, visit.office, visit.now)
    return visit.page(
        "duty.html",
        status,
        posts=list(posts(visit, roster)),
        waiting=[h for h in rows if h.taken_at is None and h.until > visit.now],
        rows=[h for h in rows if h.taken_at is not None or h.until <= visit.now][:30],
        people={user.name: user.display for user in users},
        takers=may_serve(users),
        summary=summary,
        problem=problem,
        tomorrow=visit.names.exact(visit.now + timedelta(hours=12))[:16].replace(" ", "T"),
    )


def posts(visit: Visit, roster: tuple[DutyShift, ...]) -> Iterator[Post]:
    """Every post of the office's files."""
    for name, row in visit.office.recipients.items():
        mine = [shift for shift in roster if shift.post == name]
        yield Post(
            row=row,
            now=on_duty(name, mine, visit.now),
            next=next_shift(name, mine, visit.now),
            gaps=tuple(gaps(name, mine, visit.now, visit.now + AHEAD)[:3]) if mine else (),
        )


def give(visit: Here) -> Response:
    """POST: hand a post on, or take a vacant one."""
    until = moment(visit.text("until", 30), visit.office.timezone)
    if until is None:
        return show(visit, 422, "请填写班次的结束时间。")
    try:
        with visit.site.ledger.begin() as tx:
            taker = tx.users.get(visit.text("taker", 64))
            if taker is None:
                raise HandOverRefused("没有这位用户")
            hand_over(
                tx, visit.text("post", 64), visit.user, taker, until, visit.text("note", 2000), visit.office, visit.now
            )
    except HandOverRefused as refusal:
        return show(visit, 422, f"{refusal}。")
    return visit.go("/duty", "given" if taker.name != visit.user.name else "taken")


def take(visit: Here, hand_over_id: str) -> Response:
    """POST: the named person takes over."""
    try:
        with visit.site.ledger.begin() as tx:
            take_over(tx, hand_over_id, visit.user, visit.now)
    except HandOverRefused as refusal:
        return show(visit, 422, f"{refusal}。")
    return visit.go("/duty", "taken")


def messages(visit: Here, view: str = "all", reason: str = "") -> Response:
    """What was sent and what was decided against, each with its reason code; a department sees its own."""
    if view not in VIEWS:
        raise HTTPException(404, "没有这个列表。")
    with visit.site.ledger.read() as tx:
        found = tx.outbox.find(status=VIEWS[view][1], size=LOOKED)
        people = {user.name: user.display for user in tx.users.all()}
    mine = [row for row in found if visit.scope is None or row.recipient in (visit.scope, visit.user.name)]
    codes = sorted({code_of(row) for row in mine})
    rows = [row for row in mine if reason in ("", code_of(row))]
    return visit.page(
        "messages.html",
        rows=rows[:SHOWN],
        total=len(rows),
        full=len(found) == LOOKED,
        looked=LOOKED,
        view=view,
        views=VIEWS,
        reason=reason,
        codes=[(code, reason_words(code)) for code in codes],
        said=reason_words,
        code_of=code_of,
        people=people,
    )


def code_of(row: Delivery) -> str:
    """The reason code without what it points to."""
    return row.reason.split(":")[0]
