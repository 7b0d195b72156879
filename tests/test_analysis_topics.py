"""Topics: the same answer as the reference semantics, the words shown, look-alikes with their reason."""

import random

import pytest
from small_office import small_office

from analysis.characters import fold_text
from analysis.lexicon import Lexicon
from analysis.rules import RuleSet
from analysis.topics import TopicMatcher
from storage.query import matches, parse

MATCHER = TopicMatcher(small_office())


def test_words_are_shown_as_they_stand() -> None:
    (hits,) = MATCHER.match(["北苑一家超市卖過期牛奶，孩子食 物\n中毒"])
    assert [(hit.id, hit.words, hit.incident) for hit in hits] == [("food-drug", ("過期", "食 物\n中毒"), True)]


def test_only_words_of_a_branch_that_holds_speak_for_a_topic() -> None:
    rules = RuleSet([parse("毒 (豆芽 | 韭菜) | 呕吐 孩子 | 变质")])
    assert rules.match(fold_text("孩子呕吐，是诺如病毒")) == [(0, [(0, 2), (2, 4)])]
    assert rules.match(fold_text("毒豆芽，病毒，呕吐")) == [(0, [(0, 1), (1, 3), (5, 6)])]
    near = RuleSet([parse("食品 NEAR/3 过期 | 变质 毒")])
    assert near.match(fold_text("过期食品，病毒")) == [(0, [(0, 2), (2, 4)])]


def test_a_drill_keeps_the_topic_but_is_no_incident() -> None:
    (hits,) = MATCHER.match(["我市举行食物中毒应急演练"])
    assert [(hit.id, hit.incident, hit.reason) for hit in hits] == [("food-drug", False, "演练、招聘或宣传，不是事件")]


def test_general_lookalikes_hold_for_topics_without_their_own() -> None:
    (hits,) = MATCHER.match(["退税政策宣传周今天开始"])
    assert [(hit.id, hit.incident, hit.reason) for hit in hits] == [("tax", False, "宣传活动，不是事件")]


def test_of_two_topics_the_one_that_is_said_more_often_leads_and_of_equals_the_first_in_the_configuration() -> None:
    (hits,) = MATCHER.match(["学区旁边的厂排污，补课时都闻得到异味"])
    assert [hit.id for hit in hits] == ["environment", "education"]
    (hits,) = MATCHER.match(["学区旁边的厂排污，补课时都闻得到异味，学区还要重划，补课费又涨"])
    assert [hit.id for hit in hits] == ["education", "environment"]


@pytest.mark.parametrize("text", ["", "\x00", "今天天气不错", "\ud800"])
def test_nothing_found(text: str) -> None:
    assert MATCHER.match([text]) == [()]


RULES = [
    "过期 | 变质",
    "(过期 | 变质) + 食品 - 演练",
    '"食品 安全" + -招聘',
    "-招聘",
    "食品 NEAR/3 过期",
    "(a | 义乌) (安全 | -过期)",
    "ＡＢＣ | 過期",
    "(过期 食品 | 安全 招聘 | 义乌 演练 | a 的 | abc 安全 | 变质 食品) + (食品 | 义乌 - a)",
    "安全 - (过期 食品 | 变质 - 义乌)",
    "(食品 NEAR/3 过期 | a 的) + (安全 | -演练)",
]
PIECES = ["过期", "变质", "食品", "安全", "演练", "招聘", "义乌", "abc", "的", "，", "食品 安全", "a", "食品安全"]


def test_agrees_with_the_reference_on_random_texts() -> None:
    chance = random.Random(3)
    rules = RuleSet([parse(rule) for rule in RULES])
    for _ in range(1500):
        text = "".join(chance.choices(PIECES, k=chance.randint(0, 7)))
        found = {rule for rule, _ in rules.match(fold_text(text))}
        # the reference does not simplify 過, so its rule is given simplified
        wanted = {i for i, rule in enumerate(RULES) if matches(parse(rule.replace("過", "过")), text)}
        assert found == wanted, text


def test_rule_sets_that_share_a_lexicon_say_what_they_say_alone() -> None:
    chance = random.Random(4)
    lexicon = Lexicon()
    shared = [RuleSet([parse(rule) for rule in part], lexicon) for part in (RULES[:4], RULES[4:])]
    alone = [RuleSet([parse(rule) for rule in part]) for part in (RULES[:4], RULES[4:])]
    texts = [fold_text("".join(chance.choices(PIECES, k=chance.randint(0, 7)))) for _ in range(300)]
    finds = lexicon.find(texts)
    for rules, by_itself in zip(shared, alone, strict=True):
        assert rules.hold(finds) == [by_itself.match(text) for text in texts]


def test_what_was_found_before_a_place_is_what_a_pass_so_far_finds() -> None:
    lexicon = Lexicon()
    rules = RuleSet([parse("食品安全 | 安全"), parse("食品 - 安全")], lexicon)
    text = "食品安全"
    for end in range(len(text) + 1):
        assert rules.hold(lexicon.find([text]), [end]) == [rules.match(text[:end])]
