"""What the README promises is there: every command by name, and the two commands that start everything."""

import re
from pathlib import Path

import pytest

from app.cli import COMMANDS

REPO = Path(__file__).resolve().parent.parent
HIDDEN = {"sample"}


def readme(name: str = "README.md") -> str:
    return (REPO / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - HIDDEN))
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"\bminsheng {re.escape(command)}\b", readme())


def test_no_command_is_named_that_does_not_exist() -> None:
    named = {
        name
        for text in (readme(), readme("README.zh-CN.md"))
        for name in re.findall(r"\bminsheng ([a-z]+(?:-[a-z]+)*)", text)
    }
    assert named <= set(COMMANDS) - HIDDEN


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_both_commands_to_start_are_in_the_makefile(name: str) -> None:
    first = re.search(r"```sh\n(.*?)```", readme(name), re.DOTALL)
    assert first is not None
    targets = re.findall(r"^make (\w+)", first.group(1), re.MULTILINE)
    assert targets == ["run", "test"]
    makefile = (REPO / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
