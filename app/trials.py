"""What the settings pages try out for real: a message through a channel, one look at a source."""

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app import clock
from app.sender import send_test
from storage.types import Office

#: a look takes at most a minute by itself; the rest is the start of the process
SECONDS = 90.0


def channel_test(office: Callable[[], Office]) -> Callable[[str], tuple[bool, str]]:
    """Channel id → (accepted, what the provider said)."""
    return lambda name: send_test(office(), name, None, clock.now(), secrets.token_hex(4))


def source_preview(config: Path) -> Callable[[str], Mapping[str, object]]:
    """Source id → what `minsheng sources test` says. A process of its own: the crawler's reactor starts once in one."""

    def preview(source: str) -> Mapping[str, object]:
        command = [sys.executable, "-m", "app", "sources", "test", "--json", "--config", str(config), "--", source]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            found: Mapping[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            return {"ok": False, "error": f"{SECONDS:g} 秒内没有取完"}
        except (ValueError, IndexError):
            return {"ok": False, "error": "试取没有结果，请在服务器上运行 minsheng sources test 查看原因"}
        return found

    return preview
