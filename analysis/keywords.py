"""Keywords: the few words that say what a text is about, for a whole batch at once.

    Cuts ─without parts of words→ ─weights: one table lookup a word→ telling words ─by_tfidf | by_textrank→ best

Single characters, numbers, quantities (三栋), words that the background calls common, words that point or ask (这些,
怎么样) and parts of longer words are never keywords. A word that the cutter put together by itself (a name, but as
often half a name and the word beside it) comes after all others where a text says it only once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analysis.characters import LAST_LETTER, Codes, Offsets
from analysis.words import Cuts, background, dictionary
from analysis.words_parts import inner

COMMON = 3.5  #: idf of a word that one document in 33 holds
_LONGEST_UNKNOWN = 6  #: characters; a longer word that the background does not know is no word
_MORE = 3  #: times as many are looked at as are wanted: words within words fall away

Hashes = npt.NDArray[np.uint64]
Marks = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Ranking = Callable[[Cuts], list[tuple[str, ...]]]

_POINTING = "我你您他她它咱俺这那此谁该某哪怎"  #: 这些, 该处: what they mean stands elsewhere
_ENDING = "啥吗呢了"
_JOINING = "的么"  #: 真的假, 怎么样: a piece of a sentence
_NOUNS = "目标"  #: before 的 it is a noun's own: 目的地, 标的
_MEASURES = "个只条位名栋幢扇层间套家户点天日年月周岁元块次回遍趟下声句首歌张把份批群种样件台辆亩斤吨倍余来些"
#: of a word that the dictionary does not hold: a sign that it is a piece of a sentence
_BINDING = _POINTING + _ENDING + "的着过是在有没不很太也又就才只还会要请别把被让给将吧啊呀哦么个们"

_LOW = (1 << 20) - 1  #: more words than `words.cut_batch` puts together
_MOST, _OFTEN = (1 << 28) - 1, 200  #: bound of a score; a word that comes oftener counts as if it came so often
_NEAR, _ROUNDS, _DAMPING = 5, 10, 0.85  #: TextRank: words that see each other, rounds, share passed on
_MULTIPLY, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class _Table:
    """The background as an open hash table: 64 bits of hash tell its words apart."""

    keys: Hashes  #: 0 = free; shape (2^bits,)
    weights: Indices  #: idf in units of 2^-16, 0 for a common word
    unknown: int  #: weight of a word that the background never met
    longest: int  #: characters of its longest word

    @property
    def made_up(self) -> int:
        return 2 * len(self.keys)

    @property
    def shift(self) -> np.uint64:
        return np.uint64(65 - len(self.keys).bit_length())

    def find(self, hashes: Hashes) -> Indices:
        """Slot of each hash; -1 for an unknown one."""
        slots = (hashes >> self.shift).astype(np.int64)
        found = np.full(len(hashes), -1, np.int64)
        todo = np.arange(len(hashes))
        while len(todo):
            held = self.keys[slots[todo]]
            found[todo] = np.where(held == hashes[todo], slots[todo], -1)
            todo = todo[(held != hashes[todo]) & (held != 0)]
            slots[todo] = (slots[todo] + 1) % len(self.keys)
        return found


def _units(idf: float) -> int:
    return round(idf * 65536) if idf > COMMON else 0


@cache
def _table() -> _Table:
    idf, unknown = background()
    known = {word: _units(weight) for word, weight in idf.items() if len(word) > 1}
    lengths = np.fromiter(map(len, known), np.int64, len(known))
    codes = np.frombuffer("".join(known).encode("utf-32-le"), np.uint32)
    starts = np.cumsum(lengths) - lengths
    hashes = _hashes(codes, starts, lengths)
    weights = np.where(_says_nothing(codes, starts, lengths), 0, list(known.values()))
    table = _Table(
        np.zeros(1 << (4 * len(known)).bit_length(), np.uint64),
        np.zeros(1 << (4 * len(known)).bit_length(), np.int64),
        _units(unknown),
        max(_LONGEST_UNKNOWN, int(lengths.max(initial=0))),
    )
    for hashed, weight in zip(hashes, weights, strict=True):
        slot = int(hashed >> table.shift)
        while table.keys[slot]:
            slot = (slot + 1) % len(table.keys)
        table.keys[slot], table.weights[slot] = hashed, weight
    return table


def _characters(of: Iterable[str]) -> Marks:
    """A table that holds of these characters."""
    table = np.zeros(LAST_LETTER + 1, np.bool_)
    table[list(map(ord, of))] = True
    return table


@cache
def _numerals() -> Marks:
    return _characters(c for c in map(chr, range(LAST_LETTER + 1)) if c.isnumeric())


@cache
def _empty() -> tuple[Marks, Marks, Marks, Marks]:
    """Characters that begin a quantity, all that it may be made of, those that a pointing word begins or ends with."""
    counts = _numerals() | _characters("几多数两半第")
    return counts, counts | _characters(_MEASURES), _characters(_POINTING), _characters(_ENDING)


@cache
def _joints() -> tuple[Marks, Marks]:
    return _characters(_JOINING), _characters(_NOUNS)


def _says_nothing(codes: Codes, starts: Offsets, lengths: Offsets) -> Marks:
    """Which words are quantities or point at something, in whatever text they stand."""
    begins, amount, pointing, ending = _empty()
    first, last = (np.minimum(codes[at], LAST_LETTER) for at in (starts, starts + lengths - 1))
    found = pointing[first] | ending[last]
    counted = np.flatnonzero(begins[first])
    found[counted] |= _all(codes, starts[counted], lengths[counted], amount)
    joining, noun = _joints()
    for k in range(1, int(lengths.max(initial=0))):
        here = np.flatnonzero(lengths > k)
        at = starts[here] + k
        found[here] |= joining[np.minimum(codes[at], LAST_LETTER)] & ~noun[np.minimum(codes[at - 1], LAST_LETTER)]
    return found


def _hashes(codes: Codes, starts: Offsets, lengths: Offsets) -> Hashes:
    """A 64-bit hash of each word of two characters and more, character by character for all of them; never 0."""
    hashed = lengths.astype(np.uint64)
    for k in range(int(lengths.max(initial=0))):
        here = np.flatnonzero(lengths > k) if k > 1 else slice(None)
        mixed = (hashed[here] ^ codes[starts[here] + k]) * _MULTIPLY
        hashed[here] = mixed ^ (mixed >> np.uint64(29))
    hashed *= _MIX
    return np.asarray(hashed | np.uint64(1), np.uint64)


def _all(codes: Codes, starts: Offsets, lengths: Offsets, table: Marks) -> Marks:
    """For which words the table holds of every character."""
    holds = np.ones(len(starts), np.bool_)
    for k in range(int(lengths.max(initial=0))):
        here = np.flatnonzero(lengths > k)
        holds[here] &= table[np.minimum(codes[starts[here] + k], LAST_LETTER)]
    return holds


@cache
def _ascii() -> Marks:
    return np.arange(LAST_LETTER + 1) < 0x80


@cache
def _unbound() -> Marks:
    return ~_characters(_BINDING)


def _weighed(cuts: Cuts) -> tuple[Indices, Indices, Indices]:
    """The telling words of all texts in order: position among all words, number of the word, weight.

    Numbers from `_Table.made_up` on are of words that the cutter put together by itself.
    """
    table = _table()
    places = np.flatnonzero((cuts.lengths > 1) & (cuts.lengths <= table.longest) & ~inner(cuts))
    starts, lengths = cuts.starts[places], cuts.lengths[places]
    hashes = _hashes(cuts.codes, starts, lengths)
    numbers = table.find(hashes)
    weights = np.where(numbers < 0, 0, table.weights[numbers])
    new = np.flatnonzero((numbers < 0) & (lengths <= _LONGEST_UNKNOWN))
    _, first, which = np.unique(hashes[new], return_index=True, return_inverse=True)
    tells, made_up = _new(cuts, starts[new[first]], lengths[new[first]])
    weights[new] = np.where(tells, table.unknown, 0)[which]
    numbers[new] = len(table.keys) * (1 + made_up)[which] + which
    telling = np.flatnonzero(weights)
    return places[telling], numbers[telling], weights[telling]


def _new(cuts: Cuts, starts: Offsets, lengths: Offsets) -> tuple[Marks, Marks]:
    """Of words that the background never met: which are telling, and which the dictionary does not hold either."""
    tells = ~_says_nothing(cuts.codes, starts, lengths) & ~_all(cuts.codes, starts, lengths, _ascii())
    asked = np.flatnonzero(tells)
    begins, ends = starts[asked].tolist(), (starts + lengths)[asked].tolist()
    known = np.zeros(len(tells), np.bool_)
    known[asked] = list(map(dictionary(), map(cuts.joined.__getitem__, map(slice, begins, ends))))
    strange = np.flatnonzero(tells & ~known)
    tells[strange] = _all(cuts.codes, starts[strange], lengths[strange], _unbound())
    return tells, ~known


def by_tfidf(cuts: Cuts, count: int = 6) -> list[tuple[str, ...]]:
    """The words of each text that stand out by tf·idf (Spärck Jones 1972) against the background, best first.

    Two sorts of packed numbers: equal words of a text beside each other, then the words of a text by their score.
    """
    places, numbers, weights = _weighed(cuts)
    owners = np.repeat(np.arange(len(cuts.bounds) - 1), np.diff(cuts.bounds))[places]
    pairs = np.sort(owners << 44 | numbers << 20 | np.arange(len(places)))
    heads = np.flatnonzero(np.concatenate(([True], np.diff(pairs >> 20) != 0))[: len(pairs)])
    firsts = pairs[heads] & _LOW
    times = np.minimum(np.diff(np.append(heads, len(pairs))), _OFTEN)
    scores = weights[firsts] * times
    scores[(numbers[firsts] >= _table().made_up) & (times == 1)] = 0
    best = np.sort(owners[firsts] << 48 | (_MOST - scores) << 20 | firsts) & _LOW
    owner = owners[best]
    bounds = np.searchsorted(owner, np.arange(len(cuts.bounds)))
    rank = np.arange(len(best)) - bounds[owner]
    first = np.flatnonzero(rank < count)
    chosen = _spelled(cuts, places[best[first]], np.searchsorted(owner[first], np.arange(len(cuts.bounds))))
    for i, words in enumerate(chosen):
        if sum(map(" ".join(words).count, words)) > len(words):  # one holds another
            more = places[best[bounds[i] : min(bounds[i] + _MORE * count, bounds[i + 1])]]
            (said,) = _spelled(cuts, more, np.array([0, len(more)]))
            chosen[i] = _without_parts(said, count)
    return chosen


def _spelled(cuts: Cuts, places: Indices, bounds: Indices) -> list[tuple[str, ...]]:
    """The words at these places among all, [bounds[i], bounds[i+1]) for each i; each is taken with the blank behind."""
    lengths = cuts.lengths[places] + 1
    edges = np.concatenate(([0], np.cumsum(lengths)))
    at = np.arange(int(edges[-1])) + np.repeat(cuts.starts[places] - edges[:-1], lengths)
    joined = cuts.codes[at].tobytes().decode("utf-32-le")
    return [tuple(joined[a:b].split()) for a, b in pairwise(edges[bounds].tolist())]


def by_textrank(cuts: Cuts, count: int = 6) -> list[tuple[str, ...]]:
    """The words of each text that stand beside the most of the others, best first; see `textrank`."""
    places = _weighed(cuts)[0]
    starts = cuts.starts[places]
    words = [cuts.joined[a:b] for a, b in zip(starts.tolist(), (starts + cuts.lengths[places]).tolist(), strict=True)]
    bounds = np.searchsorted(places, cuts.bounds).tolist()
    return [_without_parts(textrank(words[a:b])[: _MORE * count], count) for a, b in pairwise(bounds)]


def textrank(said: Sequence[str]) -> list[str]:
    """The words of a text, best first, by PageRank over the words that stand near each other (Mihalcea & Tarau 2004).

    Undirected, weighted by how often; a word and a part of it are no neighbours.
    """
    beside: dict[str, Counter[str]] = {word: Counter() for word in said}
    for i, word in enumerate(said):
        for other in said[i + 1 : i + _NEAR]:
            if word not in other and other not in word:
                beside[word][other] += 1
                beside[other][word] += 1
    strength = {word: near.total() for word, near in beside.items()}
    scores = dict.fromkeys(beside, 1.0)
    for _ in range(_ROUNDS):
        scores = {
            word: 1 - _DAMPING + _DAMPING * sum(scores[o] * n / strength[o] for o, n in near.items())
            for word, near in beside.items()
        }
    return sorted(scores, key=scores.__getitem__, reverse=True)


def _without_parts(best: Iterable[str], count: int) -> tuple[str, ...]:
    """Of 食品安全 and 食品 that stand by themselves in one text only the first that ranks. No word comes twice."""
    chosen: list[str] = []
    for word in best:
        if not any(other in word or word in other for other in chosen):
            chosen.append(word)
        if len(chosen) == count:
            break
    return tuple(chosen)


#: name in `office.toml` → ranking of the words of a text
RANKINGS: Mapping[str, Ranking] = {"tfidf": by_tfidf, "textrank": by_textrank}
