"""Which events the buckets of a document's words speak for: in Python where they hold little, else at once in numpy."""

from array import array
from collections.abc import Sequence

import numpy as np

_MANY = 150  #: entries from which numpy is faster


def most_voted(probed: Sequence[tuple["array[int]", float]], most: int) -> list[int]:
    """The numbers in the most heavily voted buckets, by the sum of their votes, at most so many; of equals the smaller.

    probed: buckets of 32-bit numbers, each with its vote. A sum is taken in the order of the buckets either way.
    """
    if sum([len(bucket) for bucket, _ in probed]) < _MANY:
        votes: dict[int, float] = {}
        for bucket, vote in probed:
            for number in bucket:
                votes[number] = votes.get(number, 0.0) + vote
        return [n for _, n in sorted([(-vote, n) for n, vote in votes.items()])[:most]]
    entries = np.frombuffer(b"".join([bucket for bucket, _ in probed]), np.int32)
    order = entries.argsort(kind="stable")
    entries = entries[order]
    new = np.append(True, entries[1:] != entries[:-1])
    numbers = entries[new]
    each = np.repeat([vote for _, vote in probed], [len(bucket) for bucket, _ in probed])
    sums = np.bincount(new.cumsum() - 1, each[order])
    if len(sums) > most:
        best = np.flatnonzero(sums >= np.partition(sums, -most)[-most])
        numbers, sums = numbers[best], sums[best]
    ranked: list[int] = numbers[np.argsort(-sums, kind="stable")][:most].tolist()
    return ranked
