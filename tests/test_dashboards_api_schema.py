"""Schemathesis reads the API's own description and tries to break it: every answer must be one that is described."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from board_example import make_site, serve

from dashboards import access
from dashboards.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path)
    with made.ledger.begin() as tx:
        tx.users.add_token(access.digest("all-of-it"), "oa", ["documents:write", "read"], None)
    yield made
    made.documents.close()
    made.ledger.close()


def test_the_api_answers_as_it_is_described(site: Site, tmp_path: Path) -> None:
    assert schemathesis.__version__ >= "4"
    with serve(site) as base:
        (tmp_path / "schemathesis.toml").write_text(SETTINGS)
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{base}/api/v1/openapi.json"),
            *("--url", f"{base}/api/v1", "--header", "Authorization: Bearer all-of-it"),
            *("--max-examples", "15", "--seed", "7", "--generation-deterministic", "--no-color"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    assert done.returncode == 0, report(done.stdout) + done.stderr[-2000:]


#: what no schema can say: whether words are a readable query, or a position is one of this search
SETTINGS = """
[[operations]]
include-path = "/documents"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 409, 413, 422]
checks.negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422]
"""


def report(text: str) -> str:
    """The failures, without bodies of a thousand letters."""
    return "\n".join(line[:300] for line in text.splitlines())[-20_000:]
