"""Silences and umbrellas in the ledger: proposed by one person, approved by another, ended by anybody; all audited.

silence:<id>       {"silence", "proposed_at", "approved_at", "ended_at", "ended_by"}
umbrella:<event>   {"event", "children", "by", "at"}: a wider event that speaks for the ones under it

Deciding is `alerts.silences`; this file keeps and finds. Every function works in the caller's transaction.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.identity import digest
from alerts.silences import Silence, Umbrella, silence_problems, silenced
from alerts.transitions import FINAL
from storage.ledger.codec import dump, load
from storage.ports import Transaction
from storage.types import AuditEntry, Event, Office, Role, User

#: how long an ended silence stays in sight; the audit keeps it for good
KEPT = timedelta(days=30)
_OFFICE: frozenset[Role] = frozenset({"officer", "leader"})


class SilenceRefused(Exception):
    """A silence cannot be proposed, approved or ended; the message is for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSilence:
    """A silence with its history. It holds from its approval to its end."""

    silence: Silence
    proposed_at: datetime
    approved_at: datetime | None = None
    ended_at: datetime | None = None  #: withdrawn or refused before its time
    ended_by: str | None = None

    def holds(self, now: datetime) -> bool:
        return self.approved_at is not None and self.ended_at is None and self.silence.start <= now < self.silence.end


def propose_silence(tx: Transaction, silence: Silence, user: User, office: Office, now: datetime) -> KeptSilence:
    """Keep a proposal; author, approver and id are set here. SilenceRefused says what is wrong with it."""
    _permit(user)
    made = replace(silence, id=_new_id(silence, user, now), author=user.name, approver="")
    problems = silence_problems(made, office)
    if made.end <= now:
        problems.append("静默的结束时间已经过去")
    if problems:
        raise SilenceRefused("；".join(problems))
    kept = KeptSilence(silence=made, proposed_at=now)
    _write(tx, kept, "silence.propose", user, now)
    return kept


def approve_silence(tx: Transaction, silence_id: str, user: User, office: Office, now: datetime) -> KeptSilence:
    """A second person lets it hold. SilenceRefused for the author, an ended or an approved one."""
    _permit(user)
    kept = _open(tx, silence_id, now)
    if kept.approved_at is not None:
        raise SilenceRefused("该静默已经批准")
    silence = replace(kept.silence, approver=user.name)
    problems = silence_problems(silence, office)
    if problems:
        raise SilenceRefused("；".join(problems))
    approved = replace(kept, silence=silence, approved_at=now)
    _write(tx, approved, "silence.approve", user, now)
    return approved


def withdraw_silence(tx: Transaction, silence_id: str, user: User, now: datetime) -> KeptSilence:
    """End it now: the author takes it back, or a second person refuses it. To end a silence is always allowed."""
    _permit(user)
    ended = replace(_open(tx, silence_id, now), ended_at=now, ended_by=user.name)
    _write(tx, ended, "silence.withdraw", user, now)
    return ended


def all_silences(tx: Transaction) -> list[KeptSilence]:
    """Every one that is still in sight, the newest first, for a page."""
    rows = [_read(tx, name.removeprefix("silence:")) for name in tx.notes.keys("silence:")]
    return sorted((r for r in rows if r is not None), key=lambda r: (r.proposed_at, r.silence.id), reverse=True)


def load_silences(tx: Transaction, now: datetime) -> tuple[Silence, ...]:
    """The silences that hold now, for `plan` and `sweep`."""
    return tuple(kept.silence for kept in all_silences(tx) if kept.holds(now))


def ended_silences(tx: Transaction, since: datetime, now: datetime) -> tuple[Silence, ...]:
    """The ones that held and have ended since then, by time or by hand."""
    held = [k for k in all_silences(tx) if k.approved_at is not None]
    ends = [(k.silence, min(k.silence.end, k.ended_at or k.silence.end)) for k in held]
    return tuple(silence for silence, end in ends if since < end <= now)


def end_with_events(tx: Transaction, now: datetime) -> int:
    """End the silences whose own event is over: a matter that comes up again is spoken of again. How many."""
    running = [k for k in all_silences(tx) if k.silence.event and k.ended_at is None and now < k.silence.end]
    events = tx.events.get(sorted({k.silence.event for k in running if k.silence.event}))
    over = [k for k in running if (e := events.get(k.silence.event or "")) and e.status in ("closed", "merged")]
    for kept in over:
        ended = replace(kept, ended_at=now, ended_by="system")
        tx.notes.put(f"silence:{kept.silence.id}", dump(ended))
        what = f"silence:{kept.silence.id}"
        tx.audit.append(AuditEntry(actor="system", action="silence.end", object=what, after=dump(ended), at=now))
    return len(over)


def forget_silences(tx: Transaction, now: datetime) -> int:
    """Drop what ended long ago; how many."""
    old = [k for k in all_silences(tx) if max(k.silence.end, k.ended_at or k.silence.end) < now - KEPT]
    for kept in old:
        tx.notes.drop(f"silence:{kept.silence.id}")
    return len(old)


def covered(silence: Silence, events: Iterable[Event], office: Office) -> list[Event]:
    """The events that it would silence, for the preview: for all departments, or for each of the named ones."""
    approver = silence.approver if silence.approver != silence.author else f"{silence.author}?"
    tried = replace(silence, approver=approver)
    units = silence.departments or ("",)
    return [e for e in events if any(silenced(e, unit, (tried,), office, silence.start) for unit in units)]


def all_umbrellas(tx: Transaction) -> list[tuple[str, tuple[str, ...], str]]:
    """(wider event, events under it, who put them there) of every one that was set, for a page."""
    bodies = [json.loads(tx.notes.get(name) or "{}") for name in tx.notes.keys("umbrella:")]
    return [(b["event"], tuple(b["children"]), b["by"]) for b in bodies if b]


def cover(tx: Transaction, event: str, children: Sequence[str], user: User, now: datetime) -> None:
    """Put events under a wider one. It speaks for a department once that has signed for it, and while it is open."""
    _permit(user)
    wanted = sorted(set(children) - {event})
    body = {"event": event, "children": wanted, "by": user.name, "at": now.isoformat()}
    if wanted:
        tx.notes.put(f"umbrella:{event}", json.dumps(body))
    else:
        tx.notes.drop(f"umbrella:{event}")
    entry = AuditEntry(actor=user.name, action="event.cover", object=f"event:{event}", after=json.dumps(wanted), at=now)
    tx.audit.append(entry)


def load_umbrellas(tx: Transaction) -> tuple[Umbrella, ...]:
    """The umbrellas as they stand now, one for each department that has signed for the wider event."""
    found: list[Umbrella] = []
    for name in tx.notes.keys("umbrella:"):
        body = json.loads(tx.notes.get(name) or "{}")
        event = tx.events.get([body["event"]]).get(body["event"]) if body else None
        if event is None or event.status not in ("open", "quiet"):
            continue
        tasks, _ = tx.tasks.find(event=event.id, size=1000)
        signed = {t.department for t in tasks if t.signed_at is not None and t.state not in FINAL}
        found += [
            Umbrella(
                event=event.id,
                department=unit,
                level=event.level,
                open=True,
                signed=True,
                children=tuple(body["children"]),
            )
            for unit in sorted(signed)
        ]
    return tuple(found)


def _permit(user: User) -> None:
    if not user.active or _OFFICE.isdisjoint(user.roles):
        raise SilenceRefused("只有舆情监测员或值班领导可以办理静默")


def _new_id(silence: Silence, user: User, now: datetime) -> str:
    return "s-" + digest("silence", user.name, now.isoformat(), silence.reason, silence.event or "")[:16]


def _read(tx: Transaction, silence_id: str) -> KeptSilence | None:
    text = tx.notes.get(f"silence:{silence_id}")
    return load(KeptSilence, text) if text else None


def _open(tx: Transaction, silence_id: str, now: datetime) -> KeptSilence:
    kept = _read(tx, silence_id)
    if kept is None:
        raise SilenceRefused("没有这一条静默，可能已被清理")
    if kept.ended_at is not None or kept.silence.end <= now:
        raise SilenceRefused("该静默已经结束")
    return kept


def _write(tx: Transaction, kept: KeptSilence, action: str, user: User, now: datetime) -> None:
    text = dump(kept)
    tx.notes.put(f"silence:{kept.silence.id}", text)
    role = next((r for r in user.roles if r in _OFFICE), "")
    what = f"silence:{kept.silence.id}"
    tx.audit.append(AuditEntry(actor=user.name, role=role, action=action, object=what, after=text, at=now))
