"""The files that bring the engines up: no default secret, nobody is root, every command and every variable exists."""

import re
from pathlib import Path

import pytest

from app.cli import COMMANDS

REPO = Path(__file__).resolve().parent.parent
UNITS = sorted((REPO / "docs" / "operations").glob("*.service"))


def read(name: str) -> str:
    return (REPO / name).read_text(encoding="utf-8")


def test_compose_has_no_default_secret() -> None:
    asked = re.findall(r"\$\{(\w+)([^}]*)\}", re.sub(r"^\s*#.*$", "", read("compose.yaml"), flags=re.MULTILINE))
    secret = [(name, rest) for name, rest in asked if re.search("PASSWORD|KEY", name)]
    assert {name for name, _ in secret} == {"ELASTIC_PASSWORD", "KIBANA_PASSWORD", "KIBANA_KEY", "POSTGRES_PASSWORD"}
    assert all(rest.startswith(":?") for _, rest in secret)
    example = dict(re.findall(r"^(\w+)=(.*)$", read("docs/operations/environment.example"), re.MULTILINE))
    assert set(example) == {name for name, _ in asked}
    assert all(example[name] == "" for name, _ in secret)


def test_compose_opens_ports_on_loopback_only() -> None:
    ports = re.findall(r"^\s*ports: \[(.*)\]", read("compose.yaml"), re.MULTILINE)
    assert ports
    assert all(port.startswith('"127.0.0.1:') for port in ports)
    assert read("compose.yaml").count("healthcheck:") >= 4


def test_the_image_is_not_run_by_root() -> None:
    stages = read("Dockerfile").split("\nFROM ")
    user = re.search(r"^USER (\w+)", stages[-1], re.MULTILINE)
    assert user is not None
    assert user[1] not in ("0", "root")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_call_commands_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=\S+/minsheng (\S+)", text, re.MULTILINE)
    assert found is not None
    assert found[1] in COMMANDS
    assert "User=minsheng" in text
    assert "Restart=always" in text


def test_there_are_units() -> None:
    assert len(UNITS) == 4
