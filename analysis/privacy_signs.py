"""Where personal data may stand: one look at the characters of a whole batch, before any pattern is tried.

A sign is necessary, never sufficient: a text without it holds no hint of that gate (`analysis.privacy._HINTS`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    ("contact", "微威薇扣企加qQvVwW"),
    ("contacted", "信扣鹅薇qQxXvVeE"),
    ("单", "单"),
    ("元", "元"),
    ("楼", "楼"),
    ("号", "号"),
    ("dash", "-—－~之#"),
)
_BIT = {name: np.uint16(1 << i) for i, (name, _) in enumerate(_CLASSES)}
Bits = npt.NDArray[np.uint16]
Places = npt.NDArray[np.int64]


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
    signs = _Signs(bits, places := np.flatnonzero(bits), bits[places])
    found_at = {
        "digits": np.concatenate((signs.close("digit", 7, 2), signs.close("numeral", 11, 1))),
        "mail": signs.of("at"),
        "contact": signs.pairs("contact", "contacted"),
        "plate": signs.pairs("province", "letter"),
        "address": signs.addresses(),
    }
    found: dict[int, list[str]] = {}
    for gate, places in found_at.items():
        for i in _owners(places, offsets):
            found.setdefault(i, []).append(gate)
    return found


@dataclass(frozen=True, slots=True)
class _Signs:
    """The few characters of a batch that are of any class at all."""

    bits: Bits  #: of every character
    places: Places  #: of those with any bit
    given: Bits  #: their bits

    def of(self, name: str) -> Places:
        found: Places = self.places[(self.given & _BIT[name]) != 0]
        return found

    def close(self, name: str, count: int, step: int) -> Places:
        """Where so many characters of a class begin, each at most `step` behind the one before."""
        places = self.of(name)
        return places[: 1 - count][places[count - 1 :] - places[: 1 - count] <= (count - 1) * step]

    def pairs(self, first: str, second: str) -> Places:
        """Where a character of one class stands before one of another."""
        return self._before(self.of(first), second, 1)

    def _before(self, places: Places, name: str, distance: int) -> Places:
        places = places[places + distance < len(self.bits)]
        found: Places = places[(self.bits[places + distance] & _BIT[name]) != 0]
        return found

    def addresses(self) -> Places:
        """Where a number meets the word for a door or house, or another number behind a dash."""
        dashes = self._before(self.pairs("digit", "dash"), "digit", 2)
        return np.concatenate((self.pairs("door", "unit"), self.pairs("单", "元"), self.pairs("号", "楼"), dashes))


def _owners(places: Places, offsets: Places) -> list[int]:
    """The texts to which these places belong, each once; what reaches into the next text harms nothing."""
    return sorted(set((np.searchsorted(offsets, places, "right") - 1).tolist()))
