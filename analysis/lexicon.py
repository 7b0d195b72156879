"""The words of all rules, found in a whole batch of texts by one pass of an automaton.

folded texts ─Lexicon.find→ Finds: columns over all matches (text, word, start, end), and the matches of each text
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from analysis.automaton import Look, Match, overlapping
from analysis.characters import fold_text

NOTHING = -1  #: number of a word that folds to nothing, which no text holds
Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass found in one text, overlapping words too."""

    words: frozenset[int]  #: numbers of the words
    matches: Sequence[Match]


@dataclass(frozen=True, slots=True)
class Finds:
    """What one pass found in each text of a batch; the columns are in the order of the texts."""

    matches: Sequence[Sequence[Match]]  #: of each text
    texts: Column  #: number of the text, here and below for each match; shape (matches,)
    words: Column
    starts: Column
    ends: Column

    def of(self, text: int, before: int | None = None) -> Found:
        """What was found in a text; with `before` only what ends there or earlier."""
        kept = [m for m in self.matches[text] if before is None or m[1] <= before]
        return Found(frozenset(m[2] for m in kept), kept)

    def holding(self, numbers: npt.NDArray[np.bool_]) -> list[int]:
        """The texts with a word that `numbers` is set for, in order."""
        known = self.words < len(numbers)
        return sorted(set(self.texts[known][numbers[self.words[known]]].tolist()))


class Lexicon:
    """Words of all rules that read together, each with a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._look: Look | None = None
        self._compiled = 0

    def number(self, word: str) -> int:
        """Number of a word, new or known; NOTHING for one that folds to nothing."""
        folded = fold_text(word)
        return self._numbers.setdefault(folded, len(self._numbers)) if folded else NOTHING

    def flags(self, words: Iterable[str]) -> npt.NDArray[np.bool_]:
        """For `Finds.holding`: set at the numbers of these words."""
        numbers = [n for word in words if (n := self.number(word)) != NOTHING]
        table = np.zeros(max(numbers, default=-1) + 1, np.bool_)
        table[numbers] = True
        return table

    def find(self, folded: Sequence[str]) -> Finds:
        """Every word in each folded text. Compiled at first use, and again where words came since."""
        if self._compiled < len(self._numbers):
            self._look = overlapping(list(self._numbers))
            self._compiled = len(self._numbers)
        matches = list(map(self._look, folded)) if self._look else [list[Match]() for _ in folded]
        counts = np.fromiter(map(len, matches), np.int64, len(matches))
        flat = chain.from_iterable(chain.from_iterable(matches))
        table = np.fromiter(flat, np.int64, 3 * int(counts.sum())).reshape(-1, 3)
        starts, ends, words = np.ascontiguousarray(table.T)
        return Finds(matches, np.repeat(np.arange(len(matches)), counts), words, starts, ends)
