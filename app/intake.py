"""Hop 1: whatever comes in, from a crawl, a file or the API, is made safe and written down before anything else."""

from collections.abc import Callable, Sequence
from datetime import datetime

from storage.ports import Ledger
from storage.prepare import prepare_all
from storage.types import Document


def accept(documents: Sequence[Document], ledger: Ledger, key: bytes, now: datetime, *, live: bool = False) -> int:
    """Write documents to the intake; when this returns they are on the disk. Returns rows added."""
    rows = prepare_all(documents, key, now, live=live)
    with ledger.begin() as tx:
        return tx.intake.add(rows, now)


def sink(ledger: Ledger, key: bytes, clock: Callable[[], datetime]) -> Callable[[Sequence[Document]], None]:
    """`accept` as the crawler wants it."""

    def write(documents: Sequence[Document]) -> None:
        accept(documents, ledger, key, clock())

    return write
