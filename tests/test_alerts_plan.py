"""From events to messages, told as stories; and the property that order and repeats of input do not matter."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario import Scenario, moment
from small_office import small_office

from alerts.channels import DeliveryError, SendResult
from alerts.plan import plan
from alerts.routing import Facts, route
from alerts.silences import Silence, Umbrella, silence_problems
from storage.types import DepartmentGuess, Event

OFFICE = small_office()


def test_red_at_three_in_the_morning_of_the_national_holiday() -> None:
    with Scenario("2025-10-01 03:00") as s:
        s.event("e1", level=4, incident_grade="重大")
        s.expect("FIRST", "scjg", channel="mail").expect("FIRST", "scjg", channel="hook")  # both at once
        s.expect("COPY", "wxb").expect("INFORMED", "duty-officer").nothing_else()
        s.at("03:10").expect("REPEAT_UNSIGNED", "scjg", channel="mail", at="03:10")
        s.expect("REPEAT_UNSIGNED", "scjg", channel="hook").nothing_else()
        s.at("03:15").expect("UNSIGNED", "deputy-mayor", at="03:15").nothing_else()
        s.at("03:20").expect("REPEAT_UNSIGNED", "scjg", channel="mail").expect("REPEAT_UNSIGNED", "scjg")
        s.at("03:25").nothing_else()
        s.act("sign", "scjg")
        s.at("03:54").nothing_else()  # signed: no repeat, no mayor
        s.at("03:55").expect("REARM", "scjg", channel="mail").expect("REARM", "scjg", channel="hook")
        s.act("verify", "scjg")
        due = {(d.step, d.kind): d.due_at for d in s.task("scjg").deadlines}
        assert due[("reply", "statutory")] == moment("2025-10-01 08:00")  # 80号: 5 h, not 48 h
        assert due[("press", "statutory")] == moment("2025-10-02 03:00")
        s.at("05:30").expect("DEADLINE_50", "scjg", channel="mail", at="05:30").expect(
            "DEADLINE_50", "scjg"
        ).nothing_else()
        s.act("draft", "scjg", text="已查封并公布检测结果。")
        s.act("submit", "scjg")
        s.expect("REVIEW", "duty-officer")
        s.act("approve", "scjg", role="reviewer")
        s.expect("APPROVED", "scjg", channel="mail").expect("APPROVED", "scjg", channel="hook")
        s.act("publish", "scjg", channel="政府网站")
        s.at("08:30").nothing_else()  # answered in time: no 75 %, no breach
        s.act("note", "scjg", text="10时召开新闻发布会", step="press")
        s.at("10-02 04:00").nothing_else()
        s.act("close", "scjg")
        s.close_event("e1").expect("RESOLVED", "scjg", channel="mail").expect("RESOLVED", "scjg", channel="hook")
        s.expect("RESOLVED", "wxb")


def test_blue_at_night_waits_for_the_morning_and_is_not_lost() -> None:
    with Scenario("2025-09-25 22:30") as s:
        s.event("e1", level=1)
        s.at("09-26 06:59").nothing_else()
        s.at("07:00").expect("FIRST", "scjg", at="07:00").nothing_else()
        sign = next(d for d in s.task("scjg").deadlines if d.step == "sign")
        assert sign.due_at == moment("2025-09-26 14:00")  # 4 working hours from 08:30, with lunch
        s.act("sign", "scjg")


def test_blue_before_the_holiday_waits_for_the_first_working_day() -> None:
    with Scenario("2025-09-30 22:30", step=timedelta(minutes=30)) as s:
        # the 48 h of 61号 run out within the holidays: then nothing is deferred
        s.event("e1", level=1).expect("FIRST", "scjg", at="22:30")
        s.act("sign", "scjg")


def test_rising_out_of_the_lowest_level_breaks_the_night() -> None:
    with Scenario("2025-09-25 23:00") as s:
        s.event("e1", level=1)
        s.at("23:30").nothing_else()
        s.event("e1", level=2).expect("LEVEL_UP", "scjg", at="23:30")
        assert [r.status for r in s.outbox.values() if r.reason == "FIRST"] == ["superseded"]
        s.act("sign", "scjg")


def test_yellow_is_gathered_for_a_minute() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2)
        s.nothing_else()
        s.at("10:01").expect("FIRST", "scjg")
        s.act("sign", "scjg")


def test_the_same_content_is_not_sent_again_and_the_suppression_is_stored_once() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2).at("10:01").expect("FIRST", "scjg")
        s.act("sign", "scjg")
        for _ in range(5):
            s.event("e1", level=2)
        assert s.suppressions() == [("NO_CHANGE", "scjg")]


def test_who_would_lead_by_what_is_known_now_joins_the_one_that_leads_already() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2).at("10:01").expect("FIRST", "scjg")
        s.act("sign", "scjg")
        s.facts["e1"] = replace(s.facts["e1"], topic="environment")
        s.event("e1", level=2).at("10:02").expect("NEW_DEPT", "sthj").expect("UPDATED", "scjg")
        assert (s.task("scjg").role, s.task("sthj").role) == ("lead", "support")
        s.act("sign", "sthj")
        s.event("e1", level=2).at("10:30").nothing_else()


def test_deadlines_follow_the_level_from_the_original_start_and_a_breach_is_said_at_once() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2).at("10:01").expect("FIRST", "scjg")
        s.act("sign", "scjg")
        s.act("verify", "scjg")
        s.at("16:00").nothing_else()
        s.events["e1"] = replace(s.events["e1"], incident_grade="重大")
        s.facts["e1"] = replace(s.facts["e1"], incident_grade="重大")
        s.event("e1", level=3).expect("LEVEL_UP", "scjg").expect("COPY", "wxb")
        reply = next(d for d in s.task("scjg").deadlines if d.step == "reply" and d.kind == "statutory")
        assert (reply.start_at, reply.due_at) == (moment("2025-09-25 10:00"), moment("2025-09-25 15:00"))
        s.expect("BREACH", "scjg", at="16:00").expect("BREACH", "duty-officer").nothing_else()


def test_an_old_matter_found_late_is_breached_from_its_first_minute() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=3, first_at=moment("2025-09-22 10:00")).expect("FIRST", "scjg").expect("COPY", "wxb")
        s.expect("BREACH", "scjg", at="10:00").expect("BREACH", "duty-officer", at="10:00").nothing_else()
        assert "已超 1天" in next(r.body for r in s.outbox.values() if r.reason == "BREACH")
        s.act("sign", "scjg")
        s.act("close", "scjg", role="officer", reason="已答复")


def test_the_office_watches_the_law_while_it_decides_who_is_in_charge() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2, topic=None, first_at=moment("2025-09-22 10:00"))
        s.expect("CONFIRM", "duty-officer").expect("BREACH", "duty-officer").nothing_else()


def test_history_gives_tasks_without_clocks_and_without_a_word() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("old", level=4, historic=True, first_at=moment("2018-05-01 08:00"))
        s.at("12:00").nothing_else()
        (task,) = s.tasks.values()
        assert (task.historic, task.deadlines, task.alert, s.alerts, s.outbox) == (True, (), "", {}, {})
        assert s.evaluate("old").tasks == ()


def test_an_unsure_lead_is_confirmed_by_a_person_first() -> None:
    guess = DepartmentGuess(id="sthj", probability=0.6, reason="用词相近")
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2, topic=None, departments=(guess,))
        s.expect("CONFIRM", "duty-officer").nothing_else()
        assert s.task("sthj").state == "confirm"
        assert ("UNCONFIRMED", "sthj") in s.suppressions()
        # the office's own clock runs while it thinks, and the law's
        assert {(d.step, d.kind) for d in s.task("sthj").deadlines} == {
            ("adjudicate", "internal"),
            ("reply", "statutory"),
        }
        s.at("12:01").expect("ADJUDICATE", "duty-officer", at="12:01").nothing_else()
        s.act("confirm", "sthj", role="officer", department="jyj")
        s.expect("FIRST", "jyj")
        s.act("sign", "jyj")


def test_a_persons_reassignment_holds_against_the_routing_list() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2).at("10:01").expect("FIRST", "scjg")
        s.act("reassign", "scjg", role="officer", department="sthj", reason="属排污问题")
        s.expect("NEW_DEPT", "sthj")
        s.act("sign", "sthj")
        s.event("e1", level=2)
        assert {t.department for t in s.tasks.values()} == {"sthj"}
        s.unexpected.clear()


def test_a_rise_after_closing_is_a_flare_up_with_a_new_task() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2).at("10:01").expect("FIRST", "scjg")
        first = s.task("scjg")
        s.act("close", "scjg", role="officer", reason="已当场解决")
        s.close_event("e1").expect("RESOLVED", "scjg")
        s.events["e1"] = replace(s.events["e1"], status="open")
        s.at("14:00").nothing_else()
        s.event("e1", level=3)
        s.expect("REFLARE", "scjg").expect("COPY", "wxb")
        again = s.task("scjg")
        assert (again.previous, again.alert != first.alert) == (first.id, True)
        assert s.alerts[again.alert].previous == first.alert


def test_what_is_done_stays_done_while_the_level_does_not_rise() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=3).expect("FIRST", "scjg").expect("COPY", "wxb")
        s.act("close", "scjg", role="officer", reason="已当场解决")
        s.event("e1", level=3).event("e1", level=2)
        assert [t.state for t in s.tasks.values()] == ["closed"]
        s.at("16:00")
        assert "REPEAT_UNSIGNED" not in {m.reason for m in s.sent}
        s.unexpected.clear()


def test_figures_in_the_reasons_are_no_new_content() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2, topic=None, departments=(DepartmentGuess(id="jyj", probability=0.91, reason="x"),))
        s.at("10:01").expect("FIRST", "jyj")
        s.act("sign", "jyj")
        s.facts["e1"] = replace(s.facts["e1"], departments=(DepartmentGuess(id="jyj", probability=0.94, reason="y"),))
        s.event("e1", level=2)
        s.at("11:00").nothing_else()


def test_outage_of_an_hour_does_not_end_in_a_volley() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=3).expect("FIRST", "scjg").expect("COPY", "wxb")
        s.jump(timedelta(hours=3))
        # one repeat (the latest), the two escalation steps; not six repeats
        s.expect("REPEAT_UNSIGNED", "scjg").expect("UNSIGNED", "department-head").expect("UNSIGNED", "deputy-mayor")


def test_a_clock_that_jumps_back_sends_nothing_twice() -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=3).expect("FIRST", "scjg").expect("COPY", "wxb")
        s.at("10:30").expect("REPEAT_UNSIGNED", "scjg")
        s.jump(-timedelta(hours=2))
        s.jump(timedelta(hours=2))


def test_provider_outage_uses_the_next_channel_and_loses_nothing() -> None:
    busy = DeliveryError("忙", permanent=False, code="500")
    with Scenario("2025-09-25 10:00") as s:
        s.send = lambda row: busy if row.channel == "mail" else SendResult()
        s.event("e1", level=3)
        s.nothing_else()
        s.at("10:05").expect("FIRST", "scjg", channel="hook")
        s.send = lambda row: SendResult()
        s.at("10:20").expect("FIRST", "scjg", channel="mail").expect("COPY", "wxb")
        assert {r.status for r in s.outbox.values()} == {"ok"}
        s.act("sign", "scjg")


def test_a_breach_that_could_not_be_sent_survives_signature_and_rise() -> None:
    busy = DeliveryError("忙", permanent=False, code="500")
    with Scenario("2025-09-25 10:00") as s:
        s.send = lambda row: busy
        s.event("e1", level=3, first_at=moment("2025-09-22 10:00"))
        s.at("10:20")
        s.act("sign", "scjg")
        s.event("e1", level=4)
        s.send = lambda row: SendResult()
        s.at("10:40")
        reasons = [m.reason for m in s.sent]
        assert reasons.count("BREACH") == 3  # department by mail and hook, duty officer
        assert "FIRST" not in reasons
        assert "LEVEL_UP" in reasons
        s.unexpected.clear()


def test_silence_holds_low_levels_and_never_urgent_ones() -> None:
    now = moment("2025-09-25 10:00")
    quiet = Silence(
        id="s1",
        author="wang",
        approver="li",
        reason="已知情况",
        start=now,
        end=now + timedelta(hours=5),
        topics=("food-drug",),
        level_to=2,
    )
    assert silence_problems(quiet, OFFICE) == []
    with Scenario("2025-09-25 10:00") as s:
        s.silences.append(quiet)
        s.event("e1", level=2)
        s.at("12:30").nothing_else()  # the repeat after two hours is silenced too, and both are on record
        assert s.suppressions() == [("SILENCED:s1", "scjg")] * 2
        # a rise is said whatever was silenced, and the stricter level's steps are due at once
        s.event("e1", level=3).expect("LEVEL_UP", "scjg").expect("COPY", "wxb")
        s.expect("UNSIGNED", "department-head").expect("UNSIGNED", "deputy-mayor")
        s.act("sign", "scjg")


def test_after_a_silence_the_unsigned_are_reminded() -> None:
    now = moment("2025-09-25 10:00")
    with Scenario("2025-09-25 10:00") as s:
        s.silences.append(
            Silence(
                id="s",
                author="w",
                approver="l",
                reason="x",
                start=now,
                end=now + timedelta(hours=3),
                event="e1",
                level_to=2,
            )
        )
        s.event("e1", level=2)
        s.at("13:59").nothing_else()
        s.at("14:00").expect("REPEAT_UNSIGNED", "scjg").expect("UNSIGNED", "department-head").nothing_else()
        s.act("sign", "scjg")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"approver": "wang"}, "批准人"),
        ({"reason": " "}, "理由"),
        ({"end": moment("2025-09-27 10:00")}, "24 小时"),
        ({"end": moment("2025-09-25 10:00")}, "24 小时"),
        ({"level_to": 4}, "不能静默"),
        ({"level_to": 3}, "不能静默"),
        ({"topics": ()}, "指明"),
    ],
)
def test_bad_silences(change: dict[str, object], words: str) -> None:
    now = moment("2025-09-25 10:00")
    good = Silence(
        id="s", author="wang", approver="li", reason="x", start=now, end=now + timedelta(hours=1), topics=("tax",)
    )
    assert any(words in p for p in silence_problems(replace(good, **change), OFFICE))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("umbrella", "sent"),
    [
        (Umbrella(event="big", department="scjg", level=3, open=True, signed=True), False),
        (Umbrella(event="big", department="scjg", level=2, open=True, signed=True), False),
        (Umbrella(event="big", department="scjg", level=1, open=True, signed=True), True),
        (Umbrella(event="big", department="scjg", level=3, open=False, signed=True), True),
        (Umbrella(event="big", department="scjg", level=3, open=True, signed=False), True),
        (Umbrella(event="big", department="sthj", level=3, open=True, signed=True), True),
    ],
)
def test_inhibition(umbrella: Umbrella, sent: bool) -> None:
    with Scenario("2025-09-25 10:00") as s:
        s.umbrellas.append(umbrella)
        s.event("e1", level=2).at("10:02")
        if sent:
            s.expect("FIRST", "scjg")
        else:
            assert s.suppressions() == [("INHIBITED:big", "scjg")]


def test_no_department_is_flooded_except_by_what_is_urgent() -> None:
    office = replace(OFFICE, messages_per_hour=5)
    with Scenario("2025-09-25 10:00", office) as s:
        for n in range(40):
            s.event(f"e{n}", level=2)
        s.at("10:30")
        assert len([m for m in s.sent if m.recipient == "scjg"]) == 4, "the fifth place is the digest's"
        assert s.suppressions().count(("THROTTLED", "scjg")) == 36
        s.event("urgent", level=4)
        assert [m.reason for m in s.sent if m.recipient == "scjg"][4:] == ["FIRST", "FIRST"]
        s.at("11:00")
        assert [m.reason for m in s.sent].count("DIGEST") == 1
        s.unexpected.clear()


@settings(max_examples=20, deadline=None)
@given(st.permutations([("e1", 4), ("e2", 2), ("e3", 1), ("e4", 3)]), st.lists(st.integers(0, 3), max_size=6))
def test_order_and_repeats_of_the_input_do_not_matter(order: list[tuple[str, int]], again: list[int]) -> None:
    def keys(work: list[tuple[str, int]]) -> set[str]:
        s = Scenario("2025-09-25 10:00", step=timedelta(minutes=10))
        for name, level in work:
            s.event(name, level=level)
        s.at("12:30")
        return {m.reason + m.recipient + m.channel + str(m.task) + str(m.at) for m in s.sent}

    repeated = [*order, *(order[n] for n in again)]
    assert keys(repeated) == keys([("e1", 4), ("e2", 2), ("e3", 1), ("e4", 3)])


def test_a_replayed_batch_gives_the_same_rows() -> None:
    now = moment("2025-09-25 10:00")
    event = Event(id="e", title="x", first_at=now, last_at=now, detected_at=now, level=3)
    routing = route(Facts(level=3, topic="food-drug", area="wuai-road"), OFFICE)
    first = plan(event, None, routing, (), (), OFFICE, now)
    assert plan(event, None, routing, (), (), OFFICE, now) == first
    assert len({d.idem_key for d in first.deliveries}) == len(first.deliveries)
    # heat that only grew is no new content
    hotter = replace(event, documents=500, negative=400, score=79.0, last_at=now + timedelta(hours=1))
    second = plan(hotter, None, routing, first.alerts, first.tasks, OFFICE, now + timedelta(hours=1))
    assert {d.reason for d in second.deliveries} == {"NO_CHANGE"}
    assert (second.tasks, second.alerts) == ((), ())


@pytest.mark.parametrize(
    ("opened", "closed", "reason", "sent_at"),
    [
        ("2025-09-24 23:00", "2025-09-25 03:00", "CALMED", "2025-09-25 07:00"),
        ("2025-09-30 22:30", "2025-10-03 15:00", "CALMED", "2025-10-09 07:00"),  # a holiday is one quiet time
        ("2025-09-24 21:00", "2025-09-25 03:00", "RESOLVED", "2025-09-25 07:00"),  # told before the night began
        ("2025-09-25 10:00", "2025-09-25 10:05", "RESOLVED", "2025-09-25 10:05"),  # by day nothing is calmed
    ],
)
def test_what_ends_in_the_night_it_began_is_calmed(opened: str, closed: str, reason: str, sent_at: str) -> None:
    with Scenario(opened, step=timedelta(minutes=5)) as s:
        s.event("e1", level=1, topic="education")
        s.at(closed[5:] if closed[:10] != opened[:10] else closed[11:])
        s.tasks = {k: replace(t, state="closed", closed_at=s.now) for k, t in s.tasks.items()}
        s.close_event("e1")
        s.unexpected.clear()
        (row,) = (r for r in s.outbox.values() if r.reason in ("CALMED", "RESOLVED"))
        assert (row.reason, row.not_before) == (reason, moment(sent_at))


def test_the_office_that_closes_a_task_at_night_spares_the_unit_all_but_one_line() -> None:
    with Scenario("2025-09-24 23:00", step=timedelta(minutes=5)) as s:
        s.event("e1", level=1, topic="education").at("09-25 02:00")
        s.act("close", "jyj", role="officer", reason="系误传")
        s.at("06:55").nothing_else()
        s.at("07:00").expect("CALMED", "jyj")


def test_clocks_that_move_under_one_level_are_no_change_of_level_in_the_record() -> None:
    now = moment("2025-09-25 10:00")
    event = Event(id="e", title="x", first_at=now, last_at=now, detected_at=now, level=3)
    facts = Facts(level=3, topic="food-drug", area="wuai-road")
    first = plan(event, None, route(facts, OFFICE), (), (), OFFICE, now)
    graver = replace(event, incident_grade="重大")  # other statutory clocks, the same level
    routing = route(replace(facts, incident_grade="重大"), OFFICE)
    second = plan(graver, None, routing, first.alerts, first.tasks, OFFICE, now + timedelta(hours=1))
    assert second.tasks
    assert {row.action for row in second.audit} >= {"task.clock"}
    assert not [row for row in second.audit if row.action == "task.level"]
    higher = plan(replace(event, level=4), None, route(facts, OFFICE), first.alerts, first.tasks, OFFICE, now)
    assert {row.after for row in higher.audit if row.action == "task.level"} == {"3→4"}
