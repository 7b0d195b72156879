"""A small office whose clock is in our hands: real stores, the real pipeline, real people's actions, no network."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from small_office import small_office

from alerts.tasks import apply
from analysis.words import segment
from app.intake import accept
from app.jobs import JOBS
from app.sender import Sender
from app.turn import Turn
from app.work import make_pipeline, rebuild
from storage.open import open_stores
from storage.ports import DocumentStore, Ledger
from storage.types import Document, Event, Kind, Office, Role, Task, User

ZONE = ZoneInfo("Asia/Shanghai")
KEY = b"k" * 32


def user(name: str, role: Role, department: str | None = None) -> User:
    return User(name=name, display=name, roles=(role,), department=department)


@dataclass
class Town:
    """One office on one data folder. `at` moves the clock; nothing else does."""

    office: Office
    documents: DocumentStore
    ledger: Ledger
    turn: Turn
    sender: Sender
    now: datetime

    @classmethod
    def open(cls, folder: Path, start: str, office: Office | None = None) -> "Town":
        where = office or small_office()
        documents, ledger = open_stores(folder, segment=segment)
        now = datetime.fromisoformat(start).replace(tzinfo=ZONE)
        holder: list[Town] = []

        def clock() -> datetime:
            return holder[0].now

        pipeline = make_pipeline(where, documents, ledger)
        rebuild(pipeline, now)
        town = cls(
            office=where,
            documents=documents,
            ledger=ledger,
            turn=Turn(pipeline=pipeline, clock=clock, owner="w"),
            sender=Sender(office=where, ledger=ledger, clock=clock, owner="s"),
            now=now,
        )
        holder.append(town)
        return town

    def close(self) -> None:
        self.documents.close()
        self.ledger.close()

    def at(self, moment: str) -> None:
        """Let every minute up to HH:MM of the same day pass as the running program does."""
        hour, minute = map(int, moment.split(":"))
        self.until(self.now.replace(hour=hour, minute=minute, second=0))

    def until(self, end: datetime) -> None:
        while self.now < end:
            self.now = min(end, self.now + timedelta(minutes=1))
            if self.now.minute % 2 == 0:
                JOBS["evaluate_urgent"](self.turn.pipeline, self.now)
            JOBS["sweep"](self.turn.pipeline, self.now)
            self.work()

    def post(self, *posts: Document) -> None:
        accept(posts, self.ledger, KEY, self.now)
        self.work()

    def work(self) -> None:
        while self.turn.step() is not None:
            pass
        while self.sender.send_due():
            pass

    def say(self, number: int, text: str, *, kind: Kind = "forum", title: str = "", **more: object) -> Document:
        base = Document(
            id=f"p{number}", text=text, title=title, fetched_at=self.now, published_at=self.now, source=f"{kind}-site",
            kind=kind, author=f"网友{number}",
        )  # fmt: skip
        return replace(base, **more)  # type: ignore[arg-type]

    def events(self) -> list[Event]:
        with self.ledger.read() as tx:
            return tx.events.find(size=100)[0]

    def tasks(self) -> list[Task]:
        with self.ledger.read() as tx:
            return tx.tasks.find(size=100)[0]

    def act(self, task: Task, action: str, who: User, **details: object) -> Task:
        """One person's action, written as the pages write it."""
        with self.ledger.begin() as tx:
            fresh = tx.tasks.get(task.id)
            assert fresh is not None
            replies = tx.tasks.replies(task.id)
            children = [t for t in tx.tasks.find(event=task.event, size=50)[0] if t.parent == task.id]
            step = apply(
                fresh, action, user=who, office=self.office, now=self.now,
                reply=replies[-1] if replies else None, children=children, **details,
            )  # fmt: skip
            done = tx.tasks.change(step.task)
            if step.reply is not None:
                known = {r.id for r in replies}
                (tx.tasks.save_reply if step.reply.id in known else tx.tasks.add_reply)(step.reply)
            tx.outbox.add(step.deliveries)
            tx.audit.append(step.audit)
        self.work()
        return done
