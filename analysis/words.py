"""Words: cut for search, and the few that say what a text is about.

rjieba (jieba's dictionary and HMM, in Rust) where it is installed; plain jieba gives the same tokens 26 times slower.
Search tokens come from the common dictionary alone, so that a query and a document are always cut alike; the office's
own names join the keywords through the gazetteer (`analysis.places`), which needs no dictionary.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import groupby, pairwise
from math import log
from pathlib import Path
from types import ModuleType

import numpy as np

from analysis.characters import Batch, Codes, fold_text
from analysis.text import LIMIT, sound

MODELS = Path(__file__).with_name("models")
Cut = Callable[[str], list[str]]

_ENDLESS = re.compile(r"[0-9a-z_]{65,}")  #: a longer run of letters is no word


def by_rjieba(words: Sequence[str] = ()) -> Cut:
    """Search cutter of rjieba, with further words."""
    from rjieba import Jieba

    jieba = Jieba()
    for word in words:
        jieba.add_word(word, 100_000, "n")
    cut: Cut = jieba.cut_for_search
    return cut


def _jieba() -> ModuleType:
    """Plain jieba, loaded only where it is needed: its dictionary takes a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its source has invalid escapes, and pkg_resources warns of itself
        import jieba

    jieba.setLogLevel("WARNING")
    return jieba  # type: ignore[no-any-return]


def by_jieba(words: Sequence[str] = ()) -> Cut:
    """The same from plain jieba, in Python."""
    jieba = _jieba()
    tokenizer = jieba.Tokenizer()
    for word in words:
        tokenizer.add_word(word, 100_000, "n")
    return lambda text: list(tokenizer.lcut_for_search(text))


def cutter(words: Sequence[str] = ()) -> Cut:
    """The fastest cutter that is installed."""
    return by_rjieba(words) if find_spec("rjieba") else by_jieba(words)


@cache
def common() -> Cut:
    """The cutter of the common dictionary, made once per process."""
    return cutter()


def tokens(text: str, cut: Cut | None = None) -> list[str]:
    """Search tokens of a text: lower-case, NFKC, simplified; punctuation and emoji left out; words within words too."""
    return tokens_of_folded(fold_text(sound(text, LIMIT)), cut)


def tokens_of_folded(folded: str, cut: Cut | None = None) -> list[str]:
    """`tokens` for a text that is folded already."""
    return [t for t in (cut or common())(_ENDLESS.sub(" ", folded)) if t[0].isalnum()]


def tokens_of_batch(batch: Batch, cut: Cut | None = None) -> Iterator[list[str]]:
    """`tokens` for a batch that is folded already, one text after the other: its words are used while they are warm."""
    cut = cut or common()
    folded = [_ENDLESS.sub(" ", text) for text in batch.folded] if _may_be_endless(batch.codes) else batch.folded
    return ([t for t in cut(text) if t[0].isalnum()] for text in folded)


def _may_be_endless(codes: Codes) -> bool:
    """Whether 65 ASCII characters stand together anywhere."""
    ascii_before = np.concatenate(([0], np.cumsum(codes < 0x80)))
    return bool((ascii_before[65:] - ascii_before[:-65] == 65).any())


def segment(text: str) -> str:
    """Search tokens separated by blanks: what the document store indexes, and how it cuts the words of a query."""
    return " ".join(tokens(text))


@cache
def background() -> tuple[dict[str, float], float]:
    """Inverse document frequency of common words, learned by the project; and that of a word it never met."""
    lines = (MODELS / "background.tsv").read_text(encoding="utf-8").splitlines()
    documents = int(lines[0])
    counts = (line.split("\t") for line in lines[1:])
    weight = cache(lambda n: log(documents / (1 + int(n))))  # equal weights are one object: the table stays small
    return {word: weight(n) for word, n in counts}, log(documents / 2)


class _Weights(dict[str, float]):
    """tf·idf weight of one occurrence of a word: nothing for single characters, numbers and common words."""

    def __missing__(self, word: str) -> float:
        if len(word) < 2:  # kept: there are only so many characters, and most of what is asked for is one
            self[word] = 0.0
            return 0.0
        return 0.0 if word.isascii() or len(word) > 6 or word.isnumeric() else self._unknown

    def __init__(self, idf: dict[str, float], unknown: float) -> None:
        super().__init__((w, weight if len(w) > 1 and weight > _COMMON else 0.0) for w, weight in idf.items())
        self._unknown = unknown if unknown > _COMMON else 0.0


@cache
def _weights() -> _Weights:
    return _Weights(*background())


def keywords(found: Sequence[str], count: int = 6) -> tuple[str, ...]:
    """The words that stand out by tf·idf (Spärck Jones 1972) against the background, best first.

    Single characters, numbers and words that the background calls common are left out.
    """
    weight_of = _weights()
    telling = [word for word in found if weight_of[word]]
    weights = {word: weight_of[word] for word in telling}
    if len(weights) < len(telling):
        for word, times in Counter(telling).items():
            weights[word] *= times
    best = sorted(weights, key=weights.__getitem__, reverse=True)  # stable: of equals the one that came first
    return tuple(_without_parts(best[: 3 * count], count))


_COMMON = 3.5  #: idf of a word that one document in 33 holds


def _without_parts(best: Sequence[str], count: int) -> list[str]:
    """Search tokens hold words within words: of 食品安全, 食品, 安全 only the first that ranks."""
    chosen: list[str] = []
    for word in best:
        for other in chosen:
            if word in other or other in word:
                break
        else:
            chosen.append(word)
            if len(chosen) == count:
                break
    return chosen


def learn_background(texts: Iterable[str], most: int = 40_000) -> str:
    """The background file of a corpus: number of documents, then word and document count, most frequent first.

    Only words of jieba's public dictionary: what the cutter made up itself may be the name of a private person.
    """
    jieba = _jieba()
    jieba.initialize()
    counts: Counter[str] = Counter()
    documents = 0
    for text in texts:
        documents += 1
        counts.update({t for t in tokens(text) if len(t) > 1 and not t.isascii()})
    common = [(w, n) for w, n in counts.most_common(most) if n >= 3 and jieba.dt.FREQ.get(w)]
    return "\n".join([str(documents), *(f"{w}\t{n}" for w, n in common)]) + "\n"


def rising(now: Iterable[Sequence[str]], before: Iterable[Sequence[str]], count: int = 20) -> list[tuple[str, float]]:
    """Phrases of two words that rise inside a topic: proposals for new keywords, never applied by themselves.

    Score: log-likelihood ratio (Dunning 1993) of the share of documents that hold the phrase, now against before.
    """
    new, n_new = _phrases(now)
    old, n_old = _phrases(before)
    scored = [(p, _dunning(k, n_new, old[p], n_old)) for p, k in new.items() if k >= 3]
    rising_ones = [(p, s) for p, s in scored if s > _SIGNIFICANT]
    return sorted(rising_ones, key=lambda row: (-row[1], row[0]))[:count]


_SIGNIFICANT = 10.8  #: chi-squared with one degree of freedom at p = .001


def _phrases(texts: Iterable[Sequence[str]]) -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    documents = 0
    for words in texts:
        documents += 1
        plain = [w for w, _ in groupby(words) if len(w) > 1 and not w.isascii()]
        counts.update({a + b for a, b in pairwise(plain) if a not in b and b not in a})
    return counts, documents


def _dunning(k1: int, n1: int, k2: int, n2: int) -> float:
    if not n1 or k1 / n1 <= (k2 / n2 if n2 else 0.0):
        return 0.0
    p = (k1 + k2) / (n1 + n2)

    def likelihood(k: int, n: int, q: float) -> float:
        return k * log(q) + (n - k) * log(1 - q) if 0 < q < 1 else 0.0

    p2 = k2 / n2 if n2 else 0.0
    return 2 * (likelihood(k1, n1, k1 / n1) + likelihood(k2, n2, p2) - likelihood(k1, n1, p) - likelihood(k2, n2, p))
