"""The data folder of one office: what lies where, who owns it, and its secret.

data/
  minsheng.db …      the embedded stores
  secret.key         key of author hashes and sessions, readable by the owner only
  run.lock           held by the running `minsheng run`; says which process, and where to look
  logs/              one file for each process
  sample.json        port and start of the sample town
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.ports import AlreadyRunning, StoreError

#: purpose of the key that hashes authors
AUTHOR = "author"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A data folder that exists and can be written."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def sample(self) -> Path:
        return self.path / "sample.json"


def open_folder(path: Path) -> Folder:
    """Make the folder and prove that it can be written; StoreError says what to do."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "logs").mkdir(exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StoreError(
            f"数据目录 {path} 不能写入（{error.strerror}）；请换一个目录（make run DATA=目录）或修改它的权限。"
        ) from error
    return Folder(path=path.resolve())


def secret(folder: Folder) -> bytes:
    """The office's key, made on first use. Losing it means that earlier author hashes no longer match."""
    path = folder.path / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) < 32:
            raise StoreError(f"{path} 已损坏（应为 32 字节）；请从备份恢复它。") from None
        return key
    key = secrets.token_bytes(32)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def derived(key: bytes, purpose: str) -> bytes:
    """A key of its own for one purpose (32 bytes), so that a leaked one opens nothing else."""
    return hmac.new(key, purpose.encode(), hashlib.sha256).digest()


@contextmanager
def sole_owner(folder: Folder, about: dict[str, object]) -> Iterator[None]:
    """Hold the folder for one `minsheng run`; AlreadyRunning names the one that holds it.

    The kernel drops the lock with the process, so a kill -9 leaves nothing to clean up.
    """
    path = folder.path / "run.lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(_holder(folder, file.read())) from None
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), **about}))
        file.flush()
        yield


def _holder(folder: Folder, text: str) -> str:
    try:
        about = json.loads(text)
        where = f"进程 {about['pid']}，{about['url']}"
    except (ValueError, KeyError, TypeError):
        where = "正在启动"
    return f"数据目录 {folder.path} 上已有一个民声在运行（{where}）；请直接打开它，或先停止它。"


def sample_settings(folder: Folder, now: datetime) -> dict[str, object]:
    """Port and start of the sample town: chosen once, so that a restart goes on where it was."""
    if folder.sample.exists():
        kept: dict[str, object] = json.loads(folder.sample.read_text(encoding="utf-8"))
        return kept
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made: dict[str, object] = {"port": port, "start": now.isoformat()}
    folder.sample.write_text(json.dumps(made), encoding="utf-8")
    return made
