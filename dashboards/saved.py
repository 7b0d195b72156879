"""Saved searches: kept for their owner, and a message when enough new hits came within a time.

The threshold counts hits whose own time lies in the last `hours`, and after the last message of this search: one wave
is one message, and the next one needs as many new hits again. What was published earlier and gathered late is not new.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from alerts.duty import contact
from alerts.messages import clean, words
from alerts.notices import compose
from dashboards.searching import BadForm, SearchForm, read_form, to_query
from storage.ports import DocumentStore, Ledger, StoreError, Transaction
from storage.query import QuerySyntaxError
from storage.types import AuditEntry, Delivery, Office, User

PREFIX = "saved-search:"
REASON = "SAVED_SEARCH"
MOST = 50  #: of one user
CITY_WIDE = frozenset({"admin", "officer", "reviewer", "leader"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One saved search."""

    id: str
    owner: str
    name: str
    address: str  #: the form as a query string
    threshold: int = 0  #: hits that make a message; 0 = no messages
    hours: int = 24
    created: str = ""  #: ISO 8601
    told: str = ""  #: when the last message was written, ISO 8601

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.owner}:{self.id}"


def new(owner: str, name: str, address: str, threshold: int, hours: int, now: datetime) -> Saved:
    """A fresh one; BadForm (or QuerySyntaxError) when its words, dates or figures cannot be used."""
    row = Saved(
        id=uuid4().hex, owner=owner, name=name, address=address, threshold=threshold, hours=hours,
        created=now.isoformat(),
    )  # fmt: skip
    check(row)
    return row


def check(row: Saved) -> None:
    """Raise BadForm or QuerySyntaxError when the row cannot be used."""
    if not row.name.strip() or len(row.name) > 60:
        raise BadForm("请给检索起一个名称，最多 60 字。")
    if not 0 <= row.threshold <= 1_000_000 or not 1 <= row.hours <= 24 * 30:
        raise BadForm("提醒条数应为 0 至 1000000，时长应为 1 至 720 小时。")
    if len(row.address) > 6000:
        raise BadForm("检索条件过长，请简化后保存。")
    to_query(form(row), "UTC", None)


def form(row: Saved) -> SearchForm:
    """The search form that was kept."""
    return read_form(parse_qsl(row.address))


def of(tx: Transaction, owner: str) -> list[Saved]:
    """A user's searches by name."""
    return sorted(rows(tx, f"{PREFIX}{owner}:"), key=lambda row: (row.name, row.id))


def rows(tx: Transaction, prefix: str = PREFIX) -> list[Saved]:
    """Every saved search under a prefix."""
    texts = (tx.notes.get(key) for key in tx.notes.keys(prefix))
    return [Saved(**json.loads(text)) for text in texts if text]


def put(tx: Transaction, row: Saved) -> None:
    """Write one; BadForm when the owner has too many."""
    if tx.notes.get(row.key) is None and len(tx.notes.keys(f"{PREFIX}{row.owner}:")) >= MOST:
        raise BadForm(f"每人最多保存 {MOST} 条检索，请先删除不用的。")
    tx.notes.put(row.key, json.dumps(asdict(row), ensure_ascii=False))


def scope_of(user: User) -> str | None:
    """The department that a user's searches are limited to; None for city-wide roles."""
    return None if CITY_WIDE & set(user.roles) else user.department or "-"


def since(row: Saved, now: datetime) -> datetime:
    """From when hits count as new."""
    start = now - timedelta(hours=row.hours)
    return max(start, datetime.fromisoformat(row.told)) if row.told else start


def fresh(documents: DocumentStore, row: Saved, user: User, office: Office, now: datetime) -> int:
    """New hits of a search for its owner."""
    query = to_query(form(row), office.timezone, scope_of(user))
    start = max(since(row, now), query.since) if query.since else since(row, now)
    until = min(now, query.until) if query.until else now
    return documents.count(replace(query, since=start, until=until, historic=False)) if start < until else 0


def message(
    row: Saved, hits: int, user: User, office: Office, now: datetime, users: Mapping[str, User]
) -> list[Delivery]:
    """The outbox rows that tell the owner. Name, figure and link only: no citizen's words leave."""
    line = f"【{words(REASON)}】{clean(row.name)}：近 {row.hours} 小时新增 {hits} 条"
    link = f"{office.base_url.rstrip('/')}/documents?{urlencode(parse_qsl(row.address))}"
    who = contact(user.name, office, now, users=users)
    epoch = f"{row.id}|{row.told or row.created}"
    return compose(REASON, epoch, who, office, now, subject_text=line, body=f"{line}\n请登录系统查看：{link}", level=0)


def tell(documents: DocumentStore, ledger: Ledger, office: Office, now: datetime) -> int:
    """Write a message for every search whose threshold is reached. Returns messages written; the scheduler calls it.

    A search that cannot be read any more, or whose owner is locked, is passed over.
    """
    with ledger.read() as tx:
        users = {user.name: user for user in tx.users.all()}
        asked = [row for row in rows(tx) if row.threshold]
    written = 0
    for row, hits in reached(documents, asked, users, office, now):
        with ledger.begin() as tx:
            kept = tx.notes.get(row.key)
            if kept is None or Saved(**json.loads(kept)) != row:
                continue  # changed or deleted meanwhile: the next round sees it
            written += tx.outbox.add(message(row, hits, users[row.owner], office, now, users))
            put(tx, replace(row, told=now.isoformat()))
            tx.audit.append(
                AuditEntry(actor="system", action="search.tell", object=f"search:{row.id}", at=now, after=str(hits))
            )
    return written


def reached(
    documents: DocumentStore, asked: Iterable[Saved], users: Mapping[str, User], office: Office, now: datetime
) -> Iterable[tuple[Saved, int]]:
    """Searches with as many new hits as their owner wants to hear of."""
    for row in asked:
        user = users.get(row.owner)
        if user is None or not user.active:
            continue
        try:
            hits = fresh(documents, row, user, office, now)
        except (QuerySyntaxError, BadForm, StoreError):
            continue
        if hits >= row.threshold:
            yield row, hits
