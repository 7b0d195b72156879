"""Boolean rules, thousands at once, over one pass of an Aho-Corasick automaton.

    rule ─parse→ tree ─compile→ sets of words that must and must not be found + anchors without which it cannot hold
    text ─Lexicon.find→ words found ─anchors→ the few rules worth asking → rules that hold, where their words stand

Several rule sets share one lexicon, so that topics, duties, marks and places read a text once together.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.automaton import Look, Match, overlapping
from analysis.characters import fold_text
from storage.query import And, Near, Node, Not, Or, Word

Span = tuple[int, int]


class Found(NamedTuple):
    """What one pass found in a text, overlapping words too."""

    words: frozenset[int] | set[int]  #: numbers of the words
    matches: Sequence[Match]

    def before(self, end: int) -> "Found":
        """Only what ends at `end` or earlier: what a pass over that many characters would have found."""
        if not self.matches or max(m[1] for m in self.matches) <= end:
            return self
        kept = [m for m in self.matches if m[1] <= end]
        return Found({m[2] for m in kept}, kept)


NOWHERE = Found(frozenset(), ())
NOTHING = -1  #: number of a word that folds to nothing, which no text holds
Predicate = Callable[[Found], bool]


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

    def find(self, folded: Iterable[str]) -> list[Found]:
        """Every word in each folded text. Compiled at first use, and again where words came since."""
        if self._compiled < len(self._numbers):
            self._look = overlapping(list(self._numbers))
            self._compiled = len(self._numbers)
        look = self._look
        if look is None:
            return [NOWHERE for _ in folded]
        return [Found({m[2] for m in matches}, matches) if (matches := look(text)) else NOWHERE for text in folded]


@dataclass(frozen=True, slots=True)
class _Rule:
    any_of: tuple[frozenset[int], ...]  #: of each set at least one word must be found
    none_of: frozenset[int]  #: none of these may be found
    tests: tuple[Predicate, ...]  #: what sets cannot say
    anchors: frozenset[int] | None  #: one of these must be found; None: the rule can hold without any word
    words: frozenset[int]  #: what may be shown as matched: words not under an exclusion

    def holds(self, found: Found) -> bool:
        words = found.words
        for needed in self.any_of:
            if needed.isdisjoint(words):
                return False
        return self.none_of.isdisjoint(words) and (not self.tests or all(test(found) for test in self.tests))

    @property
    def plain(self) -> bool:
        """Whether it is no more than "one of these words"."""
        return len(self.any_of) == 1 and not self.none_of and not self.tests


class RuleSet:
    """Boolean rules, asked all at once. Semantics: those of `storage.query.matches`, on folded text."""

    def __init__(self, rules: Sequence[Node], lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon or Lexicon()
        self._rules = [_compile(rule, self.lexicon) for rule in rules]
        self._always = tuple(i for i, rule in enumerate(self._rules) if rule.anchors is None)
        self._anchored: dict[int, list[int]] = {}
        for i, rule in enumerate(self._rules):
            for word in (rule.anchors or frozenset()) - {NOTHING}:
                self._anchored.setdefault(word, []).append(i)
        self._telling = frozenset(self._anchored)

    def match(self, folded: str) -> list[tuple[int, list[Span]]]:
        """Numbers of the rules that hold, in order, each with the places of its words."""
        return self.hold(self.lexicon.find((folded,))[0])

    def hold(self, found: Found) -> list[tuple[int, list[Span]]]:
        """`match` for what the lexicon found already."""
        if not self._always and self._telling.isdisjoint(found.words):
            return []
        anchored, rules = self._anchored, self._rules
        asked = set(self._always)
        for word in self._telling.intersection(found.words):
            asked.update(anchored[word])
        return [(i, _spans(rules[i], found)) for i in sorted(asked) if rules[i].holds(found)]


def _spans(rule: _Rule, found: Found) -> list[Span]:
    return sorted((start, end) for start, end, word in found.matches if word in rule.words)


_NONE: frozenset[int] = frozenset()


def _compile(node: Node, lexicon: Lexicon) -> _Rule:
    match node:
        case Word(text):
            word = frozenset((lexicon.number(text),))
            return _Rule((word,), _NONE, (), word, word)
        case Near(left, right, distance):
            a, b = lexicon.number(left.text), lexicon.number(right.text)
            both = frozenset((a, b))
            return _Rule((), _NONE, (lambda found: _near(found, a, b, distance),), frozenset((a,)), both)
        case Not(part):
            inner = _compile(part, lexicon)
            if inner.plain:
                return _Rule((), inner.any_of[0], (), None, _NONE)
            return _Rule((), _NONE, (lambda found: not inner.holds(found),), None, _NONE)
        case And(parts):
            return _both([_compile(part, lexicon) for part in parts])
        case Or(parts):
            return _either([_compile(part, lexicon) for part in parts])


def _near(found: Found, a: int, b: int, distance: int) -> bool:
    if a not in found.words or b not in found.words:
        return False
    return any(
        (0 <= start - end <= distance) or (0 <= first - last <= distance)
        for first, end, word in found.matches
        if word == a
        for start, last, other in found.matches
        if other == b
    )


def _both(parts: Sequence[_Rule]) -> _Rule:
    anchors = [part.anchors for part in parts if part.anchors is not None]
    return _Rule(
        tuple(needed for part in parts for needed in part.any_of),
        _NONE.union(*(part.none_of for part in parts)),
        tuple(test for part in parts for test in part.tests),
        min(anchors, key=len) if anchors else None,
        _NONE.union(*(part.words for part in parts)),
    )


def _either(parts: Sequence[_Rule]) -> _Rule:
    words = _NONE.union(*(part.words for part in parts))
    anchors = [part.anchors for part in parts]
    every = None if None in anchors else _NONE.union(*(a for a in anchors if a is not None))
    if all(part.plain for part in parts):
        return _Rule((_NONE.union(*(part.any_of[0] for part in parts)),), _NONE, (), every, words)
    return _Rule((), _NONE, (lambda found: any(part.holds(found) for part in parts),), every, words)
