"""Keywords: those of a batch are what the plain definition gives for each text."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import keywords, words
from analysis.characters import fold_batch

TEXTS = (
    "污水管又堵了，污水流到老街上，我们没有办法，污水管年年堵",
    "食品安全检查组对夜市的食品摊位开展了食品安全检查",
    "一二三四五六 12345 ABC abc 二〇二六",
    "",
    "的了在是",
)


def found(texts: Sequence[str], count: int = 6) -> list[tuple[str, ...]]:
    return [each for cuts in words.cut_batch(fold_batch(texts)) for each in keywords.by_tfidf(cuts, count)]


def plainly(text: str, count: int) -> tuple[str, ...]:
    """tf·idf word by word, as the textbook has it."""
    idf, unknown = words.background()
    counts = Counter(w for w in words.tokens(text) if len(w) > 1)
    scores = {
        word: idf.get(word, unknown) * times
        for word, times in counts.items()
        if idf.get(word, unknown) > keywords.COMMON
        and not word.isnumeric()
        and (word in idf or not (word.isascii() or len(word) > 6))
    }
    chosen: list[str] = []
    for word in sorted(scores, key=scores.__getitem__, reverse=True)[: 3 * count]:
        if not any(word in other or other in word for other in chosen):
            chosen.append(word)
    return tuple(chosen[:count])


def test_keywords_stand_out() -> None:
    first, *_ = found(TEXTS)
    assert first[0] == "污水"
    assert not {"我们", "没有"} & set(first)


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
