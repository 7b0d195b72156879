"""Many words looked for in one pass over a text (Aho & Corasick 1975); places are counted in characters.

daachorse (a double array whose steps are characters, not bytes: four times as fast on Chinese) where it has a wheel;
ahocorasick-rs finds the same on the rest, Linux on ARM servers above all. Neither takes a lone surrogate, and a folded
text (`analysis.characters`) holds none.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

Match = tuple[int, int, int]  #: start, end, number of the word
Look = Callable[[str], list[Match]]


def overlapping(words: Sequence[str]) -> Look:
    """Finds every occurrence of every word, in the order of their ends; no word may be empty or come twice."""
    return by_daachorse(words) if find_spec("daachorse") else by_ahocorasick(words)


def longest(words: Sequence[str]) -> Look:
    """Finds the longest word at each place from the left, and goes on behind it."""
    return by_daachorse(words, longest=True) if find_spec("daachorse") else by_ahocorasick(words, longest=True)


def by_daachorse(words: Sequence[str], *, longest: bool = False) -> Look:
    """`overlapping` or `longest` by daachorse."""
    from daachorse import MATCH_KIND_LEFTMOST_LONGEST, CharwiseDoubleArrayAhoCorasick

    if longest:
        return CharwiseDoubleArrayAhoCorasick(list(words), MATCH_KIND_LEFTMOST_LONGEST, use_prefilter=False).find
    return CharwiseDoubleArrayAhoCorasick(list(words), use_prefilter=False).find_overlapping


def by_ahocorasick(words: Sequence[str], *, longest: bool = False) -> Look:
    """`overlapping` or `longest` by ahocorasick-rs."""
    from ahocorasick_rs import AhoCorasick, MatchKind

    if longest:
        look = AhoCorasick(list(words), matchkind=MatchKind.LeftmostLongest).find_matches_as_indexes
        return lambda text: [(start, end, word) for word, start, end in look(text)]
    every = AhoCorasick(list(words), store_patterns=False).find_matches_as_indexes
    return lambda text: [(start, end, word) for word, start, end in every(text, overlapping=True)]
