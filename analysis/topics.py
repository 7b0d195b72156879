"""Topics: the office's boolean rules (`analysis.rules`), each hit with the words of the text.

A look-alike (演练, 招聘, 宣传 …) keeps the topic but is marked as no incident, with its reason. Of several topics
the main one comes first: the one whose words the text says most often.
"""

from collections.abc import Sequence

from analysis.characters import Batch, fold_batch
from analysis.lexicon import Finds, Lexicon
from analysis.rules import Held, RuleSet, Span
from storage.query import parse
from storage.types import Office, TopicHit

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

    def __init__(self, office: Office, lexicon: Lexicon | None = None) -> None:
        self._topics = list(office.topics.values())
        excluded = [(i, topic) for i, topic in enumerate(self._topics) if topic.exclude]
        rules = [topic.rule for topic in self._topics] + [topic.exclude for _, topic in excluded]
        self._rules = RuleSet([parse(rule) for rule in [*rules, *(rule for rule, _ in LOOKALIKES)]], lexicon)
        n, m = len(self._topics), len(self._topics) + len(excluded)
        self._own = {
            n + k: (i, topic.exclude_reason or f"{topic.name}的排除条件成立，不是事件")
            for k, (i, topic) in enumerate(excluded)
        }
        self._general = {m + k: reason for k, (_, reason) in enumerate(LOOKALIKES)}

    def match(self, texts: Sequence[str]) -> list[tuple[TopicHit, ...]]:
        """Topics of each text, the main one first; of equals the one that stands first in the configuration."""
        return self.match_batch(fold_batch(texts))

    def match_batch(self, batch: Batch, finds: Finds | None = None) -> list[tuple[TopicHit, ...]]:
        """`match` for texts that are folded already; `finds`: what the lexicon found in them."""
        held = self._rules.hold(finds or self._rules.lexicon.find(batch.folded))
        return [self._hits(batch, i, matched) if matched else () for i, matched in enumerate(held)]

    def _hits(self, batch: Batch, i: int, matched: Held) -> tuple[TopicHit, ...]:
        topics = [(rule, spans) for rule, spans in matched if rule < len(self._topics)]
        if not topics:
            return ()
        general = next((self._general[rule] for rule, _ in matched if rule in self._general), "")
        own = {self._own[rule][0]: self._own[rule][1] for rule, _ in matched if rule in self._own}
        if len(topics) > 1:  # a stable sort: of equals the first in the configuration stays first
            topics.sort(key=lambda hit: -_times(hit[1]))
        return tuple(
            TopicHit(
                id=self._topics[topic].id,
                words=tuple(dict.fromkeys(batch.original(i, a, b) for a, b in spans)),
                incident=not (reason := own.get(topic) or general),
                reason=reason,
            )
            for topic, spans in topics
        )


def _times(spans: Sequence[Span]) -> int:
    """How often a rule's words are said; of words within words (消防 in 消防通道) one counts. spans: by start."""
    times, free = 0, 0
    for start, end in spans:
        if start >= free:
            times, free = times + 1, end
    return times
