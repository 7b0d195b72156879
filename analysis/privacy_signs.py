"""Where personal data may stand: one look at the characters of a whole batch, before any pattern is tried.

A sign is necessary, never sufficient: a text without it holds no hint of that gate (`analysis.privacy._HINTS`).
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.characters import raw_codes

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
NUMERALS = "零〇一二三四五六七八九幺"
FULL = "０１２３４５６７８９＠．－：＿Ｘｘ（）　"  #: full-width characters that stand for their half-width twins

_ASCII_DIGITS, _FULL_DIGITS = "0123456789", FULL[:10]
_LETTERS = "".join(map(chr, [*range(65, 91), *range(97, 123)]))
_CLASSES: tuple[tuple[str, str], ...] = (
    ("digit", _ASCII_DIGITS + _FULL_DIGITS),
    ("numeral", _ASCII_DIGITS + NUMERALS),
    ("door", _ASCII_DIGITS + _FULL_DIGITS + NUMERALS + "十百" + _LETTERS),
    ("unit", "栋幢号弄座室"),
    ("letter", _LETTERS),
    ("province", PROVINCES),
    ("at", "@＠"),
    ("contact", "微威薇扣企qQvVwW"),
    ("单", "单"),
    ("元", "元"),
    ("楼", "楼"),
    ("号", "号"),
    ("dash", "-—－~之#"),
)
_BIT = {name: np.uint16(1 << i) for i, (name, _) in enumerate(_CLASSES)}
Bits = npt.NDArray[np.uint16]


@cache
def _table() -> Bits:
    table = np.zeros(1 << 16, np.uint16)
    for name, members in _CLASSES:
        table[list(map(ord, members))] |= _BIT[name]
    return table


def may_hold(texts: Sequence[str]) -> dict[int, list[str]]:
    """Numbers of the texts in which a hint may stand, each with the gates that are worth trying."""
    codes, offsets = raw_codes(texts, max(map(len, texts), default=0))
    bits = _table()[np.minimum(codes, 0xFFFF)]
    signs = {
        "digits": np.union1d(_many(bits, offsets, "digit", 7), _many(bits, offsets, "numeral", 11)),
        "mail": _owners(np.flatnonzero(bits & _BIT["at"]), offsets),
        "contact": _owners(np.flatnonzero(bits & _BIT["contact"]), offsets),
        "plate": _owners(_pairs(bits, "province", "letter"), offsets),
        "address": _owners(_addresses(bits), offsets),
    }
    found: dict[int, list[str]] = {}
    for gate, owners in signs.items():
        for i in owners.tolist():
            found.setdefault(i, []).append(gate)
    return found


def _many(bits: Bits, offsets: npt.NDArray[np.int64], name: str, least: int) -> npt.NDArray[np.int64]:
    """Texts with at least so many characters of a class."""
    counts = np.concatenate(([0], np.cumsum((bits & _BIT[name]) != 0)))[offsets]
    return np.flatnonzero(np.diff(counts) >= least)


def _pairs(bits: Bits, first: str, second: str) -> npt.NDArray[np.int64]:
    return np.flatnonzero(((bits[:-1] & _BIT[first]) != 0) & ((bits[1:] & _BIT[second]) != 0))


def _addresses(bits: Bits) -> npt.NDArray[np.int64]:
    """Where a number meets the word for a door or house, or another number behind a dash."""
    dashes = _pairs(bits, "digit", "dash")
    dashes = dashes[dashes + 2 < len(bits)]
    dashes = dashes[(bits[dashes + 2] & _BIT["digit"]) != 0]
    pairs = (_pairs(bits, "door", "unit"), _pairs(bits, "单", "元"), _pairs(bits, "号", "楼"))
    return np.sort(np.concatenate((*pairs, dashes)))


def _owners(places: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The texts to which these places belong, each once; a pair may reach into the next text, which harms nothing."""
    return np.unique(np.searchsorted(offsets, places, "right") - 1)
