"""The stream of assessments: order, bad lines with their number, several processes, lines of any length."""

import io
import json
from datetime import UTC, datetime

import pytest
from small_office import small_office

from app import assessing
from app.jsonl import MAX_LINE

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BAD = {3: b"{oops", 700: b"[1]", 900: b'{"text": 5}'}


def stream(count: int) -> io.BytesIO:
    lines = [
        BAD.get(n) or json.dumps({"id": str(n), "text": f"第{n}路公交车又晚点了"}).encode() for n in range(1, count + 1)
    ]
    return io.BytesIO(b"\n".join(lines))


def answers(source: io.BytesIO, processes: int = 1) -> list[dict[str, object]]:
    found = list(assessing.judged(source, small_office(), now=NOW, processes=processes))
    return [json.loads(line) for answer in found for line in answer.lines.splitlines()]


def test_order_is_kept_and_a_bad_line_is_one_error_line_with_its_number() -> None:
    found = answers(stream(1100))
    assert [row.get("line") or int(str(row["id"])) for row in found] == list(range(1, 1101))
    assert [row["line"] for row in found if "error" in row] == sorted(BAD)


def test_two_processes_say_the_same_in_the_same_order() -> None:
    assert answers(stream(1300), processes=2) == answers(stream(1300))


def test_blank_lines_count_but_are_not_answered() -> None:
    assert [row.get("line") for row in answers(io.BytesIO(b"\n\n{oops\n\n"))] == [3]


def test_a_line_without_end_is_refused_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessing, "MAX_LINE", 1000)
    monkeypatch.setattr("app.jsonl.MAX_LINE", 1000)
    source = io.BytesIO(b'{"text": "' + b"a" * 5000 + b'"}\n' + b'{"id": "b", "text": "\xe5\xa5\xbd"}\n')
    assert next(len(line) for chunk in assessing.chunks(source) for line in chunk.lines) == 1002
    source.seek(0)
    first, second = answers(source)
    assert first["line"] == 1
    assert second["id"] == "b"
    assert MAX_LINE > 1000


def test_a_chunk_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessing, "_BYTES", 100)
    parts = list(assessing.chunks(stream(20)))
    assert [part.first for part in parts][:2] == [1, 1 + len(parts[0].lines)]
    assert sum(len(part.lines) for part in parts) == 20
    assert len(parts) > 5
