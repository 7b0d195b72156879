"""The house's own rules, held by a test: size of functions and files, broad excepts, who reads the clock, no paths."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
PACKAGES = ("storage", "crawlers", "analysis", "alerts", "dashboards", "app")
MAX_FUNCTION, MAX_FILE = 50, 300
#: the three edges (one source, one document, one delivery) and nothing else may catch everything
BROAD_EDGES = {
    "crawlers/visit.py",  # one source
    "crawlers/guard.py",  # one page, in the child process that reads it
    "crawlers/spider.py",  # the same, around Scrapy's own errors
    "app/pipeline.py",  # one document
    "app/sender.py",  # one delivery
}
#: modules that may read the clock
CLOCK = {"app/clock.py"}


def sources() -> list[Path]:
    return sorted(path for name in PACKAGES for path in (REPO / name).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(REPO).as_posix()


@pytest.mark.parametrize("path", sources(), ids=name)
def test_sizes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE, f"{name(path)} has more than {MAX_FILE} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{name(path)}:{node.lineno} {node.name} has {length} lines"


def broad(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and (
            node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        ):
            yield node.lineno


def test_everything_is_caught_only_at_the_named_edges() -> None:
    found = {name(path) for path in sources() if list(broad(ast.parse(path.read_text(encoding="utf-8"))))}
    assert found <= BROAD_EDGES


def test_only_the_clock_reads_the_time() -> None:
    reads = re.compile(r"\bdatetime\.(now|utcnow|today)\(|\bdate\.today\(|\btime\.time\(")
    found = {name(path) for path in sources() if reads.search(path.read_text(encoding="utf-8"))}
    assert found <= CLOCK


def test_no_foreign_package_takes_our_names() -> None:
    for package in PACKAGES:
        module = __import__(package)
        assert module.__file__ is not None
        assert Path(module.__file__).resolve().is_relative_to(REPO), f"{package} comes from {module.__file__}"


def test_no_machine_path_and_no_registry_host_in_any_file() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout: the list of files is not known")
    bad = re.compile(r"(^|[^\w.])/(wor[k]|roo[t]|hom[e]/\w+)/|registry\.npmj[s]|pypi\.or[g]|files\.pythonhoste[d]")
    for line in listed.stdout.split("\n"):
        path = REPO / line
        if not line or path.suffix in (".png", ".woff2", ".npz", ".docx", ".xlsx", ".gz") or not path.is_file():
            continue
        for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            assert not bad.search(text), f"{line}:{number} names a machine path or a registry"
