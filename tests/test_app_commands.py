"""train, evaluate, replay and sources as a user types them; the pages come from a loopback server of our own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from crawl_town import Town, article, listing, page, send
from typer.testing import CliRunner, Result

from app.cli import build
from app.config import load
from app.source_file import NotWritten, append, block, free_id
from app.townstream import TownStream, town_stream
from storage.types import Selectors, Source

REPO = Path(__file__).resolve().parent.parent
WORDS = {"jyj": ("学校", "老师", "学区", "补课"), "sthj": ("污水", "黑烟", "异味", "排污")}


def call(*words: object) -> Result:
    return CliRunner().invoke(build(str(words[0])), [str(word) for word in words])


def lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return lines(
        tmp_path / "rows.jsonl",
        [
            {"id": f"{label}-{a}{b}", "title": f"反映{a}", "text": f"我们这里的{a}和{b}有问题", "label": label}
            for label, words in WORDS.items()
            for a in words
            for b in words
            if a != b
        ],
    )


def test_departments_are_trained_and_evaluated(rows: Path, tmp_path: Path) -> None:
    trained = call("train", "departments", "--data", rows, "--out", tmp_path / "models", "--json")
    assert json.loads(trained.stdout)["counts"] == {"jyj": 12, "sthj": 12}
    answer = call("evaluate", "departments", "--model", tmp_path / "models", "--data", rows, "--json")
    found = json.loads(answer.stdout)
    assert found["metrics"]["macro_f1"] > 0.9
    assert found["predictions"][0]["id"] == "jyj-学校老师"
    assert [c["id"] for c in found["predictions"][0]["candidates"]] == ["jyj", "sthj"]
    assert "宏平均" in call("evaluate", "departments", "--model", tmp_path / "models", "--data", rows).stdout


def test_sentiment_is_trained_and_evaluated(tmp_path: Path) -> None:
    texts = {"negative": "服务堪称蜗牛速度", "neutral": "今天办理社保业务", "positive": "姑娘真热心，送她锦旗"}
    data = lines(
        tmp_path / "own.jsonl",
        [{"text": f"{n}号窗口{text}", "label": label} for label, text in texts.items() for n in range(12)],
    )
    trained = call("train", "sentiment", "--data", data, "--out", tmp_path)
    assert (trained.exit_code, "标注较少" in trained.stderr) == (0, True)
    found = json.loads(call("evaluate", "sentiment", "--model", tmp_path, "--data", data, "--json").stdout)
    assert found["metrics"]["rows"] == 36
    assert {c["id"] for c in found["predictions"][0]["candidates"]} == set(texts)


def test_every_bad_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('title,text,label\n甲,"两行\n正文",jyj\n乙,,jyj\n丙,正文,\n', encoding="utf-8")
    done = call("train", "departments", "--data", path, "--out", tmp_path / "models")
    assert done.exit_code == 1
    assert "第 4 行：text" in done.stderr
    assert "第 5 行：label" in done.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b'\n{"text": "a", "label": "x"}\n{oops\n', ("第 2 行", "negative", "第 3 行", "JSON")),
        ("a.jsonl", b'{"text": "a", "label": "0", "kind": "rumour"}\n', ("第 1 行", "kind", "hotline")),
        ("a.csv", b"title,text\n", ("表头缺少 label",)),
        ("a.csv", b"", ("表头缺少",)),
        ("a.jsonl", b"\n\n", ("没有一行数据",)),
        ("a.csv", b"\xff\xfe\x00", ("UTF-8",)),
    ],
)
def test_unusable_files_say_why(tmp_path: Path, name: str, content: bytes, words: tuple[str, ...]) -> None:
    (tmp_path / name).write_bytes(content)
    done = call("train", "sentiment", "--data", tmp_path / name, "--out", tmp_path)
    assert done.exit_code == 1
    assert all(word in done.stderr for word in words), done.stderr


def test_without_the_extra_one_line_says_what_to_install(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.train.find_spec", lambda name: None)
    done = call("train", "departments", "--data", rows, "--out", tmp_path)
    assert done.exit_code == 1
    assert "pip install minsheng[train]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_that_is_not_there(rows: Path, tmp_path: Path) -> None:
    done = call("evaluate", "departments", "--model", tmp_path, "--data", rows)
    assert (done.exit_code, "minsheng train departments" in done.stderr) == (2, True)


def town() -> TownStream:
    start = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
    return town_stream(seed=3, start=start, days=4, chatter=5, incidents={"orange": 1})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    stream = town()
    kept = [
        {
            k: v.isoformat() if isinstance(v, datetime) else v
            for k, v in asdict(d).items()
            if v is not None and k != "extra"
        }
        for d in stream.documents
    ]
    known = {"id", "text", "source", "kind", "title", "url", "author", "published_at", "fetched_at", "likes", "reposts"}
    lines(folder / "stream.jsonl", [{k: v for k, v in row.items() if k in known} for row in kept])
    truth = [
        {"id": i.id, "level": i.level, "documents": list(i.documents), "fast": i.fast,
         **{k: getattr(i, k).isoformat() for k in ("start", "due_at", "peak_at")}}
        for i in stream.incidents
    ]  # fmt: skip
    (folder / "truth.json").write_text(json.dumps({"incidents": truth}), encoding="utf-8")
    return folder


def test_a_recorded_stream_is_replayed(recorded: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = call("replay", recorded / "stream.jsonl", "--truth", recorded / "truth.json", "--html", report, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["documents"] == len(town().documents)
    assert len(found["levels"]) == 4
    assert found["levels"][0]["caught"] == 1
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_bad_lines_are_named_and_the_others_replayed(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    good = (recorded / "stream.jsonl").read_text(encoding="utf-8").splitlines()[:3]
    path.write_text("\n".join([good[0], "{oops", *good[1:], '{"title": "无正文"}']), encoding="utf-8")
    done = call("replay", path)
    assert done.exit_code == 1
    assert "第 2 行" in done.stderr
    assert "第 5 行" in done.stderr
    assert "3 条内容" in done.stdout


@pytest.mark.parametrize(
    ("truth", "word"),
    [
        ("{", "truth.json"),
        ("[]", "JSON 对象"),
        ("{}", "incidents"),
        ('{"incidents": [3]}', "第 1 个事件"),
        (
            '{"incidents": [{"id": "x", "level": "purple", "documents": [], "start": "2026-03-02T08:00+08:00",'
            ' "due_at": "2026-03-02T08:00+08:00", "peak_at": "2026-03-02T08:00+08:00"}]}',
            "purple",
        ),
        (
            '{"incidents": [{"id": "x", "level": "red", "documents": [], "start": "2026-03-02T08:00",'
            ' "due_at": "2026-03-02T08:00", "peak_at": "2026-03-02T08:00"}]}',
            "时区",
        ),
    ],
)
def test_a_truth_that_cannot_be_used(recorded: Path, tmp_path: Path, truth: str, word: str) -> None:
    (tmp_path / "truth.json").write_text(truth, encoding="utf-8")
    done = call("replay", recorded / "stream.jsonl", "--truth", tmp_path / "truth.json")
    assert done.exit_code == 2
    assert word in done.stderr


@pytest.fixture
def site() -> Iterator[Town]:
    names = [f"第{i}条示例新闻：某路段[red]抢修通报" for i in range(12)]
    shown = [(f"/n{i}.html", name, "2026-03-02") for i, name in enumerate(names)]
    found = Town({
        "/list": page(listing(*shown)),
        "/n0.html": page(article(names[0])),
        "/n1.html": page(article(names[1])),
        "/empty": page("<p>没有列表</p>"),
        "/away": lambda request: send(request, b"", status=302, Location="http://127.0.0.1:9/"),
    })  # fmt: skip
    yield found
    found.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPO / "config", tmp_path / "config"))


def typed(*words: object, answer: str = "") -> "subprocess.CompletedProcess[str]":
    """The reactor starts once per process, so each look is a process."""
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:crawlers", "-m", "app", *map(str, words)],
        cwd=REPO, capture_output=True, text=True, timeout=60, input=answer, check=False,
    )  # fmt: skip


def source_at(url: str, **more: object) -> Source:
    return Source(id="here", name="示例栏目", type="list", url=url, kind="news", private=True, **more)  # type: ignore[arg-type]


def test_a_source_is_added(site: Town, config: Path) -> None:
    url = site.url("/list")
    added = typed("sources", "add", url, "--private", "--yes", "--id", "here", "--config", config, "--json")
    assert added.returncode == 0, added.stderr
    found = json.loads(added.stdout)
    assert (found["added"], found["type"], len(found["rows"])) == (True, "list", 10)
    assert load(config).office.sources["here"].private


def test_a_source_is_tried(site: Town, config: Path, tmp_path: Path) -> None:
    append(config, source_at(site.url("/list")))
    before = sorted(tmp_path.rglob("*"))
    tried = json.loads(typed("sources", "test", "here", "--config", config, "--json").stdout)
    assert (tried["total"], len(tried["rows"])) == (12, 10)
    assert [d["published_at"] for d in tried["documents"]] == ["2026-03-02T08:30:00+08:00"] * 2
    assert "HTTP 404" in tried["problems"][0]
    assert sorted(tmp_path.rglob("*")) == before


def test_the_same_address_twice(config: Path) -> None:
    append(config, source_at("http://site.example/list"))
    again = call("sources", "add", "http://site.example/list", "--yes", "--config", config)
    assert (again.exit_code, "here" in again.stderr) == (2, True)


def test_nothing_is_written_without_a_yes(site: Town, config: Path) -> None:
    before = (config / "sources.toml").read_bytes()
    done = typed("sources", "add", site.url("/list"), "--private", "--config", config, answer="n\n")
    assert done.returncode == 0
    assert "第0条示例新闻：某路段[red]抢修通报" in done.stdout
    assert "[[sources]]" in done.stdout
    assert (config / "sources.toml").read_bytes() == before


def test_inside_is_refused(site: Town, config: Path) -> None:
    done = typed("sources", "add", site.url("/list"), "--yes", "--config", config)
    assert (done.returncode, "内网" in done.stderr, site.seen) == (1, True, [])


@pytest.mark.parametrize(("path", "word"), [("/empty", "没有"), ("/away", "内网")])
def test_what_cannot_be_a_source_says_why(site: Town, config: Path, path: str, word: str) -> None:
    append(config, source_at(site.url(path)))
    done = typed("sources", "test", "here", "--config", config)
    assert done.returncode == 1
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_tried_without_a_request(config: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("标题,text\n甲,某路段停水\n乙,某路段停电\n", encoding="utf-8")
    append(config, Source(id="here", name="表", type="file", url=f"file://{tmp_path / 'rows.csv'}", kind="hotline"))
    done = call("sources", "test", "here", "--config", config, "--json")
    assert json.loads(done.stdout)["total"] == 2


def test_sources_are_listed_with_their_state(config: Path, tmp_path: Path) -> None:
    done = call("sources", "list", "--config", config, "--data", tmp_path / "data", "--json")
    states = {row["id"]: row["state"] for row in json.loads(done.stdout)}
    assert (states["yw-gov"], states["sample-news"]) == ("off", "new")
    assert "停用" in call("sources", "list", "--config", config, "--data", tmp_path / "data").stdout


def test_an_unknown_source(config: Path) -> None:
    done = call("sources", "test", "nowhere", "--config", config)
    assert (done.exit_code, "yw-gov" in done.stderr) == (2, True)


def test_hostile_names_stay_inside_their_string(config: Path) -> None:
    rules = Selectors(item='li > a[href*="x"]', title="//h3")
    name = '坏"]\n[[sources]]\\ \x7f\x1b'
    wanted = Source(id="here", name=name, type="list", url="http://site.example/", kind="news", selectors=rules)
    append(config, wanted)
    assert load(config).office.sources["here"] == wanted


def test_a_configuration_that_would_break_is_left_alone(config: Path) -> None:
    before = (config / "sources.toml").read_bytes()
    with pytest.raises(NotWritten, match="没有改动"):
        append(config, Source(id="yw-gov", name="重", type="list", url="http://site.example/", kind="news"))
    assert (config / "sources.toml").read_bytes() == before
    assert not list(config.glob(".sources-*"))


def test_ids_and_blocks() -> None:
    assert free_id("a", {"a", "a-2"}) == "a-3"
    assert block(source_at("http://site.example/")).endswith("enabled = true\nprivate = true\n")
