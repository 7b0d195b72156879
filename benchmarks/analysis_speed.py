"""Speed of the analysis against what one would write first; interleaved rounds, CPU time, quality asserted beside it.

    python -m benchmarks.analysis_speed          # all
    python -m benchmarks.analysis_speed words    # one

Texts are made here from the common dictionary, so that nothing is needed but the program itself. Ratios are of CPU time
within one run; absolute rates depend on the machine and on who else uses it.
"""

import os
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from math import exp
from statistics import median

from analysis import neardup, words
from analysis.assess import Assessor
from analysis.characters import fold_batch
from analysis.rules import RuleSet
from analysis.sentiment import SCORERS
from app.garbage import keep_loaded
from storage.query import And, Node, Not, Or, Word
from storage.types import Document

sys.path.insert(0, "tests")
from small_office import small_office

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jieba
    from snownlp import SnowNLP

jieba.setLogLevel("WARNING")
ROUNDS = 5
CHANCE = random.Random(20160812)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def dictionary() -> list[str]:
    """Common words of two characters and more."""
    table = words.background()[0]
    return list(table)


def posts(count: int, least: int = 15, most: int = 55) -> list[str]:
    """Made-up posts of the length of real ones (mean about 85 characters), with marks between clauses."""
    pool = dictionary()
    found = []
    for _ in range(count):
        chosen = CHANCE.choices(pool, k=CHANCE.randint(least, most))
        found.append("".join(w + ("，" if i % 6 == 5 else "") for i, w in enumerate(chosen)) + "。")
    return found


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ratio(slow: Callable[[], object], n_slow: int, fast: Callable[[], object], n_fast: int) -> tuple[float, float]:
    """Median over interleaved rounds of (slow per text / fast per text), and texts per CPU second of the fast one."""
    fast()
    ratios, rates = [], []
    for _ in range(ROUNDS):
        a, b = cpu(slow) / n_slow, cpu(fast) / n_fast
        ratios.append(a / b)
        rates.append(1 / b)
    return median(ratios), median(rates)


def say(what: str, value: float, rate: float, more: str = "") -> None:
    load = os.getloadavg()[0]
    print(f"{what:<22} {value:>8.0f}x   {rate:>9.0f} texts per CPU s   load {load:.1f}   {more}", flush=True)


def sentiment() -> float:
    """Own scorer against SnowNLP; the labels are compared in docs/quality.md."""
    texts = posts(4000)
    own = SCORERS["own"](None)
    few = texts[:12]

    def fast() -> None:
        for i in range(0, len(texts), 1000):
            own.score(fold_batch(texts[i : i + 1000]), ["social"] * 1000, explain=False)

    found, rate = ratio(lambda: [SnowNLP(t).sentiments for t in few], len(few), fast, len(texts))
    say("sentiment / SnowNLP", found, rate)
    return found


def usual_posts(count: int) -> list[str]:
    """Made-up posts whose words are as frequent as in the background corpus."""
    idf = words.background()[0]
    pool, often = list(idf), [exp(-weight) for weight in idf.values()]
    return ["".join(CHANCE.choices(pool, often, k=CHANCE.randint(15, 55))) + "。" for _ in range(count)]


def segmentation() -> float:
    """rjieba against jieba, as many texts a call as the program hands it; token F1 on the same texts."""
    fast_cut, slow_cut = words.by_rjieba(), words.by_jieba()
    found = 0.0
    for name, texts in (("rare words", posts(1600)), ("words", usual_posts(1600))):
        few = texts[:100]
        joined = ["\r".join(texts[i : i + 16]) for i in range(0, len(texts), 16)]
        same = sum((Counter(fast_cut(t)) & Counter(slow_cut(t))).total() for t in few)
        f1 = 2 * same / sum(len(fast_cut(t)) + len(slow_cut(t)) for t in few)
        slow, fast = partial(_cut, slow_cut, few), partial(_cut, fast_cut, joined)
        found, rate = ratio(slow, len(few), fast, len(texts))
        say(f"{name} / jieba", found, rate, f"token F1 {f1:.4f}")
        assert f1 >= 0.99
    return found


def _cut(with_it: words.Cut, texts: Sequence[str]) -> None:
    for text in texts:  # no side keeps its words: that would measure memory
        with_it(text)


def rules(count: int = 10_000) -> float:
    """10,000 rules over 50,000 words against asking each in turn; answers compared."""
    pool = dictionary()
    made = [a + b for a, b in zip(pool, CHANCE.sample(pool, len(pool)), strict=True)]
    more = [a + b for a, b in zip(pool, CHANCE.sample(pool, len(pool)), strict=True)]
    vocabulary = list(dict.fromkeys(CHANCE.sample(pool, 1500) + made + more))[:50_000]
    CHANCE.shuffle(vocabulary)
    nodes: list[Node] = [_rule((vocabulary * 2)[5 * i : 5 * i + 5]) for i in range(count)]
    texts = fold_batch(posts(5000)).folded
    compiled = RuleSet(nodes)
    few = texts[:3]

    def slow() -> list[list[int]]:
        return [[i for i, node in enumerate(nodes) if holds(node, text)] for text in few]

    assert [[rule for rule, _ in compiled.match(text)] for text in few] == slow()
    found, rate = ratio(slow, len(few), lambda: compiled.hold(compiled.lexicon.find(texts)), len(texts))
    say("10k rules / loop", found, rate)
    return rate


def _rule(w: Sequence[str]) -> Node:
    return And((Or((Word(w[0]), Word(w[1]), Word(w[2]))), Or((Word(w[3]), Word(w[4]))), Not(Word(w[0] + w[1]))))


def holds(node: Node, text: str) -> bool:
    """The plain meaning of a rule."""
    match node:
        case Word(word):
            return word in text
        case Not(part):
            return not holds(part, text)
        case And(parts):
            return all(holds(p, text) for p in parts)
        case Or(parts):
            return any(holds(p, text) for p in parts)
    raise AssertionError(node)


def near_duplicates(count: int = 100_000) -> float:
    """Edited copies of made-up originals, window of 100,000: B-cubed F1 and rate, beside the singleton floor."""
    originals = posts(count // 5)
    truth = [CHANCE.randrange(len(originals)) for _ in range(count)]
    texts = [edited(originals[t]) for t in truth]
    ids, at = [str(i) for i in range(count)], [NOON + timedelta(seconds=i) for i in range(count)]
    window = neardup.Window()
    firsts: list[str | None] = []

    def work() -> None:
        for i in range(0, count, 1000):
            part = slice(i, i + 1000)
            firsts.extend(window.assign(ids[part], neardup.signatures(texts[part]), at[part]))

    seconds = cpu(work)
    groups = [first or i for first, i in zip(firsts, ids, strict=True)]
    f1, floor = b_cubed(truth, groups), b_cubed(truth, ids)
    largest = max(Counter(groups).values()) / count
    say("near-duplicates", 1, count / seconds, f"B-cubed {f1:.4f}, singletons {floor:.3f}, largest group {largest:.4f}")
    assert f1 >= 0.98
    return count / seconds


def edited(text: str) -> str:
    """Up to 5 % of the characters replaced, dropped or added."""
    letters = list(text)
    for _ in range(CHANCE.randint(0, len(letters) // 20)):
        at = CHANCE.randrange(len(letters))
        letters[at : at + CHANCE.randint(0, 1)] = CHANCE.choice(["", "的", "了", "在", "是"])
    return "".join(letters)


def b_cubed(truth: Sequence[object], found: Sequence[object]) -> float:
    """Bagga & Baldwin 1998."""
    a, b, both = Counter(truth), Counter(found), Counter(zip(truth, found, strict=True))
    precision = sum(n * n / b[g] for (_, g), n in both.items()) / len(truth)
    recall = sum(n * n / a[t] for (t, _), n in both.items()) / len(truth)
    return 2 * precision * recall / (precision + recall)


def whole(count: int = 6000) -> tuple[float, float]:
    """All of `assess` against jieba + SnowNLP + a loop over keywords."""
    documents = [
        Document(id=str(i), text=t, fetched_at=NOON, source="s", kind="social") for i, t in enumerate(posts(count))
    ]
    assessor = Assessor(small_office())
    keywords = dictionary()[:1000]
    few = documents[:12]
    assessor.assess(documents[:100])
    keep_loaded()  # as `assess`, `work` and `import` do

    def naive() -> None:
        for d in few:
            jieba.lcut(d.text)
            _ = SnowNLP(d.text).sentiments
            _ = [w for w in keywords if w in d.text]

    def fast() -> None:
        for i in range(0, count, 1000):
            assessor.assess(documents[i : i + 1000])

    found, rate = ratio(naive, len(few), fast, count)
    say("assess / naive", found, rate)
    return found, rate


PARTS = {
    "sentiment": lambda: sentiment() >= 1000,
    "words": lambda: segmentation() >= 20,
    "rules": lambda: rules() >= 100_000,
    "neardup": lambda: near_duplicates() >= 40_000,
    "assess": lambda: (found := whole())[0] >= 150 and found[1] >= 15_000,
}


def main(chosen: Sequence[str]) -> int:
    """Run the parts; 1 where one is below what docs/quality.md promises."""
    fell = [name for name in chosen or PARTS if not PARTS[name]()]
    print("below its aim: " + ", ".join(fell) if fell else "all aims reached")
    return 1 if fell else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
