"""Words: cut for search, and the few that say what a text is about.

rjieba (jieba's dictionary and HMM, in Rust) where it is installed; plain jieba gives the same tokens 26 times slower.
Search tokens come from the common dictionary alone, so that a query and a document are always cut alike; the office's
own names join the keywords through the gazetteer (`analysis.places`), which needs no dictionary.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from math import log
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from analysis.characters import LAST_LETTER, Batch, Codes, Offsets, fold_text, letters
from analysis.text import LIMIT, sound

if TYPE_CHECKING:
    from rjieba import Jieba

MODELS = Path(__file__).with_name("models")
Cut = Callable[[str], list[str]]

_TOGETHER, _MOST_TEXTS = 60_000, 10_000  #: characters, and texts, whose words are looked at together
_AT_ONCE = 16  #: texts that are cut in one call
_END = "\r"  #: between two texts: no folded text holds it, and no word crosses it
_TEXT, _LINE, _BLANK = ord(_END), ord("\n"), ord(" ")
_ENDLESS = re.compile(r"[0-9a-z_]{65,}")  #: a longer run of letters is no word


@cache
def _rjieba() -> "Jieba":
    """rjieba with the common dictionary alone, once per process: that takes a tenth of a second and many megabytes."""
    from rjieba import Jieba

    return Jieba()


def by_rjieba(words: Sequence[str] = ()) -> Cut:
    """Search cutter of rjieba, with further words."""
    from rjieba import Jieba

    jieba = Jieba() if words else _rjieba()
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


def _initialized() -> ModuleType:
    jieba = _jieba()
    jieba.initialize()
    return jieba


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


@cache
def dictionary() -> Callable[[str], bool]:
    """Whether the common dictionary holds a word; what else a cutter gives it has put together by itself."""
    if not find_spec("rjieba"):
        frequencies = _initialized().dt.FREQ
        return lambda word: bool(frequencies.get(word))
    holds: Callable[[str], bool] = _rjieba().has_word
    return holds


def tokens(text: str, cut: Cut | None = None) -> list[str]:
    """Search tokens of a text: lower-case, NFKC, simplified; punctuation and emoji left out; words within words too."""
    return tokens_of_folded(fold_text(sound(text, LIMIT)), cut)


def tokens_of_folded(folded: str, cut: Cut | None = None) -> list[str]:
    """`tokens` for a text that is folded already."""
    return [t for t in (cut or common())(_ENDLESS.sub(" ", folded)) if t[0].isalnum()]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Search tokens of several texts: all of them in one string, a blank behind each, and where each one stands."""

    joined: str
    codes: Codes  #: of `joined`
    starts: Offsets  #: of each word in `joined`; shape (words,)
    lengths: Offsets  #: shape (words,)
    bounds: Offsets  #: the words of text i are [bounds[i], bounds[i+1])

    def tokens(self) -> list[str]:
        """The tokens of each text, separated by blanks."""
        edges = np.append(self.starts, len(self.joined))[self.bounds].tolist()
        return [self.joined[a : max(a, b - 1)] for a, b in pairwise(edges)]


def cut_batch(batch: Batch, cut: Cut | None = None) -> Iterator[Cuts]:
    """`tokens` for a batch that is folded already: a few texts at a time, so that their words stay in the cache."""
    folded = [_ENDLESS.sub(" ", text) for text in batch.folded] if _may_be_endless(batch.codes) else batch.folded
    first = 0
    while first < len(folded):
        last = int(np.searchsorted(batch.offsets, batch.offsets[first] + _TOGETHER, "right")) - 1
        last = min(max(first + 1, last), first + _MOST_TEXTS)
        yield _cuts(folded[first:last], cut or common())
        first = last


def _cuts(folded: Sequence[str], cut: Cut) -> Cuts:
    """Words that begin with a letter, an ideograph or a digit, found in one look at all first characters."""
    parts = (_END.join(folded[i : i + _AT_ONCE]) + _END for i in range(0, len(folded), _AT_ONCE))
    joined = "".join("\n".join(cut(part)) + "\n" for part in parts)  # a folded text holds no line end
    codes = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    ends = np.flatnonzero(codes == _LINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    begin = codes[starts]
    stays = letters()[np.minimum(begin, LAST_LETTER)]
    bounds = np.concatenate(([0], np.cumsum(stays)[begin == _TEXT]))
    lengths = (ends - starts)[stays]
    kept = codes[np.repeat(stays, ends + 1 - starts)]
    behind = np.cumsum(lengths + 1)
    kept[behind - 1] = _BLANK
    return Cuts(kept.tobytes().decode("utf-32-le"), kept, behind - lengths - 1, lengths, bounds)


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


def learn_background(texts: Iterable[str], most: int = 40_000) -> str:
    """The background file of a corpus: number of documents, then word and document count, most frequent first.

    Only words of jieba's public dictionary: what the cutter made up itself may be the name of a private person.
    """
    frequencies = _initialized().dt.FREQ
    counts: Counter[str] = Counter()
    documents = 0
    for text in texts:
        documents += 1
        counts.update({t for t in tokens(text) if len(t) > 1 and not t.isascii()})
    common = [(w, n) for w, n in counts.most_common(most) if n >= 3 and frequencies.get(w)]
    return "\n".join([str(documents), *(f"{w}\t{n}" for w, n in common)]) + "\n"
