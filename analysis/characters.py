"""Characters as numbers: one fold (NFKC, lower case) for every counting feature, over a whole batch at once."""

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]

_PLANE = 0x10000
_CJK_EXTENSION = (0x20000, 0x33480)  #: Unicode 17 ideographs beyond the basic plane


def _fold_one(code: int) -> int:
    if 0xD800 <= code <= 0xDFFF:  # a lone surrogate says nothing
        return 0
    folded = unicodedata.normalize("NFKC", chr(code)).lower()
    return ord(folded) if len(folded) == 1 and ord(folded) < _PLANE else code


@cache
def fold_table() -> npt.NDArray[np.uint32]:
    """Code point of the basic plane → its NFKC lower-case form where that is one character; shape (65536,)."""
    return np.fromiter((_fold_one(c) for c in range(_PLANE)), np.uint32, _PLANE)


@cache
def word_table() -> npt.NDArray[np.bool_]:
    """Which code points of the basic plane are letters, ideographs or digits; shape (65536,)."""
    return np.fromiter((chr(c).isalnum() and not 0xD800 <= c <= 0xDFFF for c in range(_PLANE)), np.bool_, _PLANE)


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
