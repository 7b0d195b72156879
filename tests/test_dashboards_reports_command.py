"""`minsheng report` as a user types it."""

import json
from pathlib import Path

import pytest
from test_dashboards_reports_store import NOW, build
from typer.testing import CliRunner, Result

from app import clock
from app.cli import build as build_cli

REPO = Path(__file__).resolve().parent.parent


def call(*words: object) -> Result:
    return CliRunner().invoke(build_cli("report"), ["report", *[str(word) for word in words]])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    _, documents, ledger = build(folder)
    documents.close()
    ledger.close()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return folder


def test_a_brief_and_a_ledger_are_written(data: Path, tmp_path: Path) -> None:
    for words in (("daily", "--day", "2026-11-23"), ("ledger", "canteen")):
        target = tmp_path / f"{words[0]}.docx"
        answer = call(*words, "--out", target, "--data", data, "--config", REPO / "config")
        assert answer.exit_code == 0, answer.output
        assert str(target) in answer.output.replace("\n", "")
        assert target.read_bytes().startswith(b"PK")


def test_the_name_is_the_title_where_none_is_given(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call("daily", "--format", "html", "--data", data, "--config", REPO / "config")
    assert (tmp_path / "舆情日报（2026年11月23日）.html").is_file()


def test_json_names_every_statement_with_its_count(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "r.xlsx"
    words = ("daily", "--format", "xlsx", "--out", target, "--data", data, "--config", REPO / "config", "--json")
    found = json.loads(call(*words).stdout)
    assert found["subject"] == "2026-11-23"
    assert found["statements"][0]["count"] == 49
    assert len(found["statements"][0]["ids"]) == 49


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("event", "no-such"), "没有编号为 'no-such' 的事件"),
        (("event",), "须给出事件编号"),
        (("daily", "canteen"), "不针对单个事件"),
        (("yearly",), "没有报告类型"),
        (("daily", "--format", "odt"), "没有格式"),
        (("daily", "--day", "gestern"), "无法识别"),
        (("daily", "--day", "2099-01-01"), "还没有到"),
        (("risk", "canteen", "--day", "2026-11-23"), "不用 --day"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(data: Path, words: tuple[str, ...], said: str) -> None:
    answer = call(*words, "--data", data, "--config", REPO / "config")
    assert answer.exit_code == 2
    assert said in answer.output.replace("\n", "")


def test_a_folder_that_is_not_there_stays_so(tmp_path: Path) -> None:
    answer = call("daily", "--data", tmp_path / "none", "--config", REPO / "config")
    assert answer.exit_code == 2
    assert not (tmp_path / "none").exists()


def test_a_target_that_cannot_be_written_is_named(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "no" / "r.html"
    answer = call("daily", "--format", "html", "--out", target, "--data", data, "--config", REPO / "config")
    assert answer.exit_code == 2
    assert "写不了" in answer.output
