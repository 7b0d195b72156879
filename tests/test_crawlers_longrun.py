"""A small town, two crawling processes on one ledger, one of them killed every simulated hour."""

import json
import socket
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parent.parent


def test_nothing_is_missed_and_nobody_is_asked_too_soon_though_workers_are_killed() -> None:
    """About 30 s, most of it waiting: what is judged does not depend on how fast the machine is."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = str(there.getsockname()[1])
    words = ["--sources", "8", "--hours", "3", "--minutes", "0.27", "--delay", "0.15", "--lease", "7", "--port", port]
    command = [sys.executable, str(REPO / "benchmarks" / "crawlers_longrun.py"), *words, "--json"]
    done = subprocess.run(
        command, cwd=REPO, env={"PYTHONPATH": str(REPO)}, capture_output=True, timeout=240, check=False
    )
    found = json.loads(done.stdout)
    assert (found["kills"], found["missed"], found["sooner_than_allowed"]) == (2, 0, 0), found
    assert found["most_at_once_per_host"] == 1
    assert found["fetched_again"] <= found["fetched_again_allowed"]
    assert found["published"] > 5
    assert found["requests"] > 15
    assert done.returncode == 0
