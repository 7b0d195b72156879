"""Who works with the system, and what they did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["admin", "officer", "reviewer", "lead", "staff", "leader", "api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A member of staff. `leader` reads everything and changes nothing but rulings on returns."""

    name: str  #: login name
    display: str  #: as printed on pages
    roles: tuple[Role, ...]
    department: str | None = None
    password_hash: str | None = None  #: argon2; None until the one-time link was used
    must_change: bool = False
    email: str | None = None
    phone: str | None = None
    active: bool = True
    created_at: datetime | None = None
    session_epoch: int = 0  #: raised to log every session out


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One link of the hash chain. `seq` and the hashes are given by the ledger."""

    actor: str
    action: str  #: "task.sign", "event.merge", "document.unmask"
    object: str  #: "task:…", "event:…"
    at: datetime
    role: str = ""
    before: str = ""  #: JSON
    after: str = ""  #: JSON
    request: str = ""
    seq: int = 0
    previous_hash: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's word against the machine's; kept as a labelled row."""

    id: str
    document: str
    field: str  #: sentiment | department | ours | event | false_alarm
    machine: str
    person: str
    who: str
    at: datetime
    undone_at: datetime | None = None
