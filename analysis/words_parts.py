"""Words within words: which search tokens are only parts of a longer one.

公积 积金 公积金 ─from each longer word back over its parts→ 公积, 积金
"""

import numpy as np
import numpy.typing as npt

from analysis.characters import Codes, Offsets
from analysis.words import Cuts

Marks = npt.NDArray[np.bool_]

_FEW = 48  #: words from which looking at all of them at once is worth it
_WHOLE = 24  #: characters; no longer word of a dictionary has parts


def inner(cuts: Cuts) -> Marks:
    """Which search tokens lie within the word that follows them (公积, 积金 before 公积金); shape (words,).

    A cutter gives the parts of two, then those of three characters, each in order, then the word. From every longer
    word one walks back over its parts, and ends where a token stands no further left than the one after it.
    """
    starts, lengths = cuts.starts, cuts.lengths
    found = np.zeros(len(lengths), np.bool_)
    begins_text = np.zeros(len(lengths) + 1, np.bool_)
    begins_text[cuts.bounds] = True
    part = (lengths == 2) | (lengths == 3)
    goes_on = np.zeros(len(lengths), np.bool_)  # before which tokens a part of the same word may stand
    goes_on[1:] = part[:-1] & (lengths[:-1] <= lengths[1:]) & ~begins_text[1:-1]
    whole = np.flatnonzero(goes_on[1:] & (lengths[1:] > lengths[:-1]) & (lengths[1:] <= _WHOLE)) + 1
    word, length, at = starts[whole], lengths[whole], np.zeros_like(whole)
    last, size = whole, length  # the token that was found last, and its length
    while len(last) > _FEW:
        token = last - 1
        sizes = lengths.take(token)
        before = np.where(sizes < size, length - sizes + 1, at)  # where it must begin
        at = _last_in(cuts.codes, starts.take(token), sizes, word, before)
        is_part = at >= 0
        found[token[is_part]] = True
        more = np.flatnonzero(is_part & goes_on.take(token))
        word, length, at, last, size = (column.take(more) for column in (word, length, at, token, sizes))
    for column in zip(word.tolist(), length.tolist(), at.tolist(), last.tolist(), size.tolist(), strict=True):
        _walk(cuts, found, goes_on, *column)
    return found


def _walk(cuts: Cuts, found: Marks, goes_on: Marks, word: int, length: int, at: int, last: int, size: int) -> None:
    """The same for one word, from the part that was found last; cheaper where few are left."""
    said = cuts.joined[word : word + length]
    while goes_on[last]:
        last -= 1
        start, part = cuts.starts.item(last), cuts.lengths.item(last)
        before = length - part + 1 if part < size else at
        at = said.rfind(cuts.joined[start : start + part], 0, before - 1 + part) if before > 0 else -1
        if at < 0:
            return
        found[last], size = True, part


def _last_in(codes: Codes, tokens: Offsets, sizes: Offsets, words: Offsets, before: Offsets) -> Offsets:
    """The last place before `before` of each word at which its token of two or three characters stands; -1 if none."""
    at = before - 1
    todo = np.flatnonzero(at >= 0)
    while len(todo):
        a, b = words.take(todo) + at.take(todo), tokens.take(todo)
        same = (codes.take(a) == codes.take(b)) & (codes.take(a + 1) == codes.take(b + 1))
        long = np.flatnonzero(same & (sizes.take(todo) == 3))
        same[long] = codes.take(a[long] + 2) == codes.take(b[long] + 2)
        todo = todo[~same]
        at[todo] -= 1
        todo = todo[at.take(todo) >= 0]
    return at
