"""What the settings pages try out for real: a message through a channel, one look at a source, a topic's rule."""

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from analysis.topics import TopicMatcher
from app import clock
from app.sender import send_test
from dashboards.site import TopicTest
from storage.types import Office, StoredDocument, Topic, TopicHit

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


def topic_test(office: Callable[[], Office]) -> TopicTest:
    """(rule, exclude, documents) → document id → hit, by the matcher that assesses; QuerySyntaxError for a rule."""

    def test(rule: str, exclude: str, rows: Sequence[StoredDocument]) -> dict[str, TopicHit]:
        trial = Topic(id="trial", name="试算专题", rule=rule, exclude=exclude)
        matcher = TopicMatcher(replace(office(), topics={trial.id: trial}))
        texts = [f"{row.document.title}\n{row.document.text}" for row in rows]
        found = matcher.match(texts)
        return {row.document.id: hits[0] for row, hits in zip(rows, found, strict=True) if hits}

    return test
