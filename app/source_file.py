"""A source as a block of `sources.toml`, and its way into the file: tried on a copy first, then put in place whole."""

import json
import os
import shutil
import tempfile
from collections.abc import Container
from dataclasses import fields
from pathlib import Path

from app.config import ConfigError, load
from storage.types import Selectors, Source


class NotWritten(Exception):
    """The file is as it was; Chinese, says why."""


def free_id(wanted: str, known: Container[str]) -> str:
    """The id, with a number behind it where it is taken."""
    number, found = 2, wanted
    while found in known:
        number, found = number + 1, f"{wanted}-{number}"
    return found


def block(source: Source) -> str:
    """The `[[sources]]` block of a source that was found by its address, in the order a person would write it."""
    lines = ["[[sources]]"]
    lines += [f"{name} = {_text(getattr(source, name))}" for name in ("id", "name", "type", "url", "kind")]
    lines += ["enabled = true"]
    lines += ["private = true"] if source.private else []
    rules = {f.name: getattr(source.selectors, f.name) for f in fields(Selectors)}
    given = [f"{name} = {_text(rule)}" for name, rule in rules.items() if rule is not None]
    lines += ["[sources.selectors]", *given] if given else []
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")


def append(directory: Path, source: Source) -> None:
    """Put the source at the end of `sources.toml`. Raises NotWritten where the whole would no longer be usable."""
    path = (directory / "sources.toml").resolve()
    try:
        old = path.read_bytes()
        new = old + (b"" if not old or old.endswith(b"\n") else b"\n") + b"\n" + block(source).encode()
        with tempfile.TemporaryDirectory(prefix="minsheng-") as folder:
            load(_copy(directory, Path(folder), new))
        _put(path, new)
    except ConfigError as error:
        reasons = "；".join(str(problem) for problem in error.problems)
        raise NotWritten(f"加入后配置不能使用，sources.toml 没有改动：{reasons}") from error
    except (OSError, UnicodeEncodeError) as error:
        raise NotWritten(f"sources.toml 没有改动：{error}") from error


def _copy(directory: Path, target: Path, sources: bytes) -> Path:
    """The configuration with these sources; only its own files, for it may lie among others."""
    (target / "calendar").mkdir()
    for pattern in ("*.toml", "calendar/*.toml"):
        for file in directory.glob(pattern):
            shutil.copyfile(file, target / file.relative_to(directory))
    (target / "sources.toml").write_bytes(sources)
    return target


def _put(path: Path, content: bytes) -> None:
    """In one step, with the rights of the old file: a reader sees the old or the new, never half."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sources-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, name)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
