"""Corrections and upheld returns → labelled rows → a model that the configuration names → other candidates."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from engines import MINUTE, NOW, cut, stored
from typer.testing import CliRunner

from analysis.assess import Assessor
from app.cli import build
from app.config import ConfigError, load
from storage.open import open_stores
from storage.types import Alert, Assessment, AuditEntry, Correction, Document, Event, Task

CONFIG = Path(__file__).parents[1] / "config"
TEXTS = {"jyj": "第{}小学放学后补课的事", "sthj": "第{}号排水口流出黑水的事"}


def call(*words: str) -> str:
    result = CliRunner().invoke(build(words[0]), list(words))
    assert result.exit_code == 0, result.output
    return result.output


def office(folder: Path) -> Path:
    """Twelve documents whose department a person corrected, one sentiment, and one return that was upheld."""
    documents, ledger = open_stores(folder, segment=cut)
    labels = [unit for unit in TEXTS for _ in range(6)]
    documents.put([stored(n, TEXTS[u].format(n), at=NOW + n * MINUTE) for n, u in enumerate(labels)])
    documents.put([stored("r", "放学后校门口补课的事", at=NOW)])
    with ledger.begin() as tx:
        for n, unit in enumerate(labels):
            tx.notes.add_correction(word(f"d{n}", str(n), "department", unit))
        tx.notes.add_correction(word("s1", "3", "sentiment", "negative"))
        tx.notes.add_correction(word("s2", "4", "sentiment", "positive"))
        tx.notes.undo_correction("s2", NOW)
        tx.notes.add_correction(word("s3", "gone", "sentiment", "positive"))
        tx.events.save([Event(id="e", title="补课", first_at=NOW, last_at=NOW, detected_at=NOW, representative="r")])
        alert = Alert(id="a", event="e", department="jyj", level=1, content_hash="h", reasons=(), opened_at=NOW)
        tx.tasks.open_alert(alert)
        tx.tasks.create([
            Task(
                id="t", event="e", alert="a", department="jyj", role="lead", title="补课", level=1, state="dispatched",
                rule="R1", reasons=(), created_at=NOW,
            )
        ])  # fmt: skip
        tx.audit.append(AuditEntry(actor="duty", action="task.uphold", object="task:t", at=NOW))
    documents.close()
    ledger.close()
    return folder


def word(id: str, document: str, field: str, person: str) -> Correction:
    return Correction(id=id, document=document, field=field, machine="", person=person, who="p", at=NOW)


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def candidates(config: Path, texts: Sequence[str]) -> list[set[str]]:
    made = Assessor(load(config).office)
    asked = [Document(id=t, text=t, kind="message", source="s", fetched_at=NOW) for t in texts]
    return [{g.id for g in a.departments} for a in made.assess(asked) if isinstance(a, Assessment)]


def test_from_a_correction_on_a_page_to_another_candidate(tmp_path: Path) -> None:
    call("train", "rows", "--data", str(office(tmp_path / "data")), "--out", str(tmp_path / "rows"))
    assert [(r["id"], r["label"], r["kind"]) for r in rows(tmp_path / "rows" / "sentiment.jsonl")] == [
        ("3", "negative", "forum")
    ]
    found = {r["id"]: r["label"] for r in rows(tmp_path / "rows" / "departments.jsonl")}
    assert found == {str(n): u for n, u in enumerate(u for u in TEXTS for _ in range(6))} | {"r": "jyj"}

    models = str(tmp_path / "models")
    call("train", "departments", "--data", str(tmp_path / "rows" / "departments.jsonl"), "--out", models)
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    asked = ["放学后的事", "黑水流出来的事"]
    before = candidates(config, asked)
    text = (config / "office.toml").read_text(encoding="utf-8")
    (config / "office.toml").write_text(text.replace('models = ""', f'models = "{models}"'), encoding="utf-8")
    after = candidates(config, asked)
    assert ["jyj" in before[0], "sthj" in before[1]] != [True, True]
    assert "jyj" in after[0]
    assert "sthj" in after[1]


def test_a_folder_without_models_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path / "config")
    path = tmp_path / "config" / "office.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('models = ""', 'models = "nowhere"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="nowhere"):
        load(tmp_path / "config")
