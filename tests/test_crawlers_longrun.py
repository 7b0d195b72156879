"""A small town, two crawling processes on one ledger, one of them killed every simulated hour."""

import json
import socket
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parent.parent


def test_nothing_is_missed_and_nobody_is_asked_too_soon_though_workers_are_killed() -> None:
    """Under 40 s, most of it waiting. The workers have some seconds to begin in before the town's first hour."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = str(there.getsockname()[1])
    words = ["--sources", "8", "--hours", "3", "--minutes", "0.22", "--delay", "0.15", "--lease", "4", "--lead", "4"]
    words += ["--port", port]
    command = [sys.executable, str(REPO / "benchmarks" / "crawlers_longrun.py"), *words, "--json"]
    done = subprocess.run(
        command, cwd=REPO, env={"PYTHONPATH": str(REPO)}, capture_output=True, timeout=240, check=False
    )
    found = json.loads(done.stdout)
    assert (found["kills"], found["missed"], found["sooner_than_allowed"]) == (2, 0, 0), found
    assert found["of_these_seen"] > found["an_hour_old"] / 2, found  # not only by the last look after the kills
    assert found["an_hour_old"] > 3
    assert found["most_at_once_per_host"] == 1
    assert found["fetched_again"] <= found["fetched_again_allowed"]
    assert found["published"] > 3
    assert found["requests"] > 15
    assert done.returncode == 0
