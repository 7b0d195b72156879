"""Near-duplicates: MinHash signatures of character trigrams and a bounded window of buckets (LSH, 16 bands of 3).

    texts ─signatures→ 96 bytes each ─Window.assign→ id of the first document with nearly the same text, or None

Broder 1997 (resemblance), Leskovec et al., Mining of Massive Datasets ch. 3 (banding). Two texts whose trigram sets
overlap by J meet in at least one band with probability 1-(1-J^3)^16: .98 at J=.6, .87 at .5, .02 at .1.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from analysis.characters import Codes, Offsets, fold, is_word, keep, raw_codes
from analysis.neardup_core import LONGEST, SHORTEST, core

BANDS, ROWS = 16, 3
HASHES = BANDS * ROWS
_LIKE = 2**62  #: added to the number of a text that is only like another
_BATCH = 200_000  #: characters per step: the arrays stay in the cache

_RNG = np.random.Generator(np.random.PCG64(20160812))
_MULTIPLY = _RNG.integers(1, 2**32, HASHES, dtype=np.uint32) | np.uint32(1)
_ADD = _RNG.integers(0, 2**32, HASHES, dtype=np.uint32)
_BAND_MIX = _RNG.integers(1, 2**63, (BANDS, ROWS), dtype=np.uint64) | np.uint64(1)

Signatures = npt.NDArray[np.uint16]


def signatures(texts: Sequence[str]) -> list[bytes]:
    """One MinHash signature of 48 little-endian uint16 (96 bytes) per text; b"" where the text is too short."""
    found: list[bytes] = []
    for part in _parts([core(t) for t in texts]):
        found += _sign(part)
    return found


def _parts(texts: Sequence[str]) -> list[Sequence[str]]:
    parts, start, size = [], 0, 0
    for i, text in enumerate(texts):
        size += min(len(text), LONGEST)
        if size > _BATCH:
            parts.append(texts[start : i + 1])
            start, size = i + 1, 0
    parts.append(texts[start:])
    return parts


def _shingles(texts: Sequence[str]) -> tuple[Codes, Offsets]:
    """Trigram hashes of all texts that are long enough, and where each text's begin; shapes (s,), (n+1,)."""
    codes, offsets = raw_codes(texts, LONGEST)
    codes = fold(codes)
    codes, offsets = keep(codes, offsets, is_word(codes))
    mixed = codes * np.uint32(0x9E3779B1)
    hashed = mixed[:-2] ^ (mixed[1:-1] * np.uint32(0x85EBCA77)) ^ (mixed[2:] * np.uint32(0xC2B2AE3D))
    hashed ^= hashed >> np.uint32(15)
    hashed *= np.uint32(0x2C1B3C6D)
    hashed ^= hashed >> np.uint32(13)
    return hashed, offsets


def _sign(texts: Sequence[str]) -> list[bytes]:
    hashed, offsets = _shingles(texts)
    lengths = np.diff(offsets) - 2  # trigrams that lie within each text
    long = np.flatnonzero(lengths >= SHORTEST - 2)
    if not len(long):
        return [b""] * len(texts)
    starts = np.cumsum(lengths[long]) - lengths[long]  # in the trigrams of the long texts alone
    own = hashed[np.arange(int(lengths[long].sum())) + np.repeat(offsets[long] - starts, lengths[long])]
    mixed, smallest = np.empty_like(own), np.empty((HASHES, len(long)), np.uint32)
    for i in range(HASHES):
        np.multiply(own, _MULTIPLY[i], out=mixed)
        mixed += _ADD[i]
        np.minimum.reduceat(mixed, starts, out=smallest[i])
    found = [b""] * len(texts)
    for i, row in zip(long.tolist(), (smallest.T ^ (smallest.T >> np.uint32(16))).astype("<u2"), strict=True):
        found[i] = row.tobytes()
    return found


class Window:
    """The last `size` documents, findable by signature. Memory: about 350 bytes a document, flat from then on.

    A bucket table without chains: a bucket holds the oldest live document of its key, and another key may push it out.
    A pair meets in several of the 16 tables: one lost bucket costs nothing. Time bounds are those of the document that
    asks, never of the newest one: a wrong date in 2099 expires nothing.
    """

    def __init__(self, *, size: int = 200_000, span: timedelta = timedelta(days=7), similarity: float = 0.5) -> None:
        if size < 1:
            raise ValueError(f"窗口至少容纳一篇，收到 {size}")
        self._size, self._span, self._similar = size, span.total_seconds(), round(similarity * HASHES)
        self._count = 0  # documents ever added; number n lives in row n % capacity
        self._number: dict[str, int] = {}
        self._allocate(min(size, 4096))

    def __len__(self) -> int:
        return len(self._number)

    def _allocate(self, capacity: int) -> None:
        self._capacity = capacity
        self._ids: list[str | None] = [None] * capacity
        self._firsts: list[str | None] = [None] * capacity
        self._rows = np.zeros((capacity, HASHES), np.uint16)
        self._at = np.full(capacity, np.nan)
        self._buckets = 1 << (2 * capacity - 1).bit_length()
        self._table = np.full((BANDS, self._buckets), -1, np.int64)

    def add(self, id: str, signature: bytes, at: datetime, first: str | None = None) -> None:
        """Remember a document; `first` is what `query` said of it. Adding the same id again replaces it."""
        self.add_many([id], [signature], [at], [first])

    def query(self, signature: bytes, at: datetime | None = None, id: str | None = None) -> str | None:
        """Id of the first near-duplicate within the span around `at` (any time if None); never `id` itself."""
        rows, asked = _matrix([signature])
        if not len(asked):
            return None
        own = np.array([self._number.get(id or "", -1)], np.int64)
        stamps = _stamps(None if at is None else [at], asked)
        return self._first_of(int(self._nearest(rows, stamps, own, np.full(1, self._count))[0]))

    def add_many(
        self,
        ids: Sequence[str],
        signatures: Sequence[bytes],
        at: Sequence[datetime],
        firsts: Sequence[str | None] | None = None,
    ) -> None:
        """`add` for many documents; those without a signature are left out."""
        rows, given = _matrix(signatures)
        stamps = _stamps(at, given)
        for start in range(0, len(given), self._size):
            part = slice(start, start + self._size)
            self._insert(
                [ids[i] for i in given[part]],
                rows[part],
                stamps[part],
                [firsts[i] if firsts else None for i in given[part]],
            )

    def assign(
        self, ids: Sequence[str], signatures: Sequence[bytes], at: Sequence[datetime], *, settled: bool = True
    ) -> list[str | None]:
        """Query and add in order, also within the batch: the id of the first near-duplicate of each, or None.

        A document that is handed in again (same id) keeps its place: replaying a batch changes nothing. settled=False:
        the near-duplicate itself, the same text before a like one; `settle` says what it counts as.
        """
        found: list[str | None] = []
        step = max(1, min(1024, self._size // 2))
        for start in range(0, len(ids), step):
            part = slice(start, start + step)
            found += self._assign(ids[part], signatures[part], at[part], settled)
        return found

    def first(self, id: str | None) -> str | None:
        """What a document counts as a copy of, or itself."""
        return self._first_of(self._number[id]) if id is not None and id in self._number else id

    def settle(self, id: str, first: str | None) -> None:
        """A document counts as a copy of this one from now on."""
        if id in self._number:
            self._firsts[self._number[id] % self._capacity] = first

    def alike(self, one: str, other: str) -> bool:
        """Whether two documents of the window have nearly the same text."""
        rows = [self._rows[self._number[id] % self._capacity] for id in (one, other) if id in self._number]
        return len(rows) == 2 and bool((rows[0] == rows[1]).sum() >= self._similar)

    def _assign(
        self, ids: Sequence[str], signatures: Sequence[bytes], at: Sequence[datetime], settled: bool
    ) -> list[str | None]:
        known = {i: self._firsts[self._number[d] % self._capacity] for i, d in enumerate(ids) if d in self._number}
        unchanged = {i for i in known if self._rows[self._number[ids[i]] % self._capacity].tobytes() == signatures[i]}
        fresh = [i for i in range(len(ids)) if i not in unchanged]
        found: list[str | None] = [known.get(i) if i in unchanged else None for i in range(len(ids))]
        rows, given = _matrix([signatures[i] for i in fresh])
        fresh = [fresh[g] for g in given]
        if not fresh:
            return found
        stamps = _stamps([at[i] for i in fresh], np.arange(len(fresh)))
        names = [ids[i] for i in fresh]
        numbers = self._insert(names, rows, stamps, [None] * len(fresh))
        best = self._nearest(rows, stamps, numbers, numbers)
        for i, number, other in zip(fresh, numbers.tolist(), best.tolist(), strict=True):
            first = self._first_of(other) if settled else self._ids[other % self._capacity] if other >= 0 else None
            found[i] = first if first != ids[i] else None  # earlier ones of this batch have theirs by now
            self._firsts[number % self._capacity] = found[i] if settled else None
        return found

    def _first_of(self, number: int) -> str | None:
        if number < 0:
            return None
        row = number % self._capacity
        return self._firsts[row] or self._ids[row]

    def _slots(self, rows: Signatures) -> npt.NDArray[np.int64]:
        """Bucket of each band; shape (n, bands)."""
        banded = rows.reshape(-1, BANDS, ROWS).astype(np.uint64)
        keys = (banded * _BAND_MIX).sum(axis=2, dtype=np.uint64)
        keys ^= keys >> np.uint64(29)
        keys *= np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray((keys >> np.uint64(20)) & np.uint64(self._buckets - 1), np.int64)

    def _nearest(
        self,
        rows: Signatures,
        stamps: npt.NDArray[np.float64],
        own: npt.NDArray[np.int64],
        before: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Number of the oldest live document with the same signature, else of the oldest that is similar enough; older
        than `before` and not `own`; -1 if none."""
        held = self._table[np.arange(BANDS), self._slots(rows)]
        asker, band = np.nonzero((held > self._count - 1 - self._capacity) & (held >= 0) & (held < before[:, None]))
        number = held[asker, band]
        place = number % self._capacity
        same = (self._rows[place] == rows[asker]).sum(axis=1)
        good = same >= self._similar
        with np.errstate(invalid="ignore"):
            good &= ~(np.abs(self._at[place] - stamps[asker]) > self._span) & ~np.isnan(self._at[place])
        good &= number != own[asker]
        best = np.full(len(rows), np.iinfo(np.int64).max)
        np.minimum.at(best, asker[good], number[good] + np.where(same[good] == HASHES, 0, _LIKE))
        return np.where(best == np.iinfo(np.int64).max, -1, best % _LIKE)

    def _insert(
        self,
        ids: Sequence[str],
        rows: Signatures,
        stamps: npt.NDArray[np.float64],
        firsts: Sequence[str | None],
    ) -> npt.NDArray[np.int64]:
        """Put rows into the ring and into free, dead or foreign buckets; their numbers."""
        self._grow(len(ids))
        numbers = np.arange(self._count, self._count + len(ids))
        for number, id, first in zip(numbers.tolist(), ids, firsts, strict=True):
            self._take_place(number, id, first)
        place = numbers % self._capacity
        self._rows[place], self._at[place] = rows, stamps
        for i, id in enumerate(ids):  # the same id twice in one batch: only the last one lives
            if self._number[id] != numbers[i]:
                self._at[place[i]] = np.nan
        self._count += len(ids)
        self._fill(numbers, rows, stamps)
        return numbers

    def _take_place(self, number: int, id: str, first: str | None) -> None:
        row = number % self._capacity
        gone = self._ids[row]
        if gone is not None and self._number.get(gone) == number - self._capacity:
            del self._number[gone]
        older = self._number.get(id)
        if older is not None:
            self._at[older % self._capacity] = np.nan
        self._ids[row], self._firsts[row], self._number[id] = id, first, number

    def _fill(self, numbers: npt.NDArray[np.int64], rows: Signatures, stamps: npt.NDArray[np.float64]) -> None:
        slots = self._slots(rows)
        held = self._table[np.arange(BANDS), slots]
        place = held % self._capacity
        alive = (held >= 0) & (held > self._count - 1 - self._capacity)
        with np.errstate(invalid="ignore"):
            alive &= np.abs(self._at[place] - stamps[:, None]) <= self._span
        mine = rows.reshape(-1, BANDS, ROWS)
        theirs = self._rows.reshape(-1, BANDS, ROWS)[place, np.arange(BANDS)]
        row, band = np.nonzero(~(alive & (theirs == mine).all(axis=2)))
        row, band = row[::-1], band[::-1]  # of equal buckets in one assignment the last wins: let it be the oldest
        self._table[band, slots[row, band]] = numbers[row]

    def _grow(self, more: int) -> None:
        needed = min(self._size, self._count + more)
        if needed <= self._capacity:
            return
        old = (self._ids, self._firsts, self._rows, self._at, min(self._count, self._capacity))
        self._allocate(min(self._size, 1 << (needed - 1).bit_length()))
        ids, firsts, rows, at, held = old
        self._ids[:held], self._firsts[:held] = ids[:held], firsts[:held]
        self._rows[:held], self._at[:held] = rows[:held], at[:held]
        self._fill(np.arange(held), rows[:held], at[:held])


def _matrix(signatures: Sequence[bytes]) -> tuple[Signatures, npt.NDArray[np.int64]]:
    """Signatures that are there as rows, and their positions; shapes (m, 48), (m,)."""
    given = np.array([i for i, s in enumerate(signatures) if len(s) == 2 * HASHES], np.int64)
    joined = b"".join(signatures[i] for i in given)
    return np.frombuffer(joined, "<u2").reshape(-1, HASHES).astype(np.uint16), given


def _stamps(at: Sequence[datetime] | None, which: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Seconds since 1970 of the chosen ones; nan where no time was given."""
    if at is None:
        return np.full(len(which), np.nan)
    return np.array([at[i].timestamp() for i in which], np.float64)
