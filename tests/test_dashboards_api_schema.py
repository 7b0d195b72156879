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
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{base}/api/v1/openapi.json"),
            *("--url", f"{base}/api/v1", "--header", "Authorization: Bearer all-of-it"),
            *("--max-examples", "15", "--seed", "7", "--generation-deterministic", "--no-color"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
