"""Characters as numbers: one fold (NFKC, lower case, 繁→简) for matching and counting, over a whole batch at once.

texts ─fold_batch→ Batch: .folded for rules, .codes for features, .original(i, a, b) back to what was written
"""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from opencc import OpenCC

Codes = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]

_PLANE = 0x10000
_CJK_EXTENSION = (0x20000, 0x33480)  #: Unicode 17 ideographs beyond the basic plane
LAST_LETTER = _CJK_EXTENSION[1]  #: from here on there is no letter, ideograph or digit


def _fold_one(code: int) -> int:
    if 0xD800 <= code <= 0xDFFF:  # a lone surrogate says nothing
        return 0
    folded = unicodedata.normalize("NFKC", chr(code)).lower()
    return ord(folded) if len(folded) == 1 and ord(folded) < _PLANE else code


@cache
def traditional() -> dict[str, str]:
    """Traditional ideographs of the basic plane and their simplified forms, character by character."""
    every = "".join(map(chr, range(0x4E00, 0xA000)))
    plain = OpenCC("t2s").convert("\n".join(every)).split("\n")
    return {a: b for a, b in zip(every, plain, strict=True) if a != b and len(b) == 1 and ord(b) < _PLANE}


@cache
def fold_table() -> npt.NDArray[np.uint32]:
    """Code point of the basic plane → its NFKC lower-case simplified form if that is one character; shape (65536,)."""
    table = np.fromiter((_fold_one(c) for c in range(_PLANE)), np.uint32, _PLANE)
    simple = traditional()
    changed = np.fromiter(map(ord, simple), np.int64, len(simple))
    table[changed] = np.fromiter(map(ord, simple.values()), np.uint32, len(simple))
    return table


@cache
def _blank_table() -> npt.NDArray[np.bool_]:
    return np.fromiter((chr(c).isspace() or c == 0 for c in range(_PLANE)), np.bool_, _PLANE)


@cache
def word_table() -> npt.NDArray[np.bool_]:
    """Which code points of the basic plane are letters, ideographs or digits; shape (65536,)."""
    return np.fromiter((chr(c).isalnum() and not 0xD800 <= c <= 0xDFFF for c in range(_PLANE)), np.bool_, _PLANE)


@cache
def letters() -> npt.NDArray[np.bool_]:
    """Which code points `str.isalnum` holds for, up to LAST_LETTER; shape (LAST_LETTER + 1,)."""
    return np.fromiter((chr(c).isalnum() for c in range(LAST_LETTER + 1)), np.bool_, LAST_LETTER + 1)


def raw_codes(texts: Sequence[str], limit: int) -> tuple[Codes, Offsets]:
    """All texts, each cut to `limit` characters, as one array of code points; text i is [offsets[i], offsets[i+1])."""
    cut = [t[:limit] for t in texts]
    joined = "".join(cut).encode("utf-32-le", "surrogatepass")
    offsets = np.zeros(len(cut) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, cut), np.int64, len(cut)), out=offsets[1:])
    return np.frombuffer(joined, np.uint32), offsets


def fold(codes: Codes) -> Codes:
    """NFKC and lower case, character by character (what would expand to several characters stays)."""
    low = codes < _PLANE
    if low.all():
        return fold_table()[codes]
    return np.where(low, fold_table()[np.where(low, codes, 0)], codes)


def is_word(codes: Codes) -> npt.NDArray[np.bool_]:
    """Letters, ideographs (all planes) and digits; no punctuation, no emoji."""
    low = codes < _PLANE
    if low.all():
        return word_table()[codes]
    high = (codes >= _CJK_EXTENSION[0]) & (codes < _CJK_EXTENSION[1])
    return np.where(low, word_table()[np.where(low, codes, 0)], high)


def keep(codes: Codes, offsets: Offsets, mask: npt.NDArray[np.bool_]) -> tuple[Codes, Offsets]:
    """Only the characters of the mask, with the offsets moved accordingly."""
    before = np.zeros(len(codes) + 1, np.int64)
    np.cumsum(mask, out=before[1:])
    return codes[mask], before[offsets]


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts folded one to one, without the blanks that are only layout (「食品\\n安全」 holds 食品安全)."""

    texts: Sequence[str]  #: as they were written
    folded: list[str]
    codes: Codes  #: of all folded texts, one after the other
    offsets: Offsets  #: text i is codes[offsets[i] : offsets[i + 1]]
    _places: memoryview  # int64; of each kept character in the joined originals
    _starts: Offsets  # of each original in the joined originals

    def original(self, i: int, start: int, end: int) -> str:
        """What stands in text i at [start, end) of its folded form."""
        if len(self.folded[i]) == len(self.texts[i]):  # nothing was left out
            return self.texts[i][start:end]
        offset, begin = self.offsets.item(i), self._starts.item(i)
        first, last = self._places[offset + start] - begin, self._places[offset + end - 1] - begin
        return self.texts[i][first : last + 1]

    def originals(self, texts: Offsets, starts: Offsets, ends: Offsets) -> list[str]:
        """`original` for many places at once; none may be empty."""
        at, begin, places = self.offsets[texts], self._starts[texts], np.asarray(self._places)
        first, last = places[at + starts] - begin, places[at + ends - 1] - begin + 1
        return [self.texts[i][a:b] for i, a, b in zip(texts.tolist(), first.tolist(), last.tolist(), strict=True)]


def fold_batch(texts: Sequence[str], limit: int = 200_000) -> Batch:
    """Fold many texts at once; each counts up to `limit` characters."""
    raw, starts = raw_codes(texts, limit)
    codes = fold(raw)
    blank = _blank_table()[np.minimum(codes, _PLANE - 1)]
    solid = np.flatnonzero(~blank)
    before, after = solid[:-1], solid[1:]
    # a blank stays, once, only between two ASCII characters of one text: elsewhere it is layout
    gap = (after - before > 1) & (codes[before] < 0x80) & (codes[after] < 0x80)
    before, after = before[gap], after[gap]
    together = np.searchsorted(starts, before, "right") == np.searchsorted(starts, after, "right")
    stays = ~blank
    stays[before[together] + 1] = True
    codes = np.where(blank, np.uint32(32), codes)
    kept, offsets = keep(codes, starts, stays)
    whole = kept.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    bounds = offsets.tolist()
    folded = [whole[a:b] for a, b in itertools.pairwise(bounds)]
    return Batch(texts, folded, kept, offsets, np.flatnonzero(stays).data, starts)


def fold_text(text: str) -> str:
    """One text folded, for the words of rules."""
    return fold_batch([text]).folded[0]
