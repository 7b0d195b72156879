"""Topics: thousands of boolean rules over one pass of an Aho-Corasick automaton.

    rule ─parse→ tree ─compile→ predicate over the words found + anchor words without which it cannot hold
    text ─automaton→ words found ─anchors→ the few rules worth asking → TopicHit with the words of the text

A look-alike (演练, 招聘, 宣传 …) keeps the topic but is marked as no incident, with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from analysis.characters import Batch, fold_batch, fold_text
from storage.query import And, Near, Node, Not, Or, Word, parse
from storage.types import Office, TopicHit

Span = tuple[int, int]
Found = Mapping[int, list[Span]]  #: number of a word → where it stands
Predicate = Callable[[Found], bool]


class Vocabulary:
    """Words of all rules, each with a number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        """Number of a word; NOTHING for one that folds to nothing, which no text holds."""
        folded = fold_text(word)
        return self.numbers.setdefault(folded, len(self.numbers)) if folded else NOTHING


NOTHING = -1


@dataclass(frozen=True, slots=True)
class _Rule:
    holds: Predicate
    anchors: frozenset[int] | None  #: one of these must be found; None: the rule can hold without any word
    words: frozenset[int]  #: what may be shown as matched: words not under an exclusion


class RuleSet:
    """Boolean rules, asked all at once. Semantics: those of `storage.query.matches`, on folded text."""

    def __init__(self, rules: Sequence[Node]) -> None:
        vocabulary = Vocabulary()
        self._rules = [_compile(rule, vocabulary) for rule in rules]
        words = list(vocabulary.numbers)
        self._automaton = AhoCorasick(words, store_patterns=False) if words else None
        self._anchored: list[tuple[int, ...]] = [()] * len(words)
        self._always = tuple(i for i, rule in enumerate(self._rules) if rule.anchors is None)
        lists: list[list[int]] = [[] for _ in words]
        for i, rule in enumerate(self._rules):
            for word in (rule.anchors or frozenset()) - {NOTHING}:
                lists[word].append(i)
        self._anchored = [tuple(rules) for rules in lists]

    def found(self, folded: str) -> dict[int, list[Span]]:
        """Every word of the rules that stands in the text, overlapping ones too."""
        found: dict[int, list[Span]] = {}
        if self._automaton is not None:
            for word, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
                found.setdefault(word, []).append((start, end))
        return found

    def match(self, folded: str) -> list[tuple[int, list[Span]]]:
        """Numbers of the rules that hold, in order, each with the places of its words."""
        found = self.found(folded)
        if not found and not self._always:
            return []
        asked = set(self._always)
        for word in found:
            asked.update(self._anchored[word])
        rules = self._rules
        return [(i, self._spans(rules[i], found)) for i in sorted(asked) if rules[i].holds(found)]

    @staticmethod
    def _spans(rule: _Rule, found: Found) -> list[Span]:
        return sorted(span for word in rule.words.intersection(found) for span in found[word])


def _compile(node: Node, vocabulary: Vocabulary) -> _Rule:
    match node:
        case Word(text):
            word = vocabulary.number(text)
            return _Rule(lambda found: word in found, frozenset((word,)), frozenset((word,)))
        case Near(left, right, distance):
            a, b = vocabulary.number(left.text), vocabulary.number(right.text)
            return _Rule(lambda found: _near(found, a, b, distance), frozenset((a,)), frozenset((a, b)))
        case Not(part):
            inner = _compile(part, vocabulary)
            return _Rule(lambda found: not inner.holds(found), None, frozenset())
        case And(parts):
            return _both([_compile(part, vocabulary) for part in parts])
        case Or(parts):
            return _either([_compile(part, vocabulary) for part in parts])


def _near(found: Found, a: int, b: int, distance: int) -> bool:
    return any(
        (0 <= start - end <= distance) or (0 <= first - last <= distance)
        for first, end in found.get(a, ())
        for start, last in found.get(b, ())
    )


def _both(parts: Sequence[_Rule]) -> _Rule:
    anchors = [part.anchors for part in parts if part.anchors is not None]
    tests = [part.holds for part in parts]
    return _Rule(
        lambda found: all(test(found) for test in tests),
        min(anchors, key=len) if anchors else None,
        frozenset().union(*(part.words for part in parts)),
    )


def _either(parts: Sequence[_Rule]) -> _Rule:
    words = frozenset().union(*(part.words for part in parts))
    anchors = [part.anchors for part in parts]
    every = None if None in anchors else frozenset().union(*(a for a in anchors if a is not None))
    tests = [part.holds for part in parts]
    return _Rule(lambda found: any(test(found) for test in tests), every, words)


#: look-alikes that hold for every topic: what they say of themselves, and why that is no incident
LOOKALIKES: tuple[tuple[str, str], ...] = (
    ("应急演练 | 消防演练 | 演练活动 | 开展演练 | 模拟演练 | 疏散演练", "演练，不是事件"),
    ("招聘启事 | 招聘公告 | 诚聘 | 岗位职责 | 任职要求 | 招聘简章", "招聘信息，不是事件"),
    ("宣传活动 | 宣传周 | 宣传月 | 主题宣传 | 普法宣传 | 科普讲座 | 知识讲座 | 知识竞赛", "宣传活动，不是事件"),
    ("防范指南 | 温馨提示 | 如何防范 | 谨防 | 防骗提醒 | 安全提示", "防范提示，不是事件"),
    ("已解决 | 已得到解决 | 已修复 | 已整改完毕 | 已整改到位 | 已妥善处理", "已解决，不是新的事件"),
)


class TopicMatcher:
    """The office's topics."""

    def __init__(self, office: Office) -> None:
        self._topics = list(office.topics.values())
        excluded = [(i, topic) for i, topic in enumerate(self._topics) if topic.exclude]
        rules = [topic.rule for topic in self._topics] + [topic.exclude for _, topic in excluded]
        self._rules = RuleSet([parse(rule) for rule in [*rules, *(rule for rule, _ in LOOKALIKES)]])
        n, m = len(self._topics), len(self._topics) + len(excluded)
        self._own = {
            n + k: (i, topic.exclude_reason or f"{topic.name}的排除条件成立，不是事件")
            for k, (i, topic) in enumerate(excluded)
        }
        self._general = {m + k: reason for k, (_, reason) in enumerate(LOOKALIKES)}

    def match(self, texts: Sequence[str]) -> list[tuple[TopicHit, ...]]:
        """Topics of each text, in the order of the configuration."""
        return self.match_batch(fold_batch(texts))

    def match_batch(self, batch: Batch) -> list[tuple[TopicHit, ...]]:
        """`match` for texts that are folded already."""
        return [self._hits(batch, i, self._rules.match(folded)) for i, folded in enumerate(batch.folded)]

    def _hits(self, batch: Batch, i: int, matched: list[tuple[int, list[Span]]]) -> tuple[TopicHit, ...]:
        topics = [(rule, spans) for rule, spans in matched if rule < len(self._topics)]
        if not topics:
            return ()
        general = next((reason for rule, reason in self._general.items() if any(r == rule for r, _ in matched)), "")
        own = {self._own[rule][0]: self._own[rule][1] for rule, _ in matched if rule in self._own}
        return tuple(
            TopicHit(
                id=self._topics[topic].id,
                words=tuple(dict.fromkeys(batch.original(i, a, b) for a, b in spans)),
                incident=not (reason := own.get(topic) or general),
                reason=reason,
            )
            for topic, spans in topics
        )
