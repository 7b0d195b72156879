"""What a prepared stream was made by: whoever reads the file later must not take it for this program's own reading.

A hash each of what understanding and grouping depend on. Levels, weights, routes and people are no part of it: they are
what a prepared stream is graded with.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import analysis
import app.again
import app.facts
from storage.types import Office

#: what may have changed, in the words of a message
_CHANGED = {
    "program": "程序已更新",
    "models": "判读模型已更换",
    "office": "专题、地点、部门、来源等配置已修改",
}
_CODE = Path(analysis.__file__).parent


def origin_of(office: Office) -> dict[str, str]:
    """Hashes by the keys of a prepared file's first line."""
    own = [Path(office.models)] if office.models else []
    models = [path for folder in (_CODE / "models", *own) for path in sorted(folder.glob("*"))]
    return {"program": _program(), "models": _digest(_bytes(models)), "office": _digest(_read_by(office))}


def changed(made: Mapping[str, str], office: Office) -> list[str]:
    """In Chinese what is another one now than when the file was made."""
    now = origin_of(office)
    return [words for key, words in _CHANGED.items() if made.get(key) != now[key]]


@cache
def _program() -> str:
    """Of the code that understands and groups: nobody has to remember to raise a number."""
    return _digest(_bytes([*sorted(_CODE.glob("*.py")), *map(Path, (app.facts.__file__, app.again.__file__))]))


def _read_by(office: Office) -> list[bytes]:
    """What of the configuration is read on the way to a prepared stream; of a source its authority alone."""
    authority = {source.id: source.authority for source in office.sources.values()}
    parts = (
        office.topics, office.places, office.departments, authority, office.home, office.timezone, office.scorer,
        office.keywords, office.risk.quiet_after_hours,
    )  # fmt: skip
    return [repr(part).encode() for part in parts]


def _bytes(files: Iterable[Path]) -> list[bytes]:
    return [part for path in files if path.is_file() for part in (path.name.encode(), path.read_bytes())]


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]
