"""Phrases that rise inside a topic are proposed; those of other topics, old ones and known ones are not."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from engines import NOW, stored
from small_office import small_office
from typer.testing import CliRunner

from analysis.phrases import proposed
from analysis.words import segment
from app import clock
from app.cli import build
from storage.open import open_stores
from storage.ports import DocumentStore

WEEK = timedelta(days=7)


def filled(folder: Path) -> DocumentStore:
    documents, ledger = open_stores(folder, segment=segment)
    ledger.close()
    old = [stored(f"o{n}", f"河边排污第{n}次看到黑水", at=NOW - 2 * WEEK, topics=("environment",)) for n in range(30)]
    new = [
        stored(f"n{n}", f"养殖尾水直排第{n}回看到黑水", at=NOW - WEEK / 2, topics=("environment",)) for n in range(9)
    ]
    other = [stored(f"x{n}", f"培训机构跑路第{n}天", at=NOW - WEEK / 2, topics=("education",)) for n in range(9)]
    documents.put(
        [
            replace(row, assessment=replace(row.assessment, tokens=segment(row.document.text)))
            for row in [*old, *new, *other]
        ]
    )
    return documents


def test_what_is_new_inside_the_topic_is_proposed(tmp_path: Path) -> None:
    documents = filled(tmp_path)
    topic = small_office().topics["environment"]
    rows = proposed(documents, topic, NOW, WEEK)
    found = [row.phrase for row in rows]
    assert [(row.now, row.before) for row in rows if row.phrase == "养殖尾水"] == [(9, 0)]
    assert "养殖尾水" in found
    assert not [phrase for phrase in found if "培训" in phrase or "黑水" in phrase]
    assert proposed(documents, topic, NOW - WEEK, WEEK) == []
    documents.close()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path).close()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    result = CliRunner().invoke(build("phrases"), ["phrases", "--data", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    assert "养殖尾水" in [row["phrase"] for row in json.loads(result.stdout)["environment"]]
    assert CliRunner().invoke(build("phrases"), ["phrases", "--topic", "none"]).exit_code == 2
