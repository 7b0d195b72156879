"""Keywords: those of a batch are what the plain definition gives for each text."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import keywords, words, words_parts
from analysis.characters import fold_batch
from analysis.words_parts import inner

TEXTS = (
    "污水管又堵了，污水流到老街上，我们没有办法，污水管年年堵",
    "食品安全检查组对夜市的食品摊位开展了食品安全检查",
    "一二三四五六 12345 ABC abc 二〇二六",
    "",
    "的了在是",
)


def found(texts: Sequence[str], count: int = 6) -> list[tuple[str, ...]]:
    return [each for cuts in words.cut_batch(fold_batch(texts)) for each in keywords.by_tfidf(cuts, count)]


def whole(tokens: Sequence[str]) -> list[str]:
    """Without the parts that stand before their word, looked for from the end, token by token."""
    kept: list[str] = []
    i = len(tokens) - 1
    while i >= 0:
        word, size, at = tokens[i], len(tokens[i]), 0
        kept.append(word)
        i -= 1
        while i >= 0 and 2 <= len(tokens[i]) <= min(3, size) and len(tokens[i]) < len(word):
            last = len(word) if len(tokens[i]) < size else at + len(tokens[i]) - 1
            at = word.rfind(tokens[i], 0, last)
            if at < 0:
                break
            size = len(tokens[i])
            i -= 1
    return kept[::-1]


def says_nothing(word: str) -> bool:
    counts = "几多数两半第"
    amount = (word[0].isnumeric() or word[0] in counts) and all(
        c.isnumeric() or c in counts + keywords._MEASURES for c in word
    )
    joined = any(b in keywords._JOINING and a not in keywords._NOUNS for a, b in pairwise(word))
    return amount or joined or word[0] in keywords._POINTING or word[-1] in keywords._ENDING


def plainly(text: str, count: int) -> tuple[str, ...]:
    """tf·idf word by word, as the textbook has it, over whole words; what the cutter made up and is said once last."""
    idf, unknown = words.background()
    counts = Counter(w for w in whole(words.tokens(text)) if len(w) > 1 and not says_nothing(w))
    made_up = {w for w in counts if w not in idf and not words.dictionary()(w)}
    scores = {
        word: 0.0 if word in made_up and times == 1 else idf.get(word, unknown) * times
        for word, times in counts.items()
        if idf.get(word, unknown) > keywords.COMMON
        and (word in idf or not (word.isascii() or len(word) > 6))
        and not (word in made_up and set(word) & set(keywords._BINDING))
    }
    chosen: list[str] = []
    for word in sorted(scores, key=scores.__getitem__, reverse=True)[: 3 * count]:
        if not any(word in other or other in word for other in chosen):
            chosen.append(word)
    return tuple(chosen[:count])


def test_keywords_stand_out() -> None:
    first, *_ = found(TEXTS)
    assert "污水" in first
    assert not {"我们", "没有"} & set(first)


@pytest.mark.parametrize(
    ("text", "word", "parts"),
    [
        ("住房公积金中心不让提取公积金", "公积金", {"公积", "积金"}),
        ("停水的消息真的假的，真的假的", "停水", {"真的假", "真的"}),
        ("示例县招商引资大会上谈招商引资", "招商引资", {"招商", "引资"}),
        ("小区门口的打印机坏了，打印机没人修", "打印机", {"打印", "印机"}),
    ],
)
def test_a_part_of_a_word_is_no_keyword(text: str, word: str, parts: set[str]) -> None:
    (first,) = found([text])
    assert not word or word in first
    assert not parts & set(first)


def test_a_word_that_is_also_a_part_elsewhere_stays() -> None:
    assert {"污水", "管网"} <= set(found(["污水从管网漫出来，污水处理厂没人来"])[0])


def test_quantities_and_pointing_words_are_none() -> None:
    (first,) = found(["三栋楼的这些住户，第二次找该处，为啥没人管，十几家都这样，电梯又停了，怎么样了"])
    assert "电梯" in first
    assert not {"三栋", "怎么样", "这些", "第二次", "该处", "为啥", "十几家", "十几", "这样"} & set(first)


def test_what_the_cutter_made_up_comes_last_where_it_is_said_once() -> None:
    dictionary = words.dictionary()
    once, often = found(["鹏鲲培训班拖欠学费", "鹏鲲培训班拖欠学费，鹏鲲不退，鹏鲲负责人失联"])
    assert not dictionary("鹏鲲")
    assert dictionary("拖欠")
    assert once[-1] == "鹏鲲"
    assert often[0] == "鹏鲲"


def test_parts_are_those_that_lie_within_a_later_word() -> None:
    from rjieba import Jieba

    texts = [
        *TEXTS[:2],
        "中华人民共和国食品安全法，新型冠状病毒感染，公积公积金，研究研究生的生命起源",
        "哈哈哈哈，人民法院",
    ]
    for text in texts:
        places = Jieba().tokenize(text, "search")
        within = [any(s <= start for _, s, _ in places[i + 1 :]) for i, (_, start, _) in enumerate(places)]
        expected = [part for (word, _, _), part in zip(places, within, strict=True) if word[0].isalnum()]
        (cuts,) = words.cut_batch(fold_batch([text]))
        assert inner(cuts).tolist() == expected, text


def test_numbers_letters_and_common_words_are_none() -> None:
    assert found(TEXTS)[2:] == [(), (), ()]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(list("".join(TEXTS)) + list(words.background()[0])[::97])), max_size=12))
def test_a_batch_gives_what_the_definition_gives(texts: list[list[str]]) -> None:
    written = ["".join(parts) for parts in texts]
    assert found(written) == [plainly(text, 6) for text in written]


def test_a_very_long_text() -> None:
    assert found(["污水管堵了" * 40_000]) == [("管堵", "污水")]


def test_textrank_puts_the_middle_of_the_text_first() -> None:
    assert keywords.textrank(["水管", "老街", "水管", "河道", "水管", "村民"])[0] == "水管"
    assert keywords.textrank([]) == []
    assert set(keywords.textrank(["甲乙", "甲乙丙"])) == {"甲乙", "甲乙丙"}


def test_textrank_of_a_batch_is_that_of_each_text() -> None:
    (cuts,) = words.cut_batch(fold_batch(TEXTS))
    each = [keywords.by_textrank(next(words.cut_batch(fold_batch([text]))))[0] for text in TEXTS]
    assert keywords.by_textrank(cuts) == each
    assert "污水" in each[0]
    assert each[2:] == [(), (), ()]


def test_plain_jieba_knows_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "find_spec", lambda _: None)
    plain = words.dictionary.__wrapped__()
    assert [plain(w) for w in ("公积金", "鹏鲲", "")] == [words.dictionary()(w) for w in ("公积金", "鹏鲲", "")]
    assert plain("公积金")


def test_many_words_at_once_are_walked_as_each_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text * 9 for text in (*TEXTS, "中华人民共和国食品安全法，公积公积金，哈哈哈哈，研究研究生的生命起源")]
    (cuts,) = words.cut_batch(fold_batch(texts))
    monkeypatch.setattr(words_parts, "_FEW", 0)
    at_once = inner(cuts)
    monkeypatch.setattr(words_parts, "_FEW", 1 << 20)
    assert inner(cuts).tolist() == at_once.tolist()
    assert at_once.any()
