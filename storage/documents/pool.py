"""Connections to one SQLite file: many readers that never wait, one writer at a time."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from storage.ports import StoreError

_BUSY_SECONDS = 15.0


class Pool:
    """Readers are lent and given back, so any number of short-lived threads leaves no connection behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._closed = False

    @contextlib.contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """One consistent snapshot for the whole block."""
        with self._guard:
            self._check_open()
            db = self._idle.pop() if self._idle else None
        with translated(self.path):
            db = db or connect(self.path, readonly=True)
            db.execute("BEGIN")
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._give_back(db)

    @contextlib.contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE … COMMIT, or ROLLBACK on any exception; StoreError after 15 s behind another writer."""
        if not self._writing.acquire(timeout=_BUSY_SECONDS):
            raise StoreError("文档库正忙，15 秒内没有轮到写入：请稍后再试")
        try:
            with translated(self.path):
                self._check_open()
                db = self._writer = self._writer or connect(self.path)
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                finally:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close what is idle now and the rest as it comes back. Twice is once."""
        with self._writing, self._guard:
            self._closed = True
            for db in [*self._idle, *([self._writer] if self._writer else [])]:
                db.close()
            self._idle.clear()
            self._writer = None

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(db)
                return
        db.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("文档库已经关闭")


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection without Python's own transaction handling; WAL, every commit on the disk."""
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA cache_size = -32000")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(f"PRAGMA query_only = {'ON' if readonly else 'OFF'}")
    return db


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's own errors as StoreError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{_advice(error)}（{path.name}：{error}）") from error


def _advice(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "数据库正忙：请稍后再试"
    if "disk is full" in text or "database or disk is full" in text:
        return "磁盘已满：请清理磁盘或换更大的数据盘后重试"
    if "readonly" in text or "unable to open" in text:
        return "数据文件夹不可写：请检查文件夹的权限和所属用户"
    if "not a database" in text or "malformed" in text:
        return "文件不是数据库或已损坏：请移走它并用备份恢复"
    return "数据库出错：请把这句话告诉系统管理员"
