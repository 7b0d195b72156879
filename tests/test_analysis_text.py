"""Text and words: folding, Weibo markup, search tokens, keywords."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import words
from analysis.characters import fold_batch, fold_text
from analysis.text import hashtags, normal, own_words, plain, sentences, sound

SENTENCES = (
    "佛堂老街南侧的污水管又堵了，脏水一直流到石板路上。",
    "请问灵活就业人员社保缴费的截止日期是哪一天？",
    "市场监督管理局对商城的几家店铺开展了食品安全检查。",
    "张小明昨天在北苑街道办事处领到了居住证。",
)


def test_fold_is_one_to_one_and_leads_back() -> None:
    batch = fold_batch(["ＡＢ義烏 市\n場", "", "x  y"])
    assert batch.folded == ["ab义乌市场", "", "x y"]
    assert batch.original(0, 2, 6) == "義烏 市\n場"


@given(st.lists(st.text(max_size=50), max_size=8))
def test_fold_of_a_batch_is_that_of_each(texts: list[str]) -> None:
    assert fold_batch(texts).folded == [fold_text(t) for t in texts]


def test_sound_text_can_be_encoded() -> None:
    assert sound("a\x00b\ud800c\n") == "abc\n"
    sound("\udfff😀\x07").encode("utf-8")


def test_weibo_markup() -> None:
    post = "真的假的 //@某甲:转 //@某乙:#义乌暴雨#路都淹了 http://t.cn/abc"
    assert own_words(post) == "真的假的"
    assert hashtags(post) == ("义乌暴雨",)
    assert "http" not in plain(post)
    assert "某甲" not in plain(post)


@pytest.mark.parametrize(
    "text",
    [
        "转发微博",
        "网页链接",
        " 示例新闻的微博视频",
        "L示例新闻的秒拍视频 收起全文d",
        "http://t.cn/abc 查看图片",
        "轻转发微博",
    ],
)
def test_what_a_platform_writes_by_itself_is_gone(text: str) -> None:
    assert plain(text).strip() == ""
    assert plain(f"路灯坏了 {text}").strip() == "路灯坏了"


def test_words_like_a_formula_stay() -> None:
    for text in ("请公开会议全文", "小区监控的视频在哪里看", "大家都在转发这条微博"):
        assert plain(text) == text


def test_own_words_of_a_repost() -> None:
    assert own_words(plain("支持整改//@某甲 :转发微博//@某乙:路灯坏了")) == "支持整改"
    chain = plain("转发微博//@某甲:路灯坏了")
    assert own_words(chain) == chain


def test_sentences() -> None:
    assert sentences("来了！“走吧。”他说\n好") == ["来了！", "“走吧。”", "他说", "好"]


def test_traditional_by_phrases() -> None:
    assert normal("皇后後來Ａ") == "皇后后来a"


def test_segment_is_lower_case_and_holds_words_within_words() -> None:
    tokens = words.segment("義烏市的食品安全問題，ＡＢＣ😀").split()
    assert {"食品", "安全", "食品安全", "abc"} <= set(tokens)
    assert "，" not in tokens


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "😀", "。。", " \n"])
def test_segment_of_nothing(text: str) -> None:
    assert words.segment(text) == ""


def test_segment_can_be_handed_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(words.segment)) is words.segment


def test_plain_jieba_gives_the_same_tokens() -> None:
    slow, fast = words.by_jieba(), words.by_rjieba()
    assert [sorted(slow(s)) for s in SENTENCES] == [sorted(fast(s)) for s in SENTENCES]


def test_office_words_where_a_cutter_is_given_them() -> None:
    for make in (words.by_jieba, words.by_rjieba):
        assert "丹溪酒坊旧址" in words.tokens("丹溪酒坊旧址在赤岸", make(["丹溪酒坊旧址"]))


@given(
    st.lists(
        st.text(st.sampled_from("食品安全义乌\r\n ,。aA1１０😀\U00020000\U0001d400丨〇"), max_size=30), max_size=20
    )
)
def test_a_batch_is_cut_as_each_text_is(texts: list[str]) -> None:
    found = [tokens for cuts in words.cut_batch(fold_batch(texts)) for tokens in cuts.tokens()]
    assert found == [words.segment(text) for text in texts]


def test_a_batch_beyond_one_look_is_cut_as_each_text_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_TOGETHER", 50)
    texts = [sentence * n for n in (0, 1, 5) for sentence in (*SENTENCES, "", "a" * 70)]
    parts = list(words.cut_batch(fold_batch(texts)))
    assert len(parts) > 5
    assert [tokens for cuts in parts for tokens in cuts.tokens()] == [words.segment(text) for text in texts]
