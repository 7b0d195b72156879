"""What a replay says: the page, JSON, other weights, other thresholds, and the prepared file in good and bad shape."""

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from small_office import small_office
from typer.testing import CliRunner, Result

from analysis.bursts_compare import detectors
from app.cli import build
from app.replay import grade
from app.replay_page import DETECTORS, differences_table, moved, page, summary
from app.replay_prepared import FORMAT, NotPrepared, Outdated, Prepared, load, prepare, save
from app.replay_report import Difference, difference
from app.replay_run import run, weighted
from app.replay_tuning import tuned
from app.townstream import Incident, Script, town_stream

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
OFFICE = small_office()


@pytest.fixture(scope="module")
def town() -> tuple[Prepared, tuple[Incident, ...]]:
    scripts = (Script(level="orange", topic="food-drug", fast=True, at=60, size=80, rumour=True),
               Script(level="blue", topic="tax", fast=False, at=12, size=6))  # fmt: skip
    stream = town_stream(seed=5, start=START, days=5, chatter=10, incidents=scripts)
    return prepare(stream.documents, OFFICE), stream.incidents


def test_the_page_names_everything(town: tuple[Prepared, tuple[Incident, ...]]) -> None:
    prepared, incidents = town
    found = grade(prepared, OFFICE, incidents, compare_weights=True)
    text = page(found)
    for word in (
        "漏报",
        "误报",
        "去掉敏感度",
        "回应缺口+20%",
        "突增检测方法比较",
        "各部门日均预警",
        "得分过程",
        "<svg",
        "橙色、红色级漏报",
        "件/天",
        "日期",
        "应达此级",
        "width=device-width",
    ):
        assert word in text
    assert "<script" not in text
    assert set(DETECTORS) == set(detectors()), "each in Chinese"
    data = json.loads(found.to_json())
    assert {v["name"] for v in data["variants"]} >= {"去掉V", "N-20%"}
    assert sum(data["by_department"].values()) > 0
    assert data["levels"][2]["recall"] == 1
    days = [date.fromisoformat(day) for day in data["by_day"]]
    assert days == [START.date() + timedelta(days=n) for n in range(len(days))], "days without an alert are days too"
    assert {data["titles"][c["event"]] for c in data["changes"]} <= set(prepared.titles.values())


def test_what_was_missed_and_what_was_false_is_told_by_its_title(
    town: tuple[Prepared, tuple[Incident, ...]],
) -> None:
    prepared, incidents = town
    deaf = replace(OFFICE, levels=tuple(replace(r, threshold=r.threshold + 70) for r in OFFICE.levels))
    (missed,) = grade(prepared, deaf, incidents, compare_weights=False).missed
    title = re.match("「(.+)」（i00，食品药品，3月", missed)
    assert title
    assert title[1] in prepared.titles.values()
    assert missed.endswith(("始终未预警", "最高只到Ⅳ级（蓝色）", "最高只到Ⅲ级（黄色）"))
    calm = [replace(i, level="blue") for i in incidents]
    false = grade(prepared, OFFICE, calm, compare_weights=False).false
    assert any(re.search("」（ev.+）3月.+升至.级（.色），应为Ⅳ级（蓝色）（i00）$", line) for line in false), false


def test_what_another_configuration_changes_is_summed_up() -> None:
    rows = [Difference(event=f"e{n}", before=b, after=a, earlier_hours=None)
            for n, (b, a) in enumerate(((0, 2), (1, 0), (2, 3), (3, 2), (2, 2)))]  # fmt: skip
    assert summary(rows) == "新增预警1件，不再预警1件，等级升高1件，等级降低1件，仅时间改变1件。"
    table = differences_table(rows, [f"L{n}" for n in range(5)], {"e2": "<b>河水发黑"})
    assert "&lt;b&gt;河水发黑" in table


def test_names_of_a_stream_cannot_break_the_page(town: tuple[Prepared, tuple[Incident, ...]]) -> None:
    prepared, incidents = town
    hostile = [Incident(**{**{k: getattr(i, k) for k in i.__slots__}, "id": "<script>x"}) for i in incidents]
    assert "<script>x" not in page(grade(prepared, OFFICE, hostile))


def test_another_weight_says_what_comes_and_goes(town: tuple[Prepared, tuple[Incident, ...]]) -> None:
    prepared, _ = town
    usual = run(prepared, OFFICE)
    assert difference(usual, run(prepared, OFFICE)) == []
    deaf = difference(usual, run(prepared, weighted(OFFICE, {"R": 1.0})))
    assert deaf
    assert difference(run(prepared, weighted(OFFICE, {"R": 1.0})), usual)
    assert moved(Difference(event="e", before=0, after=2, earlier_hours=None)) == "新增预警"
    assert moved(Difference(event="e", before=2, after=0, earlier_hours=None)) == "不再预警"
    assert moved(Difference(event="e", before=2, after=3, earlier_hours=-1.5)) == "推迟1.5小时"


def test_thresholds_and_weights_from_a_file(town: tuple[Prepared, tuple[Incident, ...]]) -> None:
    prepared, _ = town
    other = tuned(OFFICE, "[weights]\nS = 0.4\n[thresholds]\norange = 79\n")
    assert other.risk.weights["S"] == 0.4
    assert other.risk.weights["V"] == OFFICE.risk.weights["V"]
    assert [rule.threshold for rule in other.levels] == [20, 40, 79, 80]
    assert max(c.after for c in run(prepared, tuned(OFFICE, "[thresholds]\norange = 98\nred = 99")).changes) < 3


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("weights", "TOML"),
        ("[weight]\nS = 1", "weight"),
        ("[weights]\nX = 1", "X"),
        ("[weights]\nS = -1", r"weights\.S"),
        ("weights = 3", "应为一张表"),
        ("[thresholds]\norange = 90", "递增"),
        ("[weights]\nS=0\nV=0\nH=0\nN=0\nA=0\nC=0\nR=0", "全部为 0"),
    ],
)
def test_a_tuning_file_says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        tuned(OFFICE, text)


def test_a_prepared_file_comes_back_as_it_was(town: tuple[Prepared, tuple[Incident, ...]], tmp_path: Path) -> None:
    prepared, _ = town
    path = tmp_path / "p.jsonl"
    save(prepared, path)
    again = load(path, OFFICE)
    assert [a.member for a in again.arrivals] == [a.member for a in prepared.arrivals]
    assert (again.closed, again.unread, again.origin) == (prepared.closed, prepared.unread, prepared.origin)
    whole = path.read_bytes()
    for bad in (b"", b"{}", b"\x00\xff", whole[: len(whole) - 20], whole.split(b"\n", 1)[0] + b"\n[1]\n"):
        path.write_bytes(bad)
        with pytest.raises(NotPrepared):
            load(path, OFFICE)


def test_an_outdated_prepared_file_is_named_with_what_to_do(
    town: tuple[Prepared, tuple[Incident, ...]], tmp_path: Path
) -> None:
    prepared, _ = town
    path = tmp_path / "p.jsonl"
    save(prepared, path)
    risk, topic = OFFICE.risk, next(iter(OFFICE.topics.values()))
    graded = replace(OFFICE, routes=(), duty=(), risk=replace(risk, weights={"S": 1.0}))
    assert len(load(path, graded).arrivals) == len(prepared.arrivals)  # what only grades is free
    others = {**OFFICE.topics, topic.id: replace(topic, rule=f"{topic.rule} | 搅拌站")}
    for other in (
        replace(OFFICE, topics=others),
        replace(OFFICE, places={}),
        replace(OFFICE, scorer="snownlp"),
        replace(OFFICE, risk=replace(risk, quiet_after_hours=1.0)),
    ):
        with pytest.raises(Outdated, match="配置已修改。请用原始文件重新生成：minsheng replay 原始文件 --prepared"):
            load(path, other)
    first, *rows = path.read_bytes().splitlines(keepends=True)
    for word, old in {
        "程序已更新": first.replace(prepared.made["program"].encode(), b"0"),
        "判读模型已更换": first.replace(prepared.made["models"].encode(), b"0"),
        "旧版": first.replace(FORMAT.encode(), b"minsheng-replay-2"),
    }.items():
        path.write_bytes(old + b"".join(rows))
        with pytest.raises(Outdated, match=word):
            load(path, OFFICE)


def test_the_command_prepares_once_and_tries_other_weights(tmp_path: Path) -> None:
    def call(*words: object) -> Result:
        return CliRunner().invoke(build("replay"), [str(word) for word in words])

    stream = town_stream(seed=2, start=START, days=4, chatter=2, incidents=(Script(level="yellow", at=10, size=20),))
    rows = [
        {
            "id": d.id,
            "text": d.text,
            "title": d.title,
            "kind": d.kind,
            "source": d.source,
            "fetched_at": d.fetched_at.isoformat(),
        }
        for d in stream.documents
    ]
    (tmp_path / "s.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    (tmp_path / "w.toml").write_text("[thresholds]\nblue = 5\nyellow = 10\n", encoding="utf-8")
    first = call("replay", tmp_path / "s.jsonl", "--prepared", tmp_path / "p.jsonl", "--no-compare", "--json")
    assert first.exit_code == 0, first.stderr
    second = call("replay", tmp_path / "p.jsonl", "--weights", tmp_path / "w.toml", "--no-compare", "--json")
    assert second.exit_code == 0, second.stderr
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert one["changes"] == two["changes"]
    assert two["differences"]
    third = call("replay", tmp_path / "p.jsonl", "--weights", tmp_path / "w.toml", "--no-compare", "--html",
                 tmp_path / "r.html")  # fmt: skip
    assert "件预警会变" in third.stdout
    assert "改用另一组权重" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "r.html.json").read_bytes())["differences"] == two["differences"]
    (tmp_path / "w.toml").write_text("[weights]\nX = 1\n", encoding="utf-8")
    assert call("replay", tmp_path / "p.jsonl", "--weights", tmp_path / "w.toml").exit_code == 2
    old = (tmp_path / "p.jsonl").read_text(encoding="utf-8").replace('"program":"', '"program":"0', 1)
    (tmp_path / "p.jsonl").write_text(old, encoding="utf-8")
    stale = call("replay", tmp_path / "p.jsonl", "--no-compare", "--json")
    assert stale.exit_code == 1
    assert "程序已更新" in stale.stderr
    assert not stale.stdout


def test_a_long_silence_is_skipped_and_not_stepped_through(town: tuple[Prepared, tuple[Incident, ...]]) -> None:
    prepared, _ = town
    found = run(prepared, OFFICE)
    assert any(c.peak for c in found.courses.values())
    assert found.evaluations < 3 * len(prepared.arrivals)
