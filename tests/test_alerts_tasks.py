"""The state machine: the whole table, every rule beyond it, and random lives of tasks (Hypothesis)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from small_office import small_office

from alerts.deadlines import deadlines
from alerts.escalation import triggers, waited_for
from alerts.guards import return_until
from alerts.tasks import Refused, Step, allowed, apply, seen
from alerts.transitions import ACTIONS, FIELDS, FINAL, STATE_NAMES, TRANSITIONS
from storage.types import Deadline, Event, Reply, Role, Task, TaskState, User

LEVELS = small_office().levels
OFFICE = replace(small_office(), levels=(*LEVELS[:3], replace(LEVELS[3], acknowledge=("deputy-mayor", "mayor"))))
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2025, 9, 25, 9, 0, tzinfo=ZONE)
EVENT = Event(
    id="e1", title="某超市销售过期食品", first_at=NOW - timedelta(hours=2), last_at=NOW, detected_at=NOW, level=2
)
ROLES: tuple[Role, ...] = get_args(Role)

#: what the duty office agreed on, written down apart from the code: state → action → roles (first letters below)
#: L lead, S staff, O officer, R reviewer, D leader (duty leader)
EXPECTED = """
confirm         confirm O · close O · merge O · note LSOR
dispatched      sign LS · return L · reassign O · assign L · close O · merge O · note LSOR · acknowledge OD
signed          verify LS · draft LS · return L · reassign O · assign L · extend_request L · extend_approve OD · close O · merge O · note LSOR · acknowledge OD
verifying       draft LS · reassign O · assign L · extend_request L · extend_approve OD · close LO · merge O · note LSOR · acknowledge OD
drafted         draft LS · submit LS · assign L · extend_request L · extend_approve OD · close O · merge O · note LSOR · acknowledge OD
review          approve RD · reject RD · publish LO · assign L · extend_request L · extend_approve OD · close O · merge O · note LSOR · acknowledge OD
published       track LSO · evaluate LO · draft LS · close LO · merge O · note LSOR
tracking        evaluate LO · draft LS · close LO · merge O · note LSOR
evaluated       close LO · merge O · note LSOR
return_pending  uphold OD · reject_return OD · merge O · note LSOR · acknowledge OD
closed
merged
"""  # noqa: E501 - a table
LETTERS: dict[str, Role] = {"L": "lead", "S": "staff", "O": "officer", "R": "reviewer", "D": "leader"}


def expected() -> dict[tuple[str, str], set[Role]]:
    table: dict[tuple[str, str], set[Role]] = {}
    for line in EXPECTED.strip().splitlines():
        state, _, rest = line.partition(" ")
        for cell in filter(None, rest.strip().split(" · ")):
            action, letters = cell.split()
            table[state, action] = {LETTERS[x] for x in letters}
    return table


def user(role: Role, department: str | None = "scjg", name: str | None = None) -> User:
    return User(name=name or role, display=name or role, roles=(role,), department=department)


LEAD, STAFF, OFFICER, REVIEWER, LEADER = (user(r) for r in ("lead", "staff", "officer", "reviewer", "leader"))
REPLY = Reply(id="r", task="t1", version=1, text="已责令下架。", author="staff", created_at=NOW)
CHECKED = replace(REPLY, secrecy_by="reviewer", legal_by="reviewer", wording_by="reviewer")
OTHER = Task(
    id="t2",
    event="e2",
    alert="a2",
    department="sthj",
    role="lead",
    title="x",
    level=2,
    state="signed",
    rule="R2",
    reasons=(),
    created_at=NOW,
)


def task(state: TaskState = "dispatched", **more: object) -> Task:
    sent = None if state == "confirm" else NOW
    signed = None if state in ("confirm", "dispatched", "return_pending") else NOW
    base = replace(
        OTHER,
        id="t1",
        event="e1",
        alert="a1",
        department="scjg",
        title=EVENT.title,
        state=state,
        dispatched_at=sent,
        signed_at=signed,
        signed_by="lead" if signed else None,
    )
    base = replace(base, **more)  # type: ignore[arg-type]
    return replace(base, deadlines=deadlines(base, EVENT, OFFICE, NOW))


FILLED: dict[str, object] = {
    "text": "已核查",
    "reason": "理由",
    "department": "sthj",
    "basis": "派单目录 2.1",
    "consulted": "会商一致",
    "assignee": "zhang",
    "until": (NOW + timedelta(days=5)).isoformat(),
    "channel": "政府网站",
    "post": "mayor",
}


def act(t: Task, action: str, who: User, at: datetime = NOW, **more: object) -> Step:
    fields = {f for part in FIELDS.get(action, ((), ())) for f in part}  # type: ignore[call-overload]
    filled = {k: v for k, v in FILLED.items() if k in fields}
    context = {"event": EVENT, "reply": CHECKED if action == "publish" else REPLY, "into": OTHER}
    return apply(t, action, user=who, office=OFFICE, now=at, **{**filled, **context, **more})


def ready(state: TaskState, action: str) -> Task:
    """A task in which nothing but state and role can refuse the action."""
    more: dict[str, object] = {}
    if action == "extend_approve":
        more = {"extend_until": NOW + timedelta(days=5)}
    if state == "verifying" and action == "close":
        more = {"rule": "R8"}
    if state == "review" and action == "close":
        more = {"role": "support"}
    if action == "acknowledge":
        more = {"level": 4, "dispatched_at": NOW - timedelta(hours=1)}
    return task(state, **more)


@pytest.mark.parametrize("state", STATE_NAMES)
def test_every_action_by_every_role_in_every_state(state: TaskState) -> None:
    table = expected()
    for action in ACTIONS:
        for role in ROLES:
            permitted = role in table.get((state, action), set())
            try:
                step = act(ready(state, action), action, user(role))
            except Refused:
                assert not permitted, f"{state} {action} {role} was refused"
            else:
                assert permitted, f"{state} {action} {role} was allowed"
                assert step.task.state == TRANSITIONS[state, action].to
                assert (step.audit.actor, step.audit.role, step.audit.action) == (role, role, f"task.{action}")


@pytest.mark.parametrize("role", ["lead", "staff"])
def test_only_the_own_department(role: Role) -> None:
    with pytest.raises(Refused, match="本单位"):
        act(task(), "sign", user(role, "sthj"))
    with pytest.raises(Refused, match="本单位"):
        act(task(), "sign", user(role, None))
    assert allowed(task(), user(role, "sthj"), NOW, OFFICE) == []


def test_inactive_users_and_unknown_actions_are_refused() -> None:
    with pytest.raises(Refused, match="停用"):
        act(task(), "sign", replace(LEAD, active=False))
    with pytest.raises(Refused, match="没有"):
        act(task(), "explode", LEAD)


def test_wrong_call_is_a_programmers_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        act(task(), "sign", LEAD, colour="red")
    with pytest.raises(TypeError, match="event"):
        act(task(), "reassign", OFFICER, event=None)
    with pytest.raises(TypeError, match="into"):
        act(task(), "merge", OFFICER, into=None)


@pytest.mark.parametrize(
    "action", ["return", "reassign", "draft", "reject", "publish", "note", "extend_request", "assign"]
)
def test_required_fields(action: str) -> None:
    state = next(s for s, a in TRANSITIONS if a == action)
    who = next(u for u in (LEAD, OFFICER, REVIEWER) if set(u.roles) & TRANSITIONS[state, action].roles)
    required = FIELDS[action][0]  # type: ignore[index]
    for field in required:
        with pytest.raises(Refused, match="必须填写"):
            act(ready(state, action), action, who, **{field: "  "})


def test_both_leaders_say_it_for_themselves() -> None:
    told = NOW - timedelta(hours=1)
    red = replace(task("signed", level=4, dispatched_at=told), signed_at=NOW - timedelta(minutes=20))
    assert set(waited_for(red, OFFICE, NOW)) == {"deputy-mayor", "mayor"}
    assert {t.recipients for t in triggers(red, OFFICE, NOW) if t.reason == "UNACKNOWLEDGED"} == {
        ("deputy-mayor",),
        ("mayor",),
    }
    once = act(red, "acknowledge", LEADER, post="mayor").task
    assert once.acknowledged == (("mayor", "leader"),)
    assert [t.recipients for t in triggers(once, OFFICE, NOW) if t.reason == "UNACKNOWLEDGED"] == [("deputy-mayor",)]
    with pytest.raises(Refused, match="分管市领导"):
        act(once, "acknowledge", LEADER, post="mayor")
    with pytest.raises(Refused, match="何种方式"):
        act(once, "acknowledge", OFFICER, post="deputy-mayor", text="")
    both = act(once, "acknowledge", OFFICER, post="deputy-mayor").task
    assert "acknowledge" not in allowed(both, LEADER, NOW, OFFICE)
    quick = replace(red, signed_at=told + timedelta(minutes=5))
    assert waited_for(quick, OFFICE, NOW) == {}
    late = replace(red, state="published")
    assert waited_for(late, OFFICE, NOW) == {}


def test_a_law_that_was_broken_on_the_way_is_told_to_the_new_unit() -> None:
    at = NOW + timedelta(hours=60)
    step = act(task(), "reassign", OFFICER, at)
    assert ("BREACH", "sthj") in {(d.reason, d.recipient) for d in step.deliveries}
    assert ("BREACH", "sthj") not in {(d.reason, d.recipient) for d in act(task(), "reassign", OFFICER).deliveries}


def test_nothing_personal_goes_to_review() -> None:
    bad = replace(REPLY, text="请与投诉人联系，手机 13812345678，已责令下架。")
    with pytest.raises(Refused, match="手机号码"):
        act(task("drafted"), "submit", STAFF, reply=bad)
    unit = replace(OFFICE.departments["scjg"], phone="13812345678")
    own = replace(OFFICE, departments={**OFFICE.departments, "scjg": unit})
    step = apply(task("drafted"), "submit", user=STAFF, office=own, now=NOW, reply=bad)
    assert step.task.state == "review"


def test_the_simple_path() -> None:
    t = act(task(), "sign", LEAD).task
    assert (t.signed_by, next(d.met_at for d in t.deadlines if d.step == "sign")) == ("lead", NOW)
    step = act(t, "draft", LEAD, text="已下架并立案。", treatment="调查处置", reply=None)
    assert step.reply is not None
    submitted = act(step.task, "submit", LEAD, reply=step.reply)
    assert [d.reason for d in submitted.deliveries] == ["REVIEW"]
    approved = act(submitted.task, "approve", REVIEWER, reply=submitted.reply)
    assert [d.reason for d in approved.deliveries] == ["APPROVED"]
    published = act(approved.task, "publish", LEAD, NOW + timedelta(hours=3), reply=approved.reply, link="http://x/1")
    assert published.reply is not None
    assert published.reply.published_at == NOW + timedelta(hours=3)
    assert all(d.met_at for d in published.task.deadlines if d.step == "reply")
    done = act(published.task, "close", LEAD, NOW + timedelta(days=1))
    assert (done.task.state, done.task.closed_at) == ("closed", NOW + timedelta(days=1))
    assert allowed(done.task, LEAD, NOW, OFFICE) == []


def test_allowed_agrees_with_the_table_for_a_lead() -> None:
    assert allowed(task(), LEAD, NOW, OFFICE) == ["sign", "return", "assign", "note"]
    late = NOW + timedelta(minutes=121)
    assert "return" not in allowed(task(), LEAD, late, OFFICE)
    assert "publish" not in allowed(task("review"), LEAD, NOW, OFFICE, REPLY)
    assert "publish" in allowed(task("review"), LEAD, NOW, OFFICE, CHECKED)
    assert "extend_approve" not in allowed(task("signed"), OFFICER, NOW, OFFICE)


def test_nobody_approves_the_own_draft() -> None:
    with pytest.raises(Refused, match="自己"):
        act(task("review"), "approve", user("reviewer", name="staff"))


def test_three_marks_before_publishing() -> None:
    reply = REPLY
    for check in ("secrecy", "legal"):
        step = act(task("review"), "approve", REVIEWER, reply=reply, check=check)
        assert step.reply is not None
        assert step.deliveries == ()
        reply = step.reply
    with pytest.raises(Refused, match="口径"):
        act(task("review"), "publish", LEAD, reply=reply)
    with pytest.raises(Refused, match="审核事项"):
        act(task("review"), "approve", REVIEWER, check="beauty")


def test_rejection_clears_the_marks_and_tells_the_department() -> None:
    step = act(task("review"), "reject", REVIEWER, reply=CHECKED)
    assert step.reply is not None
    assert (step.reply.rejected, step.reply.secrecy_by) == ("理由", None)
    assert [(d.reason, d.recipient) for d in step.deliveries] == [("REPLY_REJECTED", "scjg")]


class TestReturns:
    """退件: window, reason, basis, suggestion, ruling."""

    def test_window(self) -> None:
        assert return_until(task(), OFFICE) == NOW + timedelta(hours=2)
        assert act(task(), "return", LEAD, NOW + timedelta(hours=2)).task.state == "return_pending"
        with pytest.raises(Refused, match="视为接收"):
            act(task(), "return", LEAD, NOW + timedelta(hours=2, seconds=1))

    def test_window_of_the_lowest_level_is_working_time(self) -> None:
        evening = datetime(2025, 9, 30, 17, 0, tzinfo=ZONE)
        blue = task(level=1, dispatched_at=evening)
        # 8 working hours: half an hour before the holidays, a day of 7.5 hours after them
        assert return_until(blue, OFFICE) == datetime(2025, 10, 9, 17, 30, tzinfo=ZONE)

    def test_goes_to_the_office_never_on(self) -> None:
        step = act(task(), "return", LEAD)
        assert (step.task.department, step.task.returned_to, step.task.returns) == ("scjg", "sthj", 1)
        assert [(d.reason, d.recipient) for d in step.deliveries] == [("RETURN_REQUESTED", "duty-officer")]
        due = next(d for d in step.task.deadlines if d.step == "adjudicate")
        assert due.due_at == NOW + timedelta(hours=2)
        for unit in ("scjg", "nowhere"):
            with pytest.raises(Refused):
                act(task(), "return", LEAD, department=unit)

    def test_upheld_starts_the_new_units_clocks_but_never_the_laws(self) -> None:
        before = task()
        later = NOW + timedelta(hours=1)
        returned = act(before, "return", LEAD).task
        step = act(returned, "uphold", LEADER, later)
        t = step.task
        assert (t.department, t.state, t.signed_at, t.dispatched_at) == ("sthj", "dispatched", None, later)
        sign = next(d for d in t.deadlines if d.step == "sign")
        assert sign.due_at == later + timedelta(hours=2)
        assert _statutory(t.deadlines) == _statutory(before.deadlines)
        assert {(d.reason, d.recipient) for d in step.deliveries} == {("NEW_DEPT", "sthj"), ("RETURN_DECIDED", "scjg")}
        assert (step.close_alert, step.alerts[0].department) == ("a1", "sthj")
        assert t.alert == step.alerts[0].id

    def test_rejected_counts_as_signed_and_its_clocks_ran_on(self) -> None:
        returned = act(task(), "return", LEAD).task
        step = act(returned, "reject_return", OFFICER, NOW + timedelta(hours=1))
        assert (step.task.state, step.task.signed_by) == ("signed", "裁定：officer")
        reply = next(d for d in step.task.deadlines if d.step == "reply" and d.kind == "internal")
        assert reply.start_at == NOW
        assert [(d.reason, d.recipient) for d in step.deliveries] == [("RETURN_DECIDED", "scjg")]

    def test_the_second_is_ruled_by_consultation_and_is_the_last(self) -> None:
        second = act(task(returns=1), "return", LEAD).task
        assert second.returns == 2
        for action in ("uphold", "reject_return"):
            with pytest.raises(Refused, match="会商"):
                act(second, action, LEADER, consulted="")
        decided = act(second, "uphold", LEADER).task
        with pytest.raises(Refused, match="不能再次退件"):
            act(decided, "return", user("lead", "sthj"), department="scjg")

    def test_a_second_return_has_its_own_clock(self) -> None:
        first = act(task(), "return", LEAD).task
        back = act(first, "reject_return", OFFICER, NOW + timedelta(minutes=5)).task
        again = act(back, "return", LEAD, NOW + timedelta(minutes=30)).task
        (clock,) = [d for d in again.deadlines if d.step == "adjudicate"]
        assert (clock.met_at, clock.due_at) == (None, NOW + timedelta(minutes=150))


def _statutory(rows: Sequence[Deadline]) -> list[tuple[str, datetime, datetime]]:
    return [(d.step, d.start_at, d.due_at) for d in rows if d.kind == "statutory"]


class TestJoint:
    """牵头 and 协办."""

    CHILD = task("signed", id="t9", department="jyj", role="support", parent="t1")

    def test_the_lead_waits_for_the_others(self) -> None:
        with pytest.raises(Refused, match="教育局尚未报送"):
            act(task("review"), "publish", LEAD, children=(self.CHILD,))

    def test_unless_recorded(self) -> None:
        step = act(task("review"), "publish", LEAD, children=(self.CHILD,), without_support="时限将至")
        assert step.task.note == "未报，先行发布：时限将至"
        assert "时限将至" in step.audit.after

    def test_publishing_ends_what_was_handed_in(self) -> None:
        child = replace(self.CHILD, state="review")
        step = act(task("review"), "publish", LEAD, children=(child,))
        assert [(t.id, t.state) for t in step.others] == [("t9", "closed")]

    def test_support_does_not_publish_and_meets_its_clock_by_submitting(self) -> None:
        with pytest.raises(Refused, match="牵头单位"):
            act(task("review", role="support"), "publish", LEAD)
        step = act(task("drafted", role="support"), "submit", LEAD)
        assert all(d.met_at for d in step.task.deadlines if d.step == "reply")


class TestExtension:
    """延期: once, before expiry, approved, never the law's clocks."""

    def test_granted(self) -> None:
        asked = act(task("signed"), "extend_request", LEAD)
        assert [(d.reason, d.recipient) for d in asked.deliveries] == [("EXTEND_REQUESTED", "duty-officer")]
        step = act(asked.task, "extend_approve", OFFICER)
        inner = next(d for d in step.task.deadlines if d.step == "reply" and d.kind == "internal")
        assert inner.due_at == NOW + timedelta(days=5)
        assert _statutory(step.task.deadlines) == _statutory(task("signed").deadlines)
        with pytest.raises(Refused, match="一次"):
            act(step.task, "extend_request", LEAD)
        # a later re-computation keeps what was approved
        again = deadlines(step.task, EVENT, OFFICE, NOW)
        assert next(d for d in again if d.step == "reply" and d.kind == "internal").due_at == inner.due_at

    def test_refused(self) -> None:
        asked = act(task("signed"), "extend_request", LEAD).task
        step = act(asked, "extend_approve", OFFICER, refused="理由不充分")
        assert (step.task.extensions, step.task.extend_until, step.task.deadlines) == (0, None, asked.deadlines)
        assert [d.reason for d in step.deliveries] == ["EXTEND_REFUSED"]

    def test_too_late_or_senseless(self) -> None:
        with pytest.raises(Refused, match="届满前"):
            act(task("signed"), "extend_request", LEAD, NOW + timedelta(hours=24))
        with pytest.raises(Refused, match="晚于"):
            act(task("signed"), "extend_request", LEAD, until=(NOW + timedelta(hours=1)).isoformat())
        with pytest.raises(Refused, match="日期"):
            act(task("signed"), "extend_request", LEAD, until="next week")


def test_merge() -> None:
    step = act(task(), "merge", OFFICER)
    assert (step.task.state, step.task.merged_into, step.close_alert) == ("merged", "t2", "a1")
    with pytest.raises(Refused, match="自身"):
        act(task(), "merge", OFFICER, into=task())
    with pytest.raises(Refused, match="不能并入"):
        act(task(), "merge", OFFICER, into=replace(OTHER, state="closed"))


def test_confirming_dispatches_and_starts_the_clocks() -> None:
    step = act(task("confirm"), "confirm", OFFICER, NOW + timedelta(minutes=20), department="scjg")
    assert [(d.reason, d.recipient) for d in step.deliveries] == [("FIRST", "scjg")]
    sign = next(d for d in step.task.deadlines if d.step == "sign")
    assert sign.due_at == NOW + timedelta(minutes=140)
    assert not [d for d in step.task.deadlines if d.step == "adjudicate"]


def test_closing_early_needs_a_reason_and_an_officer() -> None:
    with pytest.raises(Refused, match="理由"):
        act(task(), "close", OFFICER, reason="")
    with pytest.raises(Refused, match="尚未答复"):
        act(task("verifying"), "close", LEAD)


def test_press_conference_is_recorded() -> None:
    grave = replace(EVENT, incident_grade="特别重大")
    base = task("published")
    t = replace(base, deadlines=deadlines(base, grave, OFFICE, NOW))
    step = act(t, "note", LEAD, step="press")
    assert next(d for d in step.task.deadlines if d.step == "press").met_at == NOW
    with pytest.raises(Refused, match="新闻发布会"):
        act(t, "note", LEAD, step="reply")


def test_seen_is_not_signed() -> None:
    opened = seen(task(), STAFF, NOW)
    assert opened is not None
    assert (opened.seen_at, opened.state, opened.signed_at) == (NOW, "dispatched", None)
    assert seen(opened, LEAD, NOW) is None
    assert seen(task(), OFFICER, NOW) is None
    assert seen(task(), user("lead", "sthj"), NOW) is None


class Life(RuleBasedStateMachine):
    """Anybody tries anything at any time; what must hold, holds."""

    @initialize(confirm=st.booleans(), role=st.sampled_from(["lead", "support"]))
    def begin(self, confirm: bool, role: str) -> None:
        self.now = NOW
        self.task = task("confirm" if confirm else "dispatched", role=role)
        self.statutory = _statutory(self.task.deadlines)
        self.reply: Reply | None = None
        self.keys: set[str] = set()
        self.trail = 0

    @rule(
        action=st.sampled_from(ACTIONS),
        role=st.sampled_from(ROLES),
        department=st.sampled_from(["scjg", "sthj", None]),
        unit=st.sampled_from(["scjg", "sthj", "jyj", "nowhere"]),
        minutes=st.sampled_from([0, 1, 30, 200, 3000]),
        consulted=st.booleans(),
        name=st.sampled_from(["wang", "li"]),
    )
    def attempt(
        self,
        action: str,
        role: Role,
        department: str | None,
        unit: str,
        minutes: int,
        consulted: bool,
        name: str,
    ) -> None:
        self.now += timedelta(minutes=minutes)
        self.take(action, user(role, department, name), unit, consulted)

    @rule(
        role=st.sampled_from(["lead", "officer", "reviewer"]),
        pick=st.integers(0, 9),
        name=st.sampled_from(["wang", "li"]),
    )
    def press_a_button(self, role: Role, pick: int, name: str) -> None:
        """Somebody in charge uses one of the buttons shown: reaches the far end of the table."""
        who = user(role, self.task.department, name)
        buttons = [a for a in allowed(self.task, who, self.now, OFFICE, self.reply) if a not in ("merge", "note")]
        if buttons:
            self.take(buttons[pick % len(buttons)], who, "jyj", True)

    def take(self, action: str, who: User, unit: str, consulted: bool) -> None:
        buttons = allowed(self.task, who, self.now, OFFICE, self.reply)
        before = self.task
        more: dict[str, object] = {"reply": self.reply}
        fields = {f for part in FIELDS[action] for f in part}  # type: ignore[index]
        if "department" in fields:
            more["department"] = unit
        if "consulted" in fields:
            more["consulted"] = "会商一致" if consulted else ""
        if "until" in fields:
            more["until"] = (self.now + timedelta(days=9)).isoformat()
        try:
            step = act(before, action, who, self.now, **more)
        except Refused:
            return
        assert action in buttons
        self.trail += 1
        # a duty post that was told of a breach is not told again when the task comes back to a unit within the minute
        fresh = {d.idem_key for d in step.deliveries if d.reason != "BREACH"}
        assert not fresh & self.keys
        self.keys |= fresh
        self.reply = step.reply or self.reply
        self.task = replace(step.task, version=before.version + 1)
        assert before.state not in FINAL

    @invariant()
    def clocks_of_the_law_never_move(self) -> None:
        assert _statutory(self.task.deadlines) == self.statutory

    @invariant()
    def nobody_skips_a_step(self) -> None:
        t = self.task
        assert t.department in OFFICE.departments
        assert t.returns <= 2
        assert t.extensions <= 1
        if t.state in ("signed", "verifying", "drafted", "review", "published", "tracking", "evaluated"):
            assert t.signed_by
        if t.state in ("published", "tracking", "evaluated"):
            assert t.role == "lead"
            assert self.reply is not None
            assert self.reply.published_at is not None
            assert self.reply.secrecy_by
            assert self.reply.legal_by
            assert self.reply.wording_by
            assert self.reply.author not in (self.reply.secrecy_by, self.reply.legal_by, self.reply.wording_by)
        if t.state == "return_pending":
            assert t.returned_to
            assert t.return_reason


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
