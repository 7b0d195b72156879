"""The boolean syntax: what staff type, what the tree is, what a mistake says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.query import And, Near, Node, Not, Or, QuerySyntaxError, Word, matches, parse, unparse, words

A, B, C = Word("甲"), Word("乙"), Word("丙")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("甲", A),
        ("甲 乙", And((A, B))),
        ("甲+乙", And((A, B))),
        ("甲　乙", And((A, B))),
        ("甲 | 乙", Or((A, B))),
        ("甲、乙", Or((A, B))),
        ("甲｜乙", Or((A, B))),
        ("甲 乙 | 丙", Or((And((A, B)), C))),
        ("（甲｜乙）＋丙", And((Or((A, B)), C))),
        ("甲 - 乙", And((A, Not(B)))),
        ("甲-乙", And((A, Not(B)))),
        ("甲－乙", And((A, Not(B)))),
        ("-甲", Not(A)),
        ("-(甲 | 乙)", Not(Or((A, B)))),
        ("甲 + -(乙 丙)", And((A, Not(And((B, C)))))),
        ("covid-19", Word("covid-19")),
        ("covid-19 -甲", And((Word("covid-19"), Not(A)))),
        ("“甲 乙”", Word("甲 乙", phrase=True)),
        ('"甲  乙" 丙', And((Word("甲 乙", phrase=True), C))),
        ("甲 NEAR/5 乙", Near(A, B, 5)),
        ("甲 near/5 乙 丙", And((Near(A, B, 5), C))),
        ("((甲))", A),
        ("甲 (乙 丙)", And((A, B, C))),
        (
            '(减税 | 降费 | "增值税 起征点") + 义乌 - 招聘',
            And(
                (
                    Or((Word("减税"), Word("降费"), Word("增值税 起征点", phrase=True))),
                    Word("义乌"),
                    Not(Word("招聘")),
                )
            ),
        ),
    ],
)
def test_reads(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "column", "words_of_advice"),
    [
        ("", 1, "至少输入一个词"),
        (" 　\n", 1, "至少输入一个词"),
        ("甲 |", 4, "最后缺一个词"),
        ("| 甲", 1, "前面缺一个词"),
        ("甲 + | 乙", 5, "前面缺一个词"),
        ("甲 -", 4, "最后缺一个词"),
        ("(甲", 1, "补上右括号"),
        ("甲)", 2, "多了一个右括号"),
        ("甲 ()", 4, "括号里是空的"),
        ('甲 "乙', 3, "引号没有成对"),
        ('甲 ""', 3, "引号里是空的"),
        ("NEAR/5 甲", 1, "「NEAR」前面缺一个词"),
        ("甲 NEAR/5", 9, "最后缺一个词"),
        ("甲 NEAR/0 乙", 3, "1 到 100"),
        ("甲 NEAR/999999999999 乙", 3, "1 到 100"),
        ("甲 NEAR/5 (乙 | 丙)", 3, "一个词或一个引号短语"),
        ("甲 NEAR/5 乙 NEAR/5 丙", 12, "只连接两个词"),
        ("(" * 30 + "甲" + ")" * 30, 22, "套得太深"),
        ("-" * 5000 + "甲", 22, "套得太深"),
        ("甲" * 8001, 8001, "太长"),
        ("甲 " * 1001, 2001, "词太多"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, column: int, words_of_advice: str) -> None:
    with pytest.raises(QuerySyntaxError, match=words_of_advice) as caught:
        parse(text)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"第 {column} 列")


@pytest.mark.parametrize(
    ("query", "text", "holds"),
    [
        ("食品安全", "抓好食品\n安全", True),
        ("ＡＢＣ", "abc", True),
        ("-招聘", "没有别的", True),
        ("-招聘", "招聘会", False),
        ('"增值税 起征点"', "提高增值税起征点", True),
        ('"增值税 起征点"', "起征点增值税", False),
        ("甲 NEAR/2 乙", "乙一二甲", True),
        ("甲 NEAR/2 乙", "乙一二三甲", False),
        ("甲 NEAR/2 乙", "甲乙", True),
        ('"new york"', "newyork", False),
    ],
)
def test_matches_by_substring(query: str, text: str, holds: bool) -> None:
    assert matches(parse(query), text) is holds


def test_words_are_listed_once_and_without_the_excluded_ones_on_request() -> None:
    tree = parse("甲 (乙 | 甲) -丙 丁 NEAR/3 戊")
    assert words(tree) == ("甲", "乙", "丙", "丁", "戊")
    assert words(tree, excluded=False) == ("甲", "乙", "丁", "戊")


_plain = st.builds(Word, st.sampled_from(["甲", "乙", "covid-19", "a.b", "near", "NEAR"]))
_phrases = st.builds(Word, st.sampled_from(["甲 乙", "a|b", "(", "NEAR/3", "-丙", "covid-19"]), st.just(True))
_leaves = st.one_of(_plain, _phrases, st.builds(Near, _plain, _phrases, st.integers(1, 100)))


def _grow(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    flat_and = several.map(
        lambda parts: And(tuple(p for x in parts for p in (x.parts if isinstance(x, And) else (x,))))
    )
    flat_or = several.map(lambda parts: Or(tuple(p for x in parts for p in (x.parts if isinstance(x, Or) else (x,)))))
    return st.one_of(flat_and, flat_or, st.builds(Not, children))


@given(st.recursive(_leaves, _grow, max_leaves=8))
def test_a_tree_survives_being_written_down(tree: Node) -> None:
    assert parse(unparse(tree)) == tree


@given(st.text(alphabet=st.sampled_from('甲乙ab19 "()|+-、“（）NEAR/5\0\ud800'), max_size=30))
def test_any_text_is_read_or_refused_with_a_column(text: str) -> None:
    tree, column = _read(text)
    assert 1 <= column <= len(text) + 1
    if tree is not None:
        assert parse(unparse(tree)) == tree
        matches(tree, text)


def _read(text: str) -> tuple[Node | None, int]:
    try:
        return parse(text), 1
    except QuerySyntaxError as error:
        return None, error.column
