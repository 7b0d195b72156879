"""Real engines for the contract tests: a PostgreSQL server of our own on loopback, and small made-up documents."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.types import Assessment, DepartmentGuess, Document, Flag, PlaceHit, Sentiment, StoredDocument, TopicHit

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []


def cut(text: str) -> str:
    """A segmenter for tests: Latin words and single Han characters, lower case."""
    out: list[str] = []
    for sign in text.lower():
        joins = sign.isascii() and (sign.isalnum() or sign == "-") and out and out[-1]
        if joins and out[-1][-1].isascii():
            out[-1] += sign
        else:
            out.append("" if sign.isspace() else sign)
    return " ".join(part for part in out if part)


def stored(
    number: int | str,
    text: str = "示例",
    *,
    at: datetime = NOW,
    label: str = "neutral",
    topics: tuple[str, ...] = (),
    areas: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    keywords: tuple[str, ...] = (),
    department: str | None = None,
    duplicate_of: str | None = None,
    event: str | None = None,
    **fields: object,
) -> StoredDocument:
    """A document with its assessment; `fields` go to the Document."""
    given: dict[str, object] = {
        "fetched_at": at,
        "published_at": at,
        "source": "forum-1",
        "kind": "forum",
        "text": text,
    }
    document = Document(id=str(number), **(given | fields))  # type: ignore[arg-type]
    return StoredDocument(
        document=document,
        assessment=Assessment(
            id=document.id,
            sentiment=Sentiment(label=label, negative=0.2, neutral=0.5, positive=0.3),  # type: ignore[arg-type]
            topics=tuple(TopicHit(id=topic, words=()) for topic in topics),
            places=tuple(PlaceHit(id=a, name=a, confidence=1, ours=True, reason="") for a in areas),
            flags=tuple(Flag(code=code, text="") for code in flags),
            departments=(DepartmentGuess(id=department, probability=0.9, reason=""),) if department else (),
            keywords=keywords,
            tokens=cut(f"{document.title} {document.text}"),
        ),
        event=event,
        duplicate_of=duplicate_of,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """A server in a folder of its own; yields the URL of an empty database. Skips where PostgreSQL is not installed.

    Not below pytest's own folder: another run closes that to everybody but root, and the server does not run as root.
    """
    if not _BINARIES or (os.geteuid() == 0 and shutil.which("runuser") is None):
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs PostgreSQL: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed here")
    with tempfile.TemporaryDirectory(prefix="minsheng-pg-") as folder, _running(Path(folder), free_port()) as url:
        yield url


@contextmanager
def _running(home: Path, port: int) -> Iterator[str]:
    become: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(home, "nobody")
        become = ["runuser", "-u", "nobody", "--"]
    data = home / "data"
    initdb = [*become, str(_BINARIES[-1] / "initdb"), "-D", str(data), "-U", "minsheng", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*initdb, "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/")
    options = ["-p", str(port), "-c", f"unix_socket_directories={home}", "-c", "fsync=off", "-h", "127.0.0.1"]
    command = [*become, str(_BINARIES[-1] / "pg_ctl"), "-D", str(data), "-l", str(home / "log"), "-w"]
    subprocess.run([*command, "-o", " ".join(options), "start"], check=True, capture_output=True, cwd="/")
    try:
        yield f"postgresql+psycopg://minsheng@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*command, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/")
