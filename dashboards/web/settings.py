"""设置: what the office's files say, with a live test of a topic's rule and an explanation of a route; users."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import cast, get_args

from fastapi import HTTPException
from starlette.responses import Response

from alerts.routing import Facts, Routing, lint, route
from dashboards import access
from dashboards.web.visit import Here
from storage.ports import DocumentQuery
from storage.query import And, Node, Not, QuerySyntaxError, parse
from storage.types import DepartmentGuess, Role, StoredDocument, User

TEST_DAYS = 7
#: roles that belong to a department
OF_DEPARTMENT: tuple[Role, ...] = ("lead", "staff")
GIVEN: tuple[Role, ...] = tuple(role for role in get_args(Role) if role != "api")


def departments(visit: Here) -> Response:
    """Departments and their duties."""
    return visit.page("settings_departments.html", problems=lint(visit.office))


def topics(visit: Here, rule: str = "", exclude: str = "", topic: str = "") -> Response:
    """Topics with their rules; a rule may be tried on the documents of the last week."""
    chosen = visit.office.topics.get(topic)
    if chosen is not None and not rule:
        rule, exclude = chosen.rule, chosen.exclude
    tried: dict[str, object] = {"total": None, "left_out": 0, "hits": (), "problem": ""}
    if rule:
        tried |= attempt(visit, rule[:4000], exclude[:4000])
    return visit.page("settings_topics.html", rule=rule, exclude=exclude, topic=topic, **tried)


def attempt(visit: Here, rule: str, exclude: str) -> dict[str, object]:
    """Hits of a rule in the last week, and how many the exclusion takes away."""
    since = visit.now - timedelta(days=TEST_DAYS)
    store = visit.site.documents
    try:
        wanted = parse(rule)
        kept: Node = And((wanted, Not(parse(exclude)))) if exclude else wanted
        found = store.search(DocumentQuery(words=kept, since=since, duplicates=False), size=12)
        everything = store.count(DocumentQuery(words=wanted, since=since, duplicates=False))
    except QuerySyntaxError as mistake:
        return {"problem": str(mistake)}
    return {"total": found.total, "left_out": everything - found.total, "hits": why(visit, rule, exclude, found.rows)}


def why(
    visit: Here, rule: str, exclude: str, rows: tuple[StoredDocument, ...]
) -> list[tuple[StoredDocument, tuple[str, ...]]]:
    """The hits with the words that matched, where the analysis was handed in."""
    hits = visit.site.assess_topics(rule, exclude, rows) if visit.site.assess_topics else {}
    return [(row, hits[row.document.id].words if row.document.id in hits else ()) for row in rows]


def routing(visit: Here, topic: str = "", level: str = "", area: str = "", department: str = "") -> Response:
    """The routing list, the limits, and who would answer a given case, with every rule that fired."""
    found: Routing | None = None
    if topic or level or area or department:
        office = visit.office
        known = topic in ("", *office.topics) and area in ("", *office.places)
        if (
            not known
            or level not in ("", *(r.id for r in office.levels))
            or department not in ("", *office.departments)
        ):
            raise HTTPException(422, "没有这个专题、等级、地点或部门。")
        guess = (DepartmentGuess(id=department, probability=0.9, reason="试算"),) if department else ()
        found = route(
            Facts(
                level=office.level(level) if level else 1,
                topic=topic or None,
                area=area or None,
                departments=guess,
            ),
            office,
        )
    chosen = {"topic": topic, "level": level, "area": area, "department": department}
    return visit.page("settings_routing.html", found=found, chosen=chosen)


def channels(visit: Here) -> Response:
    """Channels without their secrets, and what could not be sent."""
    return channels_page(visit, True, "")


def channels_page(visit: Here, accepted: bool, said: str) -> Response:
    """The page, with what a provider said to a test."""
    with visit.site.ledger.read() as tx:
        failed = tx.outbox.find(status=("perm_fail", "dead", "unknown"), size=50)
        waiting = tx.outbox.waiting()
    shown = {name: public_part(table) for name, table in visit.office.channels.items()}
    return visit.page(
        "settings_channels.html", channels=shown, failed=failed, waiting=waiting, accepted=accepted, said=said
    )


_SECRET = re.compile(r"key|token|secret|pass|url|hook|user", re.IGNORECASE)


def public_part(table: object) -> dict[str, str]:
    """A channel's table without anything that opens a door: addresses of robots carry their key."""
    rows = dict(table) if isinstance(table, dict) else {}
    return {str(key): "（已设置）" if _SECRET.search(str(key)) else str(value) for key, value in rows.items()}


def users(visit: Here) -> Response:
    """Everybody who may log in."""
    return users_page(visit, 200, "", "")


def users_page(visit: Here, status: int, problem: str, link: str) -> Response:
    """The page, with a fresh one-time link to hand over (shown once, never stored in the clear)."""
    with visit.site.ledger.read() as tx:
        everybody = sorted(tx.users.all(), key=lambda user: (not user.active, user.name))
        sessions = {user.name: len(tx.users.sessions(user.name)) for user in everybody}
    return visit.page(
        "settings_users.html", status, users=everybody, sessions=sessions, problem=problem, link=link, given=GIVEN
    )


def add_user(visit: Here) -> Response:
    """POST: a new user with a one-time link; there is no default password."""
    name, role, department = visit.text("name", 64), visit.text("role", 20), visit.text("department", 64)
    problem = bad_user(visit, name, role, department)
    if problem:
        return users_page(visit, 422, problem, "")
    with visit.site.ledger.begin() as tx:
        if tx.users.get(name) is not None:
            problem = f"用户名“{name}”已存在。"
        else:
            user = User(
                name=name,
                display=visit.text("display", 40) or name,
                roles=(cast(Role, role),),
                department=department if role in OF_DEPARTMENT else None,
                must_change=True,
                email=visit.text("email", 200) or None,
                created_at=visit.now,
            )
            tx.users.save(user)
            link = access.make_link(visit.site, tx, name)
            visit.record(tx, "user.add", f"user:{name}", after=f"role={role} department={department}")
    if problem:
        return users_page(visit, 422, problem, "")
    return users_page(visit, 200, "", visit.office.base_url.rstrip("/") + link)


def bad_user(visit: Here, name: str, role: str, department: str) -> str:
    """What is wrong with the fields of a new user, or ""."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{2,40}", name):
        return "用户名由 2 至 40 个字母、数字、点、横线或下划线组成。"
    if role not in GIVEN:
        return "请选择角色。"
    if role in OF_DEPARTMENT and department not in visit.office.departments:
        return "部门负责人和经办人须指定所属部门。"
    return ""


def change_user(visit: Here, name: str, action: str) -> Response:
    """POST: disable, enable, log out everywhere, or give a new one-time link."""
    link = ""
    with visit.site.ledger.begin() as tx:
        user = tx.users.get(name)
        if user is None or action not in {"disable", "enable", "logout", "link"}:
            raise HTTPException(404, "没有这个用户或操作。")
        if name == visit.user.name and action == "disable":
            raise HTTPException(422, "不能停用自己。")
        if action in {"disable", "enable"}:
            tx.users.save(replace(user, active=action == "enable", session_epoch=user.session_epoch + 1))
        if action in {"disable", "logout"}:
            tx.users.close_sessions(name)
        if action == "link":
            link = visit.office.base_url.rstrip("/") + access.make_link(visit.site, tx, name)
        visit.record(tx, f"user.{action}", f"user:{name}")
    if link:
        return users_page(visit, 200, "", link)
    return visit.go("/settings/users", "logged_out" if action == "logout" else "user")
