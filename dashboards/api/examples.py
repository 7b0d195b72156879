"""Examples of the description at `/api/v1/openapi.json`: one for each body and each main answer, all made up."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

DOCUMENT_IN: Json = {
    "id": "12345-20261124-0001",
    "title": "小区夜间施工噪声",
    "text": "北苑街道某小区旁工地连续三晚施工到凌晨，希望有关部门管一管。",
    "kind": "hotline",
    "published_at": "2026-11-24T08:30:00+08:00",
}
#: the body of a push in its three forms
PUSHED: Mapping[str, Json] = {
    "one": {"summary": "一条，只有正文必填", "value": {"text": "路灯坏了三天没人修。"}},
    "list": {"summary": "一批", "value": [DOCUMENT_IN, {"text": "路灯坏了三天没人修。"}]},
    "wrapped": {"summary": "一批，放在 documents 中", "value": {"documents": [DOCUMENT_IN]}},
}
DOCUMENT: Json = {
    "id": "12345-20261124-0001",
    "title": "小区夜间施工噪声",
    "text": "北苑街道某小区旁工地连续三晚施工到凌晨，希望有关部门管一管。",
    "url": None,
    "source": "oa",
    "kind": "hotline",
    "published_at": "2026-11-24T08:30:00+08:00",
    "fetched_at": "2026-11-24T08:31:12+08:00",
    "sentiment": "negative",
    "topics": ["environment"],
    "departments": ["zhzf"],
    "event": "ev3c3d873cfbb31c3b",
    "sample": False,
    "historic": False,
}
EVENT: Json = {
    "id": "ev3c3d873cfbb31c3b",
    "title": "小区夜间施工噪声",
    "status": "open",
    "level": 1,
    "level_name": "Ⅳ级（蓝色）",
    "score": 31.5,
    "sentence": "Ⅳ级（蓝色）32分：敏感度12分（生态环境）、热度8分（近24小时12条）；距Ⅲ级（黄色）还差9分。",
    "topic": "environment",
    "area": "beiyuan",
    "departments": ["zhzf"],
    "documents": 12,
    "negative": 9,
    "first_at": "2026-11-23T23:10:00+08:00",
    "last_at": "2026-11-24T08:30:00+08:00",
    "answered_at": None,
    "sample": False,
    "historic": False,
}
TASK: Json = {
    "id": "t-16d1b63a937dbdebb2771e83",
    "event": "ev3c3d873cfbb31c3b",
    "department": "zhzf",
    "role": "lead",
    "title": "小区夜间施工噪声",
    "level": 1,
    "state": "dispatched",
    "rule": "R5",
    "created_at": "2026-11-24T08:32:00+08:00",
    "signed_at": None,
    "closed_at": None,
    "deadlines": [
        {
            "step": "sign",
            "kind": "internal",
            "basis": "本单位内部规定",
            "due_at": "2026-11-24T12:32:00+08:00",
            "met_at": None,
        }
    ],
}
REPORT: Json = {
    "year": 2026,
    "kind": "daily",
    "number": 3,
    "name": "〔2026〕第3期",
    "title": "舆情日报",
    "made_at": "2026-11-24T08:00:41+08:00",
    "approved_at": "2026-11-24T08:20:00+08:00",
    "sent_at": None,
    "formats": ["html", "docx", "xlsx", "pdf"],
}
HEALTH: Json = {
    "status": "ok",
    "version": "0.1.0",
    "boot": "258c0306",
    "documents": 120341,
    "events": 212,
    "open_tasks": 37,
    "waiting": 0,
    "outbox": 2,
    "last_document_age_seconds": 41.5,
}
#: (method, path) → the usual answer
ANSWERS: Mapping[tuple[str, str], Json] = {
    ("POST", "/documents"): {"accepted": 1, "ids": ["12345-20261124-0001"], "errors": []},
    ("GET", "/documents"): {"total": 1, "after": None, "rows": [DOCUMENT]},
    ("GET", "/events"): {"total": 1, "rows": [EVENT]},
    ("GET", "/events/{event_id}"): EVENT,
    ("GET", "/tasks"): {"total": 1, "rows": [TASK]},
    ("GET", "/tasks/{task_id}"): TASK,
    ("GET", "/reports"): {"total": 1, "rows": [REPORT]},
    ("GET", "/reports/{year}/{kind}/{number}"): REPORT,
    ("GET", "/health"): HEALTH,
}
#: status → what a refusal looks like
REFUSALS: Mapping[int, Json] = {
    401: {"errors": [{"line": None, "field": None, "message": "令牌无效或已过期。"}]},
    403: {"errors": [{"line": None, "field": None, "message": "令牌没有这项权限。"}]},
    404: {"errors": [{"line": None, "field": None, "message": "没有这一项。"}]},
    409: {"errors": [{"line": None, "field": None, "message": "同一个 Idempotency-Key 已用于另一份内容。"}]},
    413: {"errors": [{"line": None, "field": None, "message": "一次最多 1000 条。"}]},
    422: {"errors": [{"line": 2, "field": "text", "message": "缺少必填项"}]},
    503: {"errors": [{"line": None, "field": None, "message": "数据库暂时不可用，请稍后再试。"}]},
}


def described(answers: Mapping[int | str, Json], method: str, path: str, success: int) -> dict[int | str, Json]:
    """The answers of a route with their examples."""
    found = {code: {**said} for code, said in answers.items()}
    if (method, path) in ANSWERS:
        found[success] = {**found.get(success, {}), **_json(ANSWERS[method, path])}
    for code, example in REFUSALS.items():
        if code in found:
            found[code] |= _json(example)
    return found


def _json(example: Json) -> Json:
    return {"content": {"application/json": {"example": example}}}
