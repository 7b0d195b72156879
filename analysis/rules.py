"""Boolean rules, thousands at once, over what one pass of an automaton found in a batch of texts.

    rule ─parse→ tree ─_ways→ ways to hold: sets of words of which one must, words that must not be found, tests
    Finds ─postings of the sets→ (text, way) pairs that have a word of every set → rules that hold, and their words

Several rule sets share one lexicon (`analysis.lexicon`): topics, duties, marks and places read a text once together.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product

import numpy as np

from analysis.lexicon import NOTHING, Column, Finds, Found, Lexicon
from storage.query import And, Near, Node, Not, Or, Word

Span = tuple[int, int]
Held = Sequence[tuple[int, list[Span]]]  #: the rules that hold for a text, in order, each with the places of its words
Predicate = Callable[[Found], bool]
_MOST_WAYS = 4  #: of one side of an `and`: they multiply


@dataclass(frozen=True, slots=True)
class _Way:
    """One way in which a rule can hold."""

    any_of: tuple[frozenset[int], ...] = ()  #: of each set at least one word must be found
    none_of: frozenset[int] = frozenset()  #: none of these may be found
    tests: tuple[Predicate, ...] = ()  #: what sets cannot say
    shown: frozenset[int] = frozenset()  #: words that speak for the rule where it holds in this way

    def holds(self, found: Found) -> bool:
        """For one text: what a test within another way asks."""
        words = found.words
        return (
            not any(needed.isdisjoint(words) for needed in self.any_of)
            and self.none_of.isdisjoint(words)
            and all(test(found) for test in self.tests)
        )

    @property
    def plain(self) -> bool:
        """Whether it is no more than "one of these words"."""
        return len(self.any_of) == 1 and not self.none_of and not self.tests


class _Postings:
    """Word → numbers it stands for, as two columns."""

    def __init__(self, pairs: Iterable[tuple[int, int]]) -> None:
        table = np.array(sorted(p for p in pairs if p[0] != NOTHING), np.int64).reshape(-1, 2)
        size = int(table[-1, 0]) + 1 if len(table) else 0
        #: a word's values are [first[word], first[word] + count[word]); the last entry is for words that came later
        self._count = np.bincount(table[:, 0], minlength=size + 1)
        self._first = np.cumsum(self._count) - self._count
        self._values = table[:, 1].copy()

    def of(self, words: Column) -> tuple[Column, Column]:
        """All values of the words: place of the word in `words`, value; in the order of the words."""
        words = np.minimum(words, len(self._count) - 1)
        counts = self._count[words]
        places = np.repeat(np.arange(len(words)), counts)
        within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        return places, self._values[self._first[words][places] + within]


class RuleSet:
    """Boolean rules, asked all at once. Semantics: those of `storage.query.matches`, on folded text."""

    def __init__(self, rules: Sequence[Node], lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon or Lexicon()
        number = self.lexicon.number
        ways = [(i, way) for i, rule in enumerate(rules) for way in _ways(rule, number)]
        sets = [(n, needed) for n, (_, way) in enumerate(ways) for needed in way.any_of]
        self._rules, self._sets = max(1, len(rules)), max(1, len(sets))
        self._ways = [way for _, way in ways]
        self._rule_of = np.array([i for i, _ in ways], np.int64)  # of each way
        self._way_of = np.array([n for n, _ in sets], np.int64)  # of each set
        self._needed = np.bincount(self._way_of, minlength=len(ways))  # sets of each way
        self._always = np.flatnonzero(self._needed == 0)
        self._tested = np.array([bool(way.tests) for way in self._ways], np.bool_)
        self._by_word = _Postings((word, n) for n, (_, needed) in enumerate(sets) for word in needed)
        self._excluded = _Postings((word, n) for n, way in enumerate(self._ways) for word in way.none_of)
        self._shown = _Postings((word, n) for n, way in enumerate(self._ways) for word in way.shown)

    def match(self, folded: str) -> Held:
        """Numbers of the rules that hold for one text, in order, each with the places of its words."""
        return self.hold(self.lexicon.find((folded,)))[0]

    def hold(self, finds: Finds, before: Sequence[int] | None = None) -> list[Held]:
        """`match` for each text of a batch; with `before` only words that end there or earlier count."""
        kept = (
            slice(None) if before is None else np.flatnonzero(finds.ends <= np.asarray(before, np.int64)[finds.texts])
        )
        texts, words, starts, ends = (c[kept] for c in (finds.texts, finds.words, finds.starts, finds.ends))
        ways = self._holding(len(finds.matches), texts, words)
        owners, way = np.divmod(ways, max(1, len(self._ways)))
        if len(doubtful := np.flatnonzero(self._tested[way])):
            found = {i: finds.of(i, None if before is None else before[i]) for i in set(owners[doubtful].tolist())}
            tested = zip(doubtful.tolist(), owners[doubtful].tolist(), way[doubtful].tolist(), strict=True)
            failed = [n for n, i, w in tested if not all(test(found[i]) for test in self._ways[w].tests)]
            owners, way = np.delete(owners, failed), np.delete(way, failed)
        pairs, row_of = np.unique(owners * self._rules + self._rule_of[way], return_inverse=True)
        places, shown = self._shown.of(words)
        many = max(1, len(self._ways))
        rows, here = _among(owners * many + way, texts[places] * many + shown)
        return self._joined(len(finds.matches), pairs, row_of[rows], starts[places[here]], ends[places[here]])

    def _holding(self, count: int, texts: Column, words: Column) -> Column:
        """text * ways + way, ascending, of all that have a word of every set and none of the excluded ones."""
        many = max(1, len(self._ways))
        places, sets = self._by_word.of(words)
        text, of = np.divmod(np.unique(texts[places] * self._sets + sets), self._sets)
        ways = text * many + self._way_of[of]
        first = np.flatnonzero(np.diff(ways, prepend=-1))
        full = np.diff(first, append=len(ways)) == self._needed[ways[first] % many]
        ways = ways[first[full]]
        if len(self._always):
            ways = np.sort(np.append(ways, (np.arange(count)[:, None] * many + self._always).ravel()))
        places, excluding = self._excluded.of(words)
        return np.delete(ways, _among(ways, texts[places] * many + excluding)[0])

    def _joined(self, count: int, pairs: Column, rows: Column, starts: Column, ends: Column) -> list[Held]:
        """The pairs of each text with the spans of their words; `rows`: the pair of each span."""
        order = np.lexsort((ends, starts, rows))
        rows, starts, ends = rows[order], starts[order], ends[order]
        again = (np.diff(rows, prepend=-1) == 0) & (np.diff(starts, prepend=-1) == 0) & (np.diff(ends, prepend=-1) == 0)
        rows, starts, ends = rows[~again], starts[~again], ends[~again]  # a word may speak for two ways of one rule
        spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
        bounds = np.searchsorted(rows, np.arange(len(pairs) + 1)).tolist()
        texts, rules = np.divmod(pairs, self._rules)
        held = [(rule, spans[a:b]) for rule, (a, b) in zip(rules.tolist(), pairwise(bounds), strict=True)]
        return [held[a:b] for a, b in pairwise(np.searchsorted(texts, np.arange(count + 1)).tolist())]


def _among(pairs: Column, keys: Column) -> tuple[Column, Column]:
    """Which keys are among the ascending pairs: place in `pairs`, place in `keys`. A sieve leaves few to look for."""
    if not len(pairs):
        return pairs, pairs
    sieve = np.zeros(1 << 16, np.bool_)
    sieve[pairs & 0xFFFF] = True
    here = np.flatnonzero(sieve[keys & 0xFFFF])
    rows = np.minimum(np.searchsorted(pairs, keys[here]), len(pairs) - 1)
    same = pairs[rows] == keys[here]
    return rows[same], here[same]


def _ways(node: Node, number: Callable[[str], int]) -> list[_Way]:
    """The ways in which a rule can hold; together they say what it says."""
    match node:
        case Word(text):
            word = frozenset((number(text),))
            return [_Way((word,), shown=word)]
        case Near(left, right, distance):
            a, b = number(left.text), number(right.text)
            both = (frozenset((a,)), frozenset((b,)))
            return [_Way(both, tests=(lambda found: _near(found, a, b, distance),), shown=frozenset((a, b)))]
        case Not(part):
            inner = _ways(part, number)
            if all(way.plain for way in inner):
                return [_Way(none_of=frozenset().union(*(way.any_of[0] for way in inner)))]
            return [_Way(tests=(lambda found: not any(way.holds(found) for way in inner),))]
        case And(parts):
            return reduce(_both, (_ways(part, number) for part in parts))
        case Or(parts):
            return _either([way for part in parts for way in _ways(part, number)])


def _near(found: Found, a: int, b: int, distance: int) -> bool:
    return any(
        (0 <= start - end <= distance) or (0 <= first - last <= distance)
        for first, end, word in found.matches
        if word == a
        for start, last, other in found.matches
        if other == b
    )


def _both(left: list[_Way], right: list[_Way]) -> list[_Way]:
    """The ways in which both hold."""
    return [
        _Way(a.any_of + b.any_of, a.none_of | b.none_of, a.tests + b.tests, a.shown | b.shown)
        for a, b in product(_few(left), _few(right))
    ]


def _either(ways: Sequence[_Way]) -> list[_Way]:
    """The same ways, those that are but words as one."""
    plain = [way.any_of[0] for way in ways if way.plain]
    words = frozenset[int]().union(*plain)
    return [*([_Way((words,), shown=words)] if plain else []), *(way for way in ways if not way.plain)]


def _few(ways: list[_Way]) -> list[_Way]:
    """The same in one way where there are many: those of two sides multiply."""
    if len(ways) <= _MOST_WAYS:
        return ways
    each = [min(way.any_of, key=len, default=None) for way in ways]
    needed = [words for words in each if words is not None]
    anchors = (frozenset().union(*needed),) if len(needed) == len(ways) else ()
    shown = frozenset[int]().union(*(way.shown for way in ways))
    return [_Way(anchors, tests=(lambda found: any(way.holds(found) for way in ways),), shown=shown)]
