"""A document as the window keeps it: as small as it can be, for there are a million of them."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import unpack_from

NAMES = 60  #: pairs of words of a document that are kept: those of its title and its beginning


@dataclass(frozen=True, slots=True)
class Vector:
    """A document's words with their weights, the weightiest first, and the pairs that may be names."""

    words: dict[int, float]
    names: list[int]


class Kept:
    """A document in the window: its words, their weights and its pairs in one piece of memory, four bytes each."""

    __slots__ = ("_many", "_packed", "event", "slow")

    def __init__(self, event: str, vector: Vector, slow: bool) -> None:
        self.event, self.slow, self._many = event, slow, len(vector.words)
        self._packed = b"".join(
            (array("i", vector.words).tobytes(), array("f", vector.words.values()).tobytes(),
             array("i", vector.names[:NAMES]).tobytes())
        )  # fmt: skip

    def again(self, slow: bool) -> "Kept":
        """A document that says the same: both share their memory."""
        copy = object.__new__(Kept)
        copy.event, copy.slow, copy._many, copy._packed = self.event, slow, self._many, self._packed
        return copy

    @property
    def words(self) -> Iterable[tuple[int, float]]:
        """Feature and weight of each word, the weightiest first."""
        weights = array("f")
        weights.frombytes(self._packed[4 * self._many : 8 * self._many])
        return zip(self.features, weights, strict=True)

    def along(self, words: Mapping[int, float]) -> float:
        """Sum of the products of its weights with these, over the words that both have."""
        total, packed = 0.0, self._packed
        features = unpack_from(f"{self._many}i", packed)
        for f in filter(words.__contains__, features):
            total += words[f] * unpack_from("f", packed, 4 * (self._many + features.index(f)))[0]
        return total

    @property
    def features(self) -> "array[int]":
        found = array("i")
        found.frombytes(self._packed[: 4 * self._many])
        return found

    @property
    def names(self) -> "array[int]":
        found = array("i")
        found.frombytes(self._packed[8 * self._many :])
        return found
