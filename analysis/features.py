"""Hashed character n-grams of a whole batch: the only features of the linear models, the same in training and live.

    ^佛堂的水$$$ → 1- to 3-grams from each position, each hashed into one of 2^bits buckets

Weinberger et al. 2009 (hashing); a text's sum is divided by the root of its number of positions, so that a long
petition does not shout louder than a short post. With 4-grams as well, two million of them share a million buckets, and
the sentiment loses by the collisions more than it wins (docs/model-card.md).
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from analysis.characters import Codes, Offsets

ORDERS = 3  #: n-grams of 1 to 3 characters
BITS = 20
LONGEST = 1500  #: characters of a text that speak for its tone
_PAD = np.uint32(0x0A)
_LEAD, _TRAIL = 1, 3  #: marks before and behind a text: enough for n-grams of up to four characters


def shortened(codes: Codes, offsets: Offsets, longest: int = LONGEST) -> tuple[Codes, Offsets]:
    """Each text cut to `longest` characters."""
    lengths = np.diff(offsets)
    if not len(lengths) or lengths.max() <= longest:
        return codes, offsets
    position = np.arange(len(codes)) - np.repeat(offsets[:-1], lengths)
    cut = np.zeros(len(offsets), np.int64)
    np.cumsum(np.minimum(lengths, longest), out=cut[1:])
    return codes[position < longest], cut


def padded(codes: Codes, offsets: Offsets) -> tuple[Codes, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Codes with marks between the texts, so that no n-gram crosses; first and one past the last start of each text."""
    lengths = np.diff(offsets)
    starts = offsets[:-1] + np.arange(len(lengths)) * (_LEAD + _TRAIL)
    out = np.full(len(codes) + len(lengths) * (_LEAD + _TRAIL) + _TRAIL, _PAD, np.uint32)
    shift = np.repeat(starts + _LEAD - offsets[:-1], lengths)
    out[np.arange(len(codes)) + shift] = codes
    return out, starts, starts + lengths + _LEAD


def buckets(marked: Codes, bits: int = BITS, orders: int = ORDERS) -> Iterator[npt.NDArray[np.uint32]]:
    """Bucket of the n-gram that starts at each position, n = 1 … orders (at most 4); each as long as `marked`.

    The last three entries are meaningless; no text starts there.
    """
    shift = np.uint32(32 - bits)
    hashed = np.zeros(len(marked), np.uint32)
    following = marked
    for _ in range(orders):
        hashed = (hashed ^ following) * np.uint32(0x9E3779B1)
        hashed ^= hashed >> np.uint32(15)
        hashed *= np.uint32(0x85EBCA77)
        yield hashed >> shift
        following = np.concatenate((following[1:], following[:1]))


def orders_of(file: Mapping[str, npt.NDArray[np.generic]]) -> int:
    """How long the n-grams of a model file are: 1 to so many characters; one from before files said so holds 4."""
    return int(file["orders"].item()) if "orders" in file else 4


def edges(first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Bounds for `reduceat` whose even segments are the texts; every text has at least one position."""
    both = np.empty(2 * len(first), np.int64)
    both[0::2], both[1::2] = first, last
    return both
