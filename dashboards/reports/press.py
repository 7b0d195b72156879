"""Makes what was ordered: gather, write every format, keep. Whoever holds an order's lease makes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType

from alerts.duty import contact
from alerts.messages import TITLE_CHARACTERS, clean
from alerts.notices import Reach, compose, system
from dashboards.reports import facts, pdf
from dashboards.reports.figures import NoChineseFont
from dashboards.reports.issues import Busy, Issue, NotAllowed, find, issues, keep, sent, store
from dashboards.reports.orders import LEASE, SYSTEM, Order, State, put, take
from dashboards.reports.tree import KIND_NAMES, Report, ReportKind
from dashboards.reports.writers import WRITERS
from storage.ports import DocumentStore, Ledger, StoreError, Transaction
from storage.types import Delivery, Office, Role, User

#: kind → who gathers it
OF_EVENT: Mapping[ReportKind, Callable[[str, Office, DocumentStore, Ledger, datetime], Report]] = {
    "special": facts.event_special,
    "risk": facts.event_risk,
    "ledger": facts.ledger_of,
}
#: these may open an issue on the board
CITY_WIDE: frozenset[Role] = frozenset({"admin", "officer", "reviewer", "leader"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What is needed to make reports."""

    office: Callable[[], Office]
    documents: DocumentStore
    ledger: Ledger
    data: Path
    clock: Callable[[], datetime]
    forms: tuple[str, ...] = tuple(WRITERS)


#: what may go wrong without an error of the program
EXPECTED = (NotAllowed, facts.UnknownSubject, NoChineseFont, pdf.NoPdf)


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Writes an error of the program into the order on its way up, so that a restart does not meet it again."""

    press: Press
    order: Order

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, (*EXPECTED, OSError, StoreError)):
            _end(self.press, self.order, "failed", f"编制出错（{type(error).__name__}），请联系系统管理员。")


def make_next(press: Press) -> Order | None:
    """Make the oldest order that waits; None when none does. An error of the program goes on to the caller."""
    with press.ledger.begin() as tx:
        order = take(tx, press.clock())
    if order is None:
        return None
    try:
        with _Recorder(press, order):
            issue = _made_before(press, order) or _make(press, order)
    except Busy:
        waiting = replace(order, state="waiting", said="", until=press.clock() + LEASE / 10, tries=order.tries - 1)
        with press.ledger.begin() as tx:
            put(tx, waiting)
        return waiting
    except EXPECTED as error:
        return _end(press, order, "failed", str(error))
    except OSError as error:
        return _end(press, order, "failed", f"文件写不下（{error.strerror}），请检查数据目录后重新编制。")
    short = "" if "pdf" in {form for form, _, _ in issue.files} else "本机没有可生成 PDF 的程序，缺 PDF 格式。"
    return _end(press, order, "done", short, issue.key)


def _made_before(press: Press, order: Order) -> Issue | None:
    """For the schedule: a report that a person has made meanwhile is left as it is."""
    if order.by != SYSTEM:
        return None
    with press.ledger.read() as tx:
        return next((i for i in issues(tx, order.kind) if i.subject == order.subject and i.files), None)


def _make(press: Press, order: Order) -> Issue:
    office, now = press.office(), press.clock()
    report = gather(order, office, press.documents, press.ledger, now)

    def begin(form: str) -> None:
        with press.ledger.begin() as tx:
            put(tx, replace(order, said=f"正在生成 {form}", until=press.clock() + LEASE))

    forms = [form for form in press.forms if form != "pdf" or pdf.possible()]
    issue = keep(press.ledger, press.data, report, forms, order.by, press.clock(), over=order.over, begin=begin)
    if order.by == SYSTEM:
        with press.ledger.begin() as tx:
            tx.outbox.add(_waits_for_approval(issue, office, press.clock(), tx))
    return issue


def gather(order: Order, office: Office, documents: DocumentStore, ledger: Ledger, now: datetime) -> Report:
    """The report of an order. UnknownSubject: no such event, a day that lies ahead or is none."""
    if order.kind in OF_EVENT:
        return OF_EVENT[order.kind](order.subject, office, documents, ledger, now)
    try:
        day = date.fromisoformat(order.subject)
    except ValueError:
        raise facts.UnknownSubject(f"日期 {order.subject!r} 无法识别，应为 2026-11-23 的形式。") from None
    return facts.PERIODS[order.kind](office, documents, ledger, now, day=day)


def _end(press: Press, order: Order, state: State, said: str, issue: str = "") -> Order:
    ended = replace(order, state=state, said=said, issue=issue, at=press.clock(), until=None)
    with press.ledger.begin() as tx:
        put(tx, ended)
    return ended


def _waits_for_approval(issue: Issue, office: Office, now: datetime, tx: Transaction) -> list[Delivery]:
    """A word to the duty post: the schedule has made a draft, a person must look at it."""
    text = f"{issue.title}{issue.name}已编制，待审定：{link(issue, office)}"
    reach = Reach(users={user.name: user for user in tx.users.all()})
    return system("REPORT", f"{issue.key}|{issue.made_at.isoformat()}", text, office, now, urgent=False, reach=reach)


def link(issue: Issue, office: Office) -> str:
    """Where the board shows the issue."""
    return f"{office.base_url.rstrip('/')}/reports/{issue.address}"


def readers(office: Office, users: Sequence[User]) -> dict[str, str]:
    """Whom an issue may be sent to: duty posts, and users who may read it; id → name."""
    posts = {post.id: post.name for post in office.recipients.values()}
    people = {u.name: u.display for u in users if u.active and CITY_WIDE & set(u.roles)}
    return {**people, **posts}


def send(ledger: Ledger, key: str, to: Sequence[str], office: Office, by: str, now: datetime) -> Issue:
    """Tell the recipients of an approved issue: title and link only, by the outbox. NotAllowed: see the message."""
    with ledger.begin() as tx:
        users = tx.users.all()
        offered = readers(office, users)
        chosen = [name for name in dict.fromkeys(to) if name in offered]
        if not chosen or len(chosen) < len(set(to)):
            raise NotAllowed("请在所列岗位和人员中选择至少一个接收对象。")
        issue = replace(sent(find(tx, key), now), sent_to=tuple(chosen))
        tx.outbox.add(row for name in chosen for row in _message(issue, name, office, now, users))
        store(tx, issue, "sent", by, now)
    return issue


def _message(issue: Issue, to: str, office: Office, now: datetime, users: Sequence[User]) -> list[Delivery]:
    subject = f"【{KIND_NAMES[issue.kind]}{issue.name}】{clean(issue.title, TITLE_CHARACTERS)}"
    who = contact(to, office, now, users={user.name: user for user in users})
    return compose(
        "REPORT", issue.key, who, office, now,
        subject_text=subject, body=f"{subject}\n请登录系统查看：{link(issue, office)}", level=0, task=issue.key,
    )  # fmt: skip
