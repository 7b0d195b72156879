"""What a list showed last time, in a few bytes per row: the fingerprint that the frontier keeps with a lease."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

#: rows remembered per list; each takes 17 characters
REMEMBERED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Outcome of a comparison: `state[i]` is "new", "updated" or "same" for the i-th row; `fingerprint` to keep."""

    state: tuple[str, ...]
    fingerprint: str

    @property
    def changed(self) -> bool:
        return any(s != "same" for s in self.state)


def compare(old: str | None, rows: Iterable[tuple[str, str]], remembered: int = REMEMBERED) -> Marks:
    """Compare (key, content) rows with the fingerprint of last time; rows that have left the list stay remembered."""
    known = {mark[:8]: mark[8:] for mark in (old or "").split() if len(mark) == 16 and "=" not in mark}
    state: list[str] = []
    fresh: dict[str, str] = {}
    for key, content in rows:
        place, print_ = _short(key), _short(content)
        before = fresh.get(place, known.get(place))
        state.append("new" if before is None else "same" if before == print_ else "updated")
        fresh[place] = print_
    kept = {**fresh, **{k: v for k, v in known.items() if k not in fresh}}
    return Marks(state=tuple(state), fingerprint=" ".join(k + v for k, v in list(kept.items())[:remembered]))


def noted(fingerprint: str | None, name: str) -> str | None:
    """What a note of this name says, or None."""
    found = (word.partition("=")[2] for word in (fingerprint or "").split() if word.startswith(f"{name}="))
    return next(found, None)


def note(fingerprint: str | None, name: str, value: str | None) -> str:
    """The fingerprint with this note, in place of an older one; None takes it out. A value holds no blanks."""
    words = [word for word in (fingerprint or "").split() if not word.startswith(f"{name}=")]
    return " ".join(words if value is None else [*words, f"{name}={value}"])


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
