"""Where a server is missing: one line of a skip on a user's machine, a failure in CI."""

from pathlib import Path

import engines
import pytest


@pytest.mark.parametrize(("ci", "ends"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_a_search_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, ends: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("MINSHENG_ES_HOME", str(tmp_path))
    with pytest.raises(ends, match="Elasticsearch") as caught:
        engines.unpacked()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("ci", "ends"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_postgresql(monkeypatch: pytest.MonkeyPatch, ci: str, ends: type[BaseException]) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(engines, "_BINARIES", [])
    with pytest.raises(ends, match="PostgreSQL") as caught, engines.ledger_server():
        pass
    assert "\n" not in str(caught.value)
