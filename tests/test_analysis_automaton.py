"""Words in texts: both libraries find what the plain definition finds, on any planes of Unicode."""

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pytest

from analysis.automaton import Look, Match, by_ahocorasick, by_daachorse, longest, overlapping

#: what this machine has: daachorse has no wheel for some
BOTH = ([by_daachorse] if find_spec("daachorse") else []) + [by_ahocorasick]
LETTERS = "食品安全ab\x00é😀𠀀\U0010ffff"


def _everywhere(words: Sequence[str], text: str) -> list[Match]:
    numbers = {word: i for i, word in enumerate(words)}
    return [
        (start, end, numbers[text[start:end]])
        for end in range(len(text) + 1)
        for start in range(end)
        if text[start:end] in numbers
    ]


def _leftmost_longest(words: Sequence[str], text: str) -> list[Match]:
    found, start = list[Match](), 0
    while start < len(text):
        here = [word for word in words if text.startswith(word, start)]
        word = max(here, key=len, default=text[start])
        if here:
            found.append((start, start + len(word), words.index(word)))
        start += len(word)
    return found


def _cases() -> list[tuple[list[str], str]]:
    chance = random.Random(5)
    letters = [LETTERS[: chance.randint(2, len(LETTERS))] for _ in range(400)]
    return [
        (
            list(dict.fromkeys("".join(chance.choices(pool, k=chance.randint(1, 4))) for _ in range(8))),
            "".join(chance.choices(pool, k=chance.randint(0, 30))),
        )
        for pool in letters
    ]


@pytest.mark.parametrize("by", BOTH)
def test_every_word_is_found_wherever_it_stands(by: Callable[..., Look]) -> None:
    for words, text in _cases():
        found = by(words)(text)
        assert sorted(found) == sorted(_everywhere(words, text)), (words, text)
        assert [end for _, end, _ in found] == sorted(end for _, end, _ in found)


@pytest.mark.parametrize("by", BOTH)
def test_the_longest_word_is_found_from_the_left(by: Callable[..., Look]) -> None:
    for words, text in _cases():
        assert by(words, longest=True)(text) == _leftmost_longest(words, text), (words, text)


@pytest.mark.parametrize("make", [overlapping, longest])
def test_a_long_text_of_one_word_is_read_to_its_end(make: Callable[[Sequence[str]], Look]) -> None:
    look = make(["停水", "水停"])
    assert look("停水" * 50_000)[-1][:2] == (99_998, 100_000)
