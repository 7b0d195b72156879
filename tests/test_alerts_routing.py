"""Who answers: the list, the catalogue, the rules R1 to R8 with the fact that fired, and the linter."""

from dataclasses import replace

import pytest
from scenario import moment
from small_office import small_office

from alerts.catalogue import choose, town_of
from alerts.explain import explain
from alerts.routing import Facts, lint, route
from storage.types import (
    Department,
    DepartmentGuess,
    DutyRule,
    DutyShift,
    LimitRule,
    Office,
    Place,
    Recipient,
    Route,
    RouteMatch,
)

OFFICE = small_office()
SURE = DepartmentGuess(id="jyj", probability=0.93, reason="用词相近")
UNSURE = DepartmentGuess(id="sthj", probability=0.6, reason="用词相近")


@pytest.mark.parametrize(
    ("facts", "route_id", "rule", "lead", "support", "copies", "confirm"),
    [
        (Facts(level=1, topic="food-drug"), "default", "R2", "scjg", (), (), False),
        (Facts(level=3, topic="food-drug", area="wuai-road"), "food-high", "R2", "scjg", ("beiyuan",), ("wxb",), False),
        (Facts(level=3, topic="food-drug", area="hangzhou"), "food-high", "R2", "scjg", (), ("wxb",), False),
        (Facts(level=2, topic="food-drug"), "default", "R2", "scjg", (), (), False),
        (Facts(level=2, topic="tax"), "tax-vertical", "R3", "swj", ("zfb",), (), False),
        (Facts(level=2, departments=(SURE,)), "default", "R2", "jyj", (), (), False),
        (Facts(level=2, departments=(UNSURE,)), "default", "R2", "sthj", (), (), True),
        (Facts(level=2), "default", "R2", "zfb", (), (), True),
        (Facts(level=2, topic="nonsense", departments=(SURE,)), "default", "R2", "jyj", (), (), False),
        (Facts(level=0), "default", "R2", "zfb", (), (), True),
        (
            Facts(level=2, topic="environment", areas=("beiyuan", "fotang")),
            "default",
            "R4",
            "sthj",
            ("beiyuan", "fotang"),
            (),
            False,
        ),
        (Facts(level=2, topic="environment", areas=("beiyuan", "wuai-road")), "default", "R2", "sthj", (), (), False),
        (Facts(level=2, topic="education", drafting="zfb"), "default", "R7", "zfb", ("jyj",), (), False),
        (Facts(level=2, topic="education", decided=("zfb", "jyj")), "default", "R5", "zfb", ("jyj",), (), False),
        (
            Facts(level=2, departments=(replace(SURE, probability=0.5), replace(UNSURE, probability=0.4))),
            "default",
            "R5",
            "jyj",
            ("sthj",),
            (),
            True,
        ),
        (Facts(level=2, topic="education", flags=("policy.national",)), "default", "R1", "jyj", (), (), False),
        (Facts(level=3, topic="education", flags=("rumour.grave",)), "default", "R8", "wxb", (), ("jyj",), False),
        (Facts(level=3, topic="education", flags=("rumour", "casualty")), "default", "R8", "wxb", (), ("jyj",), False),
        (Facts(level=3, topic="education", flags=("rumour",)), "default", "R2", "jyj", (), (), False),
    ],
)
def test_routing(
    facts: Facts,
    route_id: str,
    rule: str,
    lead: str,
    support: tuple[str, ...],
    copies: tuple[str, ...],
    confirm: bool,
) -> None:
    r = route(facts, OFFICE)
    assert (r.route_id, r.rule, r.lead, r.support, r.copies, r.confirm) == (
        route_id,
        rule,
        lead,
        support,
        copies,
        confirm,
    )
    assert any(reason.code == f"route.{rule}" and reason.text for reason in r.reasons)
    assert r.recipients[0] == lead
    assert len(set(r.recipients)) == len(r.recipients)
    assert ("duty-officer" in r.recipients) is confirm


def test_rules_that_do_not_ask_for_a_reply() -> None:
    assert not route(Facts(level=3, flags=("rumour.grave",)), OFFICE).reply
    assert not route(Facts(level=3, flags=("policy.national",)), OFFICE).reply
    assert route(Facts(level=3), OFFICE).reply


def test_a_route_for_rumours_keeps_its_own_lead_and_the_department_is_told() -> None:
    rumour = Route(id="r", rule="R8", match=RouteMatch(flags=("rumour.grave",)), lead="wxb", support=("zfb",))
    office = replace(OFFICE, routes=(rumour, *OFFICE.routes))
    r = route(Facts(level=3, topic="education", flags=("rumour.grave",)), office)
    assert (r.rule, r.lead, r.support, r.copies, r.reply) == ("R8", "wxb", ("zfb",), ("jyj",), False)


def test_gravest_is_added_and_replaces_nothing() -> None:
    r = route(Facts(level=4, topic="education", incident_grade="特别重大"), OFFICE)
    assert r.rule == "R2"
    assert "mayor" in r.recipients
    assert any(x.code == "route.R6" and "特别重大" in x.text for x in r.reasons)


def test_order_of_the_rules() -> None:
    everything = Facts(
        level=4,
        topic="tax",
        flags=("rumour.grave", "policy.national"),
        areas=("beiyuan", "fotang"),
        drafting="jyj",
        decided=("swj", "jyj"),
    )
    assert route(everything, OFFICE).rule == "R8"
    assert route(replace(everything, flags=("policy.national",)), OFFICE).rule == "R1"
    assert route(replace(everything, flags=()), OFFICE).rule == "R7"
    assert route(replace(everything, flags=(), drafting=None), OFFICE).rule == "R3"
    assert route(replace(everything, flags=(), drafting=None, topic=None, decided=("sthj", "jyj")), OFFICE).rule == "R4"


class TestCatalogue:
    """派单目录 before any model."""

    def test_clause_named_by_the_analysis(self) -> None:
        guess = DepartmentGuess(id="jyj", probability=0.7, reason="派单目录 2.3：学校食堂")
        r = route(Facts(level=1, topic="food-drug", departments=(guess,)), OFFICE)
        assert (r.lead, r.support, r.rule, r.confirm) == ("jyj", ("scjg",), "R5", False)
        assert any("派单目录 2.3" in reason.text for reason in r.reasons)

    def test_clause_matched_by_the_caller(self) -> None:
        duty = DutyRule(when="学校", departments=("jyj",), basis="3.1")
        assert choose(Facts(level=1, topic="food-drug", duty=duty), OFFICE).departments == ("jyj",)

    def test_topic_wins_over_the_model(self) -> None:
        assert choose(Facts(level=1, topic="food-drug", departments=(SURE,)), OFFICE).departments == ("scjg",)

    def test_unknown_departments_of_a_model_are_passed_over(self) -> None:
        ghost = DepartmentGuess(id="ghost", probability=0.99, reason="x")
        assert choose(Facts(level=1, departments=(ghost, SURE)), OFFICE).departments == ("jyj",)

    def test_the_town_in_charge(self) -> None:
        assert town_of("wuai-road", OFFICE) == "beiyuan"
        assert town_of("yiwu", OFFICE) is None
        assert town_of(None, OFFICE) is None

    def test_a_loop_in_the_gazetteer_ends(self) -> None:
        loop = {
            "a": Place(id="a", name="a", type="road", parent="b"),
            "b": Place(id="b", name="b", type="road", parent="a"),
        }
        assert town_of("a", replace(OFFICE, places=loop)) is None


def with_routes(*routes: Route) -> Office:
    return replace(OFFICE, routes=routes)


def test_go_on_collects_copies_and_the_first_other_match_leads() -> None:
    office = with_routes(
        Route(id="copy", match=RouteMatch(level_from="orange"), rule="R5", copies=("wxb",), go_on=True),
        Route(id="town", match=RouteMatch(areas=("beiyuan",)), lead="@place", support=("@catalogue",)),
        Route(id="default", lead="@catalogue"),
    )
    r = route(Facts(level=3, topic="food-drug", area="wuai-road"), office)
    assert (r.path, r.route_id, r.lead, r.support, r.copies) == (
        ("copy", "town"),
        "town",
        "beiyuan",
        ("scjg",),
        ("wxb",),
    )
    assert r.rule == "R2"  # a route that only adds copies names no rule
    low = route(Facts(level=1, topic="food-drug"), office)
    assert (low.path, low.lead, low.copies) == (("default",), "scjg", ())


def test_nothing_is_unrouted() -> None:
    r = route(Facts(level=2, topic="tax"), with_routes())
    assert (r.route_id, r.lead) == ("(default)", "swj")
    place = route(Facts(level=2, topic="tax"), with_routes(Route(id="p", lead="@place")))
    assert place.lead == "swj"
    assert any(x.code == "route.noplace" for x in place.reasons)


def test_the_small_office_is_right() -> None:
    assert lint(OFFICE) == []


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ((Route(id="a", match=RouteMatch(topics=("tax",))),), "缺少默认规则"),
        ((), "缺少默认规则"),
        ((Route(id="a"), Route(id="b", match=RouteMatch(topics=("tax",))), Route(id="c")), "b：永远用不到，前面的“a”"),
        (
            (
                Route(id="a", match=RouteMatch(areas=("beiyuan",), level_from="yellow")),
                Route(id="b", match=RouteMatch(areas=("wuai-road",), level_from="orange", topics=("tax",))),
                Route(id="c"),
            ),
            "b：永远用不到",
        ),
        ((Route(id="a", lead="ghost"),), "单位“ghost”不存在"),
        ((Route(id="a", support=("ghost",)),), "单位“ghost”不存在"),
        ((Route(id="x", match=RouteMatch(topics=("ghost",))), Route(id="a")), "主题“ghost”不存在"),
        ((Route(id="x", match=RouteMatch(areas=("ghost",))), Route(id="a")), "区域“ghost”不存在"),
        ((Route(id="x", match=RouteMatch(level_from="pink")), Route(id="a")), "等级“pink”不存在"),
        ((Route(id="x", match=RouteMatch(level_from="red", level_to="blue")), Route(id="a")), "永远不会匹配"),
        ((Route(id="x", match=RouteMatch(flags=("kind.complaint",))), Route(id="a")), "只属于单条信息"),
        ((Route(id="a", channels=("telex",)),), "渠道“telex”"),
        ((Route(id="a", rule="R9"),), "R1 至 R8"),
        ((Route(id="a", match=RouteMatch(topics=("tax",))), Route(id="a")), "编号重复"),
    ],
)
def test_lint_of_routes(routes: tuple[Route, ...], words: str) -> None:
    assert any(words in line for line in lint(with_routes(*routes)))


@pytest.mark.parametrize(
    "routes",
    [
        (
            Route(id="a", match=RouteMatch(topics=("tax",)), go_on=True),
            Route(id="b", match=RouteMatch(topics=("tax",))),
            Route(id="c"),
        ),
        (
            Route(id="a", match=RouteMatch(level_from="red")),
            Route(id="b", match=RouteMatch(level_from="blue")),
            Route(id="c"),
        ),
        (
            Route(id="a", match=RouteMatch(areas=("wuai-road",))),
            Route(id="b", match=RouteMatch(areas=("beiyuan",))),
            Route(id="c"),
        ),
    ],
)
def test_reachable_routes_are_not_reported(routes: tuple[Route, ...]) -> None:
    assert lint(with_routes(*routes)) == []


def first_level(**change: object) -> Office:
    return replace(OFFICE, levels=(replace(OFFICE.levels[0], **change), *OFFICE.levels[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("office", "words"),
    [
        (first_level(repeat_minutes=25), "整数倍"),
        (first_level(repeat_minutes=0), "整数倍"),
        (first_level(escalation=((5, "ghost"),)), "“ghost”不在"),
        (first_level(threshold=90), "分数线"),
        (first_level(reminders=(120,)), "百分数"),
        (replace(OFFICE, levels=OFFICE.levels[:1]), "2 至 5"),
        (replace(OFFICE, duty_post="ghost"), "duty_post"),
        (replace(OFFICE, limits=(LimitRule(id="x", step="reply", kind="local", basis="b", text="t"),)), "只应填一个"),
        (
            replace(OFFICE, limits=(LimitRule(id="x", step="reply", kind="statutory", basis="", text="t", hours=1),)),
            "文件依据",
        ),
        (replace(OFFICE, channels={"mail": {"kind": "mail"}, "hook": OFFICE.channels["hook"]}), "缺少 host"),
        (replace(OFFICE, recipients={**OFFICE.recipients, "x": Recipient(id="x", name="x")}), "没有通知渠道"),
        (
            replace(OFFICE, departments={**OFFICE.departments, "x": Department(id="x", name="x", superior="ghost")}),
            "上级单位“ghost”",
        ),
        (
            replace(
                OFFICE,
                duty=(
                    DutyShift(post="ghost", user="w", start=moment("2025-01-02 08:00"), end=moment("2025-01-01 08:00")),
                ),
            ),
            "开始时间应早于",
        ),
        (replace(OFFICE, topics={"tax": replace(OFFICE.topics["tax"], departments=("ghost",))}), "单位“ghost”"),
    ],
)
def test_lint_of_the_rest(office: Office, words: str) -> None:
    assert any(words in line for line in lint(office)), lint(office)


def test_explain() -> None:
    answer = explain(
        Facts(level=4, topic="food-drug", area="wuai-road", incident_grade="重大"), OFFICE, moment("2025-10-01 03:00")
    )
    assert answer["rule"] == "R2"
    assert answer["departments"] == [
        {"id": "scjg", "name": "市场监督管理局", "role": "lead"},
        {"id": "beiyuan", "name": "北苑街道办事处", "role": "support"},
    ]
    clocks = answer["deadlines"]
    assert isinstance(clocks, list)
    assert ("statutory", "reply", 5, "国办发〔2016〕80号") in [
        (c["kind"], c["step"], c["hours"], c["document"]) for c in clocks
    ]
    for bad in (Facts(level=1, topic="x"), Facts(level=1, area="x"), Facts(level=9)):
        with pytest.raises(ValueError, match="没有"):
            explain(bad, OFFICE, moment("2025-10-01 03:00"))
