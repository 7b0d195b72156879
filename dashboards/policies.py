"""Policies in the ledger: registered, assessed, planned, approved part by part, released, watched; all audited.

    policy:<id>          the policy with its 预案 and its package
    assessment:<id>      its 舆情风险评估
    policy-event:<event> the policy that an event is about: found by its rule, or said by a person

Deciding is `alerts.policies` and `alerts.foresight`. Every function works in the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from alerts.foresight import Assessment, about, unready
from alerts.identity import digest
from alerts.policies import PART_NAMES, Consultation, Part, PartName, Policy
from storage.ledger.codec import dump, load
from storage.ports import StaleVersion, Transaction
from storage.types import AuditEntry, Event, User


class PolicyRefused(Exception):
    """A step of a policy cannot be taken; the message is for the person who tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPolicy:
    """A policy with its assessment."""

    policy: Policy
    assessment: Assessment | None = None


def register(tx: Transaction, policy: Policy, user: User, now: datetime) -> Policy:
    """A new draft; id, author and moment are set here."""
    made = replace(
        policy,
        id="p-" + digest("policy", user.name, now.isoformat(), policy.title)[:16],
        registered_by=user.name,
        registered_at=now,
    )
    _write(tx, made, "policy.register", user, now)
    return made


def read(tx: Transaction, policy_id: str) -> KeptPolicy | None:
    """One policy, or None."""
    text = tx.notes.get(f"policy:{policy_id}")
    if text is None:
        return None
    kept = tx.notes.get(f"assessment:{policy_id}")
    return KeptPolicy(policy=load(Policy, text), assessment=load(Assessment, kept) if kept else None)


def policies(tx: Transaction) -> list[Policy]:
    """Every policy, the newest first."""
    texts = [tx.notes.get(name) for name in tx.notes.keys("policy:")]
    rows = [load(Policy, text) for text in texts if text]
    return sorted(rows, key=lambda p: (p.registered_at is not None, p.registered_at, p.id), reverse=True)


def assess(tx: Transaction, assessment: Assessment, user: User, now: datetime) -> None:
    """Keep the assessment; a later one replaces it, the audit keeps both."""
    text = dump(assessment)
    tx.notes.put(f"assessment:{assessment.policy}", text)
    _audit(tx, assessment.policy, "policy.assess", text, user, now)


def change(tx: Transaction, policy: Policy, action: str, user: User, now: datetime, note: str = "") -> Policy:
    """Write a changed policy; StaleVersion where somebody was faster."""
    stored = read(tx, policy.id)
    if stored is None or stored.policy.version != policy.version:
        raise StaleVersion("这项政策刚刚被更新，您的操作没有保存。请核对最新内容后重试。")
    made = replace(policy, version=policy.version + 1)
    _write(tx, made, action, user, now, note)
    return made


def approve_part(tx: Transaction, policy: Policy, part: str, user: User, now: datetime) -> Policy:
    """审签 of one of the three parts, by somebody else than who registered it."""
    name = _part(part)
    if policy.registered_by == user.name:
        raise PolicyRefused("审签人不能是登记人本人")
    row = policy.parts.get(name, Part())
    if row.approved_at is not None:
        raise PolicyRefused(f"{PART_NAMES[name]}已经审签")
    parts = {**policy.parts, name: replace(row, approved_at=now)}
    return change(tx, replace(policy, parts=parts), "policy.approve", user, now, PART_NAMES[name])


def publish_part(tx: Transaction, policy: Policy, part: str, at: datetime, user: User, now: datetime) -> Policy:
    """When a part came out: 同步发布 is judged by it."""
    name = _part(part)
    row = policy.parts.get(name, Part())
    if row.approved_at is None:
        raise PolicyRefused(f"{PART_NAMES[name]}尚未审签，不能登记发布")
    if at > now:
        raise PolicyRefused("发布时间不能晚于现在")
    parts = {**policy.parts, name: replace(row, published_at=at)}
    return change(tx, replace(policy, parts=parts), "policy.publish", user, now, PART_NAMES[name])


def consult(tx: Transaction, policy: Policy, row: Consultation, user: User, now: datetime) -> Policy:
    """Keep what is known of the consultation; a later word replaces it, the audit keeps both."""
    if policy.released_at is not None:
        raise PolicyRefused("该政策已经发布，征求意见情况不能再改")
    return change(tx, replace(policy, consultation=row), "policy.consult", user, now, said(row))


def said(row: Consultation) -> str:
    """One line of the consultation for the audit and the page."""
    if row.exempt:
        return f"例外：{row.exempt}"
    counted = "" if row.opinions is None else f"，收到 {row.opinions} 条，采纳 {row.adopted} 条"
    return f"{row.begin} 至 {row.end}{counted}"


def release(tx: Transaction, kept: KeptPolicy, user: User, now: datetime, today: date) -> Policy:
    """The policy is out: its 预案 is live from now on. PolicyRefused names everything that is missing.

    today: the office's own date, by which a consultation has ended or not.
    """
    policy = kept.policy
    if policy.released_at is not None:
        raise PolicyRefused("该政策已经发布")
    problems = unready(policy, kept.assessment, today)
    if problems:
        raise PolicyRefused("；".join(problems))
    return change(tx, replace(policy, released_at=now), "policy.release", user, now)


def withdraw(tx: Transaction, policy: Policy, user: User, now: datetime, reason: str) -> Policy:
    """The draft is given up, or the policy is no longer watched."""
    if policy.withdrawn_at is not None:
        raise PolicyRefused("该政策已经撤回")
    return change(tx, replace(policy, withdrawn_at=now), "policy.withdraw", user, now, reason)


def link(tx: Transaction, event: str, policy: str, user: User, now: datetime) -> None:
    """A person says that an event is about a policy; wins over the rule."""
    tx.notes.put(f"policy-event:{event}", policy)
    _audit(tx, policy, "policy.link", event, user, now)


def linked(tx: Transaction, policy: str) -> list[str]:
    """Ids of the events that are about it."""
    names = tx.notes.keys("policy-event:")
    return [name.removeprefix("policy-event:") for name in names if tx.notes.get(name) == policy]


def policy_of(tx: Transaction, known: Sequence[Policy], event: Event, texts: Iterable[str]) -> Policy | None:
    """The policy that an event is about; the first text that shows it is remembered. `known`: `policies`."""
    alive = [p for p in known if p.withdrawn_at is None]
    if not alive or event.historic:
        return None
    said = tx.notes.get(f"policy-event:{event.id}")
    if said is not None:
        return next((p for p in alive if p.id == said), None)
    found = about(alive, texts)
    if found is not None:
        tx.notes.put(f"policy-event:{event.id}", found.id)
    return found


def _part(text: str) -> PartName:
    for name in PART_NAMES:
        if name == text:
            return name
    raise PolicyRefused("没有这一件材料")


def _write(tx: Transaction, policy: Policy, action: str, user: User, now: datetime, note: str = "") -> None:
    text = dump(policy)
    tx.notes.put(f"policy:{policy.id}", text)
    _audit(tx, policy.id, action, note or text, user, now)


def _audit(tx: Transaction, policy: str, action: str, after: str, user: User, now: datetime) -> None:
    role = user.roles[0] if user.roles else ""
    entry = AuditEntry(actor=user.name, role=role, action=action, object=f"policy:{policy}", after=after, at=now)
    tx.audit.append(entry)
