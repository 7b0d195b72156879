"""Training and evaluation on rows written here; the floors of the shipped model where the research sets are at hand."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from analysis import corpora, evaluation, quality, routing
from analysis.characters import fold_batch
from analysis.routing import load_router, train_departments
from analysis.sentiment import UnusableModel, load
from analysis.training import train_sentiment
from analysis.words import MODELS

LABELLED = Path(__file__).with_name("labelled") / "sentiment.jsonl"
FLOORS = json.loads((Path(__file__).with_name("floors") / "quality.json").read_text(encoding="utf-8"))
SHARED = Path(os.environ.get("MINSHENG_SHARED") or Path(__file__).parents[2] / "shared") / "data"

WORDS = {
    "jyj": ("学校", "老师", "学区", "补课"),
    "sthj": ("污水", "黑烟", "异味", "排污"),
    "scjg": ("过期", "假货", "食品", "价格"),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    lines = [
        json.dumps({"id": f"{label}{i}{j}", "title": f"反映{a}", "text": f"我们这里的{a}和{b}有问题", "label": label})
        for label, words in WORDS.items()
        for i, a in enumerate(words)
        for j, b in enumerate(words)
        if a != b
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_departments_train_and_evaluate(rows: Path, tmp_path: Path) -> None:
    assert train_departments(rows, tmp_path) == {"jyj": 12, "scjg": 12, "sthj": 12}
    router = load_router(tmp_path)
    assert router is not None
    assert router.labels[int(router.shares(["河里全是污水，异味很大"]).argmax())] == "sthj"
    answer = quality.evaluate("departments", tmp_path, rows)
    assert answer["metrics"]["macro_f1"] > 0.9  # type: ignore[index]
    first = answer["predictions"][0]  # type: ignore[index]
    assert first["id"] == "jyj01"
    assert sum(c["probability"] for c in first["candidates"]) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a", "label": "x"}\n{oops', "第 2 行"),
        ('{"text": "a"}', "label"),
        ('{"text": "a", "label": "x"}', "至少"),
    ],
)
def test_unusable_rows_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(corpora.UnusableRows, match=message):
        train_departments(path, tmp_path)


def test_separators_inside_a_text_end_no_line(tmp_path: Path) -> None:
    text = "第一段\u2028第二段\x85第三段\x0c"
    path = write(tmp_path / "rows.jsonl", [{"text": text, "label": "x"}])
    assert corpora.read_table(path)[0]["text"] == text
    table = tmp_path / "rows.csv"
    table.write_text(f'text,label\r\n"{text}\n末段",x\r\n', encoding="utf-8", newline="")
    assert corpora.read_table(table) == [{"text": f"{text}\n末段", "label": "x"}]


def test_rows_that_all_conflict_are_refused(rows: Path, tmp_path: Path) -> None:
    train_departments(rows, tmp_path)
    path = write(tmp_path / "own.jsonl", [{"text": "同一句话", "label": label} for label in ("jyj", "sthj")])
    with pytest.raises(corpora.UnusableRows, match="矛盾"):
        quality.evaluate("departments", tmp_path, path)


OWN = [
    {"text": f"{n}{text}", "kind": "message", "label": label}
    for text, label in (
        ("号窗口服务堪称蜗牛速度", "negative"),
        ("号窗口今天办理社保业务", "neutral"),
        ("号窗口姑娘真热心，给她送锦旗", "positive"),
    )
    for n in range(40)
]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_own_rows_are_learned(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", OWN)
    train_sentiment(path, tmp_path)
    assert quality.evaluate("sentiment", tmp_path, path)["metrics"]["accuracy"] > 0.95  # type: ignore[index]


def test_own_rows_of_a_single_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(corpora.UnusableRows, match="两种"):
        train_sentiment(write(tmp_path / "own.jsonl", OWN[:40]), tmp_path)


@pytest.mark.parametrize("count", [80, 120])
def test_own_rows_leave_other_texts_alone(tmp_path: Path, count: int) -> None:
    train_sentiment(write(tmp_path / "own.jsonl", OWN[:count]), tmp_path)
    before = quality.evaluate("sentiment", None, LABELLED)["metrics"]["macro_f1"]  # type: ignore[index]
    assert quality.evaluate("sentiment", tmp_path, LABELLED)["metrics"]["macro_f1"] > before - 0.02  # type: ignore[index]


def test_replies_follow_the_corrected_table_of_messages(tmp_path: Path) -> None:
    train_sentiment(write(tmp_path / "own.jsonl", OWN), tmp_path)
    found, shipped = load(tmp_path).tables, load().tables
    assert (found["reply"].weights == found["message"].weights).all()
    assert (found["message"].weights != shipped["message"].weights).any()
    assert (found["news"].weights == shipped["news"].weights).all()


def test_a_broken_model_says_which(tmp_path: Path) -> None:
    (tmp_path / "sentiment.npz").write_bytes(b"nonsense")
    with pytest.raises(UnusableModel, match=r"sentiment\.npz"):
        load(tmp_path)


def test_figures_agree_with_worked_examples() -> None:
    truth, guess = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert evaluation.macro_f1(truth, guess, 2) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert evaluation.auc(np.array([True, False, True]), np.array([0.9, 0.1, 0.1])) == pytest.approx(0.75)
    sure = np.array([[0.9, 0.1]] * 10)
    assert evaluation.calibration_error(np.array([0] * 9 + [1]), sure, bins=1) == pytest.approx(0)


def test_no_training_row_stands_in_a_test_split() -> None:
    made = [corpora.Row("甲。乙", 0, "news", "a", True), corpora.Row("甲乙", 0, "news", "b", False)]
    assert corpora.distinct(made) == made[:1]


def test_labels_read_by_hand_carry_no_text_and_are_halved() -> None:
    labels = corpora.gold_labels()
    assert len(labels) > 300
    assert set(labels.values()) == {0, 1, 2}
    assert all(re.fullmatch("[0-9a-f]{64}", k) for k in labels)
    made = [corpora.Row(f"第{n}封信", None, "message", "messages", True) for n in range(60)]
    read = {corpora.key(row.text): n % 2 for n, row in enumerate(made) if n < 40}
    tested = corpora.with_gold(made, read)
    calibrating = corpora.with_gold(made, read, calibrating=True)
    assert {row.text for row in tested} ^ {row.text for row in calibrating} == {row.text for row in made[:40]}
    assert all(row.label == read[corpora.key(row.text)] for row in (*tested, *calibrating))
    assert {row.test for row in tested} == {True}
    assert {row.test for row in calibrating} == {False}


def test_messages_are_judged_by_grievances_even_where_one_of_them_is_praise() -> None:
    def with_labels(group: str) -> list[corpora.Row]:
        return [corpora.Row(str(n), n % 3, group, "set", True) for n in range(9)]

    shares = np.tile(np.eye(3), (3, 1)) * 0.8 + 0.1
    assert set(quality._corpus_figures("set", with_labels("message"), shares)) == {
        "set.ece", "set.negative_recall", "set.auc",
    }  # fmt: skip
    assert set(quality._corpus_figures("set", with_labels("social"), shares)) == {"set.ece", "set.macro_f1"}


def test_floors_of_the_shipped_model() -> None:
    if not (SHARED / "news_sentiment_3way.csv").exists():
        pytest.skip("research sets are not at hand (MINSHENG_SHARED)")
    figures = quality.sentiment_figures(SHARED) | quality.rumour_figures(SHARED / "weibo_rumor.csv")
    left_out = "routing"  # is trained anew: minutes
    named = [name for name in FLOORS["at_least"] if not name.startswith(left_out)]
    below = {name: figures[name].value for name in named if figures[name].value < FLOORS["at_least"][name]}
    above = {
        name: figures[name].value
        for name, floor in FLOORS["at_most"].items()
        if not name.startswith(left_out) and figures[name].value > floor
    }
    assert not below
    assert not above


def test_floors_are_not_above_the_published_page() -> None:
    page = (Path(__file__).parents[1] / "docs" / "quality.md").read_text(encoding="utf-8")
    published = {
        cells[1]: float(cells[2])
        for line in page.splitlines()
        if line.startswith("| ") and "." in line and len(cells := [c.strip() for c in line.split("|")]) > 5
        if cells[2].replace(".", "").isdigit()
    }
    assert {name for name, floor in FLOORS["at_least"].items() if published[name] < floor} == set()
    assert {name for name, floor in FLOORS["at_most"].items() if published[name] > floor} == set()


@pytest.mark.parametrize(("says", "label"), [(None, "jyj"), (4, "jyj"), (3, "scjg")])
def test_a_classifier_reads_n_grams_as_long_as_its_file_says(tmp_path: Path, says: int | None, label: str) -> None:
    """One from before files said so reads four characters: here those four alone speak for the label."""
    three, four = (routing.features(["学区划分"], n)[0][0] for n in (3, 4))
    longest = np.setdiff1d(four, three)
    arrays = {
        "columns": longest, "weights": np.tile([[2.0, -2.0]], (len(longest), 1)), "idf": np.ones(len(longest)),
        "bias": np.array([-1.0, 1.0]), "mixing": np.eye(2), "offset": np.zeros(2),
    }  # fmt: skip
    said = {} if says is None else {"orders": np.array(says)}
    np.savez(tmp_path / "departments.npz", allow_pickle=False, labels=np.array(["jyj", "scjg"]), **arrays, **said)
    router = load_router(tmp_path)
    assert router is not None
    assert router.labels[int(router.shares(["学区划分"]).argmax())] == label


def test_a_new_classifier_says_how_long_its_n_grams_are(rows: Path, tmp_path: Path) -> None:
    train_departments(rows, tmp_path)
    with np.load(tmp_path / "departments.npz") as file:
        assert file["orders"] == 2


def test_a_model_file_says_how_long_its_n_grams_are(tmp_path: Path) -> None:
    """One that an office trained before says nothing, and goes on reading four characters."""
    with np.load(MODELS / "sentiment.npz") as file:
        before = {name: file[name] for name in file.files if name != "orders"}
    np.savez(tmp_path / "sentiment.npz", allow_pickle=False, **before)
    assert {table.orders for table in load().tables.values()} == {3}
    assert {table.orders for table in load(tmp_path).tables.values()} == {4}
    train_sentiment(write(tmp_path / "own.jsonl", OWN), tmp_path / "own")
    assert {table.orders for table in load(tmp_path / "own").tables.values()} == {3}
    text = fold_batch(["号窗口服务堪称蜗牛速度"])
    three, four = (scorer.score(text, ["message"], explain=False)[0] for scorer in (load(), load(tmp_path)))
    assert three != four
