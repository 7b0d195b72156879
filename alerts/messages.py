"""What leaves the intranet: level, title, deadline and link. No citizen's words, no personal data.

Titles come from crawled pages (already masked) and are hostile: control characters, line breaks and the tags by
which robots mention everybody are taken out here, once, for every channel.
"""

import re
import unicodedata
from datetime import datetime
from functools import lru_cache

from alerts.calendar import local
from alerts.deadlines import next_due, state
from storage.types import Level, Office, Task

TITLE_CHARACTERS = 60
#: (reason code → what happened, in the office's words)
WORDS: dict[str, str] = {
    "FIRST": "交办",
    "NEW_DEPT": "交办",
    "COPY": "抄送",
    "REFLARE": "复燃，重新交办",
    "LEVEL_UP": "等级上升",
    "LEVEL_DOWN": "等级下降",
    "UPDATED": "事项有变化",
    "RESOLVED": "事件已办结",
    "CALMED": "夜间已平息，无需办理",
    "CONFIRM": "待确认责任单位",
    "REPEAT_UNSIGNED": "尚未签收，再次提醒",
    "INFORMED": "已交办，同步告知",
    "UNSIGNED": "超过时间仍未签收",
    "UNACKNOWLEDGED": "尚未确认知悉，再次提醒",
    "REARM": "签收后尚无进展",
    "BREACH": "已超时限",
    "ADJUDICATE": "待裁定事项已超时限",
    "RETURN_REQUESTED": "申请退件，待裁定",
    "RETURN_DECIDED": "退件已裁定",
    "REVIEW": "答复稿待审核",
    "APPROVED": "答复稿审核通过，可以发布",
    "REPLY_REJECTED": "答复稿未通过审核",
    "EXTEND_REQUESTED": "申请延期，待批准",
    "EXTENDED": "延期已批准",
    "EXTEND_REFUSED": "延期未获批准",
    "ASSIGNED": "指派给您",
    "PLAN": "政策预案条件已触发",
    "DIGEST": "消息较多，请登录系统查看",
    "CHANNEL_DEAD": "通道失效",
    "SAVED_SEARCH": "检索提醒",
    "WATCHDOG": "系统告警",
    "BURST": "整体升温提示",
    "HEARTBEAT": "系统正常",
    "NO_CHANGE": "内容未变化",
    "UNCONFIRMED": "责任单位待确认",
    "SILENCED": "静默",
    "INHIBITED": "由上级事件统一通知",
    "THROTTLED": "合并提醒",
}


def words(reason: str) -> str:
    """Chinese of a reason code; DEADLINE_75 says the share."""
    if reason.startswith("DEADLINE_"):
        return f"时限已用 {reason.removeprefix('DEADLINE_')}%"
    return WORDS.get(reason.split(":")[0], reason)


@lru_cache(maxsize=8192)
def clean(text: str, limit: int = TITLE_CHARACTERS) -> str:
    """One line without control or formatting characters, `<` made harmless, at most `limit` characters."""
    line = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    line = re.sub(r"\s+", " ", line).strip().replace("<", "＜").replace(">", "＞")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def subject(reason: str, level: Level, title: str, office: Office) -> str:
    """「【Ⅱ级（橙色）】交办：title」."""
    return f"【{office.level_name(level)}】{words(reason)}：{clean(title) or '（无标题）'}"


def task_body(reason: str, task: Task, office: Office, now: datetime) -> str:
    """Four lines: what and how grave, which matter, until when, where to act."""
    lines = [
        f"{office.level_name(task.level)}　{words(reason)}",
        f"事项：{clean(task.title) or '（无标题）'}",
        deadline_line(task, office, now),
        f"请登录系统办理：{task_link(task, office)}",
    ]
    return "\n".join(line for line in lines if line)


def deadline_line(task: Task, office: Office, now: datetime) -> str:
    """「时限：10月1日 03:10 前（10分内签收，剩 10分）」; empty where no clock runs."""
    due = next_due(task)
    if due is None:
        return ""
    at = local(due.due_at, office)
    return f"时限：{at.month}月{at.day}日 {at:%H:%M} 前（{due.text}，{state(due, now).text}）"


def task_link(task: Task, office: Office) -> str:
    return f"{office.base_url.rstrip('/')}/tasks/{task.id}"


def event_link(event: str, office: Office) -> str:
    return f"{office.base_url.rstrip('/')}/events/{event}"


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` bytes of UTF-8, cut at line ends where possible, never inside a character.

    Several pieces are numbered 「(1/3) 」. Raises ValueError where the limit leaves no room for text.
    """
    if limit < 24:
        raise ValueError("每条消息至少要有 24 字节")
    if len(text.encode()) <= limit:
        return [text]
    room = limit - len("(999/999) ")
    pieces: list[str] = []
    current = ""
    for line in text.splitlines(keepends=True):
        for part in _by_bytes(line, room):
            if current and len((current + part).encode()) > room:
                pieces.append(current)
                current = ""
            current += part
    pieces.append(current)
    return [f"({n}/{len(pieces)}) {piece}" for n, piece in enumerate(pieces, 1)]


def _by_bytes(line: str, room: int) -> list[str]:
    parts: list[str] = []
    start = size = 0
    for index, character in enumerate(line):
        width = len(character.encode())
        if size + width > room:
            parts.append(line[start:index])
            start, size = index, 0
        size += width
    return [*parts, line[start:]] if line[start:] else parts
