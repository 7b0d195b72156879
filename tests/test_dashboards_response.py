"""The pages of the response half: ledger, figures, register of replies, help, duty, messages, silences, policies."""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import openpyxl
import pytest
from board_example import Clock, make_site, serve, stored
from docx import Document as WordDocument
from test_dashboards_access import log_in, token_of

from alerts.calendar import local
from alerts.catalogue import BY_HAND
from alerts.notices import suppressed
from app.facts import decided
from dashboards.duty import shifts
from dashboards.policies import policies, policy_of, read
from dashboards.silences import end_with_events, load_silences
from dashboards.site import Site
from dashboards.visibility import reach
from storage.types import Reply, StoredDocument


@dataclass
class Office:
    """People with open sessions on one board."""

    site: Site
    clock: Clock
    people: dict[str, httpx.Client]

    def get(self, name: str, path: str, status: int = 200) -> str:
        answer = self.people[name].get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-300:])
        return answer.text

    def post(self, name: str, path: str, status: int = 303, **fields: str) -> str:
        """A POST with a fresh token; gives where it leads, or the page."""
        client = self.people[name]
        data = {"csrf": token_of(client.get("/password"))}
        base = re.match(r"/(tasks|policies|events)/[^/]+", path)
        if base:
            found = re.search(r'name="(version|seen)" value="(\w+)"', client.get(base[0]).text)
            data |= {found[1]: found[2]} if found else {}
        answer = client.post(path, data=data | fields)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
        return answer.headers.get("location", "").split("?")[0] or answer.text


NAMES = ("admin", "officer", "reviewer", "leader", "lead-scjg", "staff-scjg", "lead-jyj")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = Clock()
    site = make_site(tmp_path, clock)
    with serve(site) as base, ExitStack() as stack:
        yield Office(site, clock, {name: stack.enter_context(log_in(base, name)) for name in NAMES})
    site.documents.close()
    site.ledger.close()


def published(office: Office, text: str = "已封存留样并送检，检测结果将于11月26日前公布。") -> None:
    """The canteen's task goes the whole way to a published reply."""
    task = "/tasks/task-canteen"
    office.post("lead-scjg", f"{task}/sign")
    office.post("lead-scjg", f"{task}/draft", text=text, treatment="解决")
    office.post("lead-scjg", f"{task}/submit")
    office.post("reviewer", f"{task}/approve", check="all")
    office.post("lead-scjg", f"{task}/publish", channel="市政府网站", link="https://gov.invalid/answer")


def test_the_ledger_as_page_and_as_files(office: Office) -> None:
    published(office)
    page = office.get("officer", "/events/canteen/ledger")
    for words in (
        "处置全过程台账",
        "首次公开出现",
        "拟稿",
        "审核通过（审核事项：全部）",
        "市政府网站",
        "审计链核对完好",
    ):
        assert words in page, words
    only = office.get("officer", "/events/canteen/ledger?kind=答复")
    assert "起草答复第 1 稿" in only
    assert "系统首次发现" not in only
    word = office.people["lead-scjg"].get("/events/canteen/ledger.docx")
    assert "docx" in word.headers["content-disposition"]
    cells = [c.text for t in WordDocument(io.BytesIO(word.content)).tables for row in t.rows for c in row.cells]
    assert "审核通过（审核事项：全部）" in cells
    sheet = office.people["officer"].get("/events/canteen/ledger.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(sheet.content))
    assert any("签收" in str(cell.value) for ws in book for row in ws.iter_rows() for cell in row)
    assert "导出台账" in office.get("officer", "/events/canteen/ledger")
    office.get("officer", "/events/canteen/ledger.exe", 404)
    for path in ("/events/canteen/ledger", "/events/canteen/ledger.docx"):
        office.get("lead-jyj", path, 404)


def test_figures_say_of_how_many_they_are(office: Office) -> None:
    published(office)
    page = office.get("officer", "/effect")
    assert "市监局" in page
    assert "教育局" in page
    assert "1/1" in page
    assert "不足 10 起，不排序" in page
    ranked = office.get("officer", "/effect?sort=reply.48")
    assert re.search(r'data-name="名次">—', ranked)
    assert not re.search(r'data-name="名次">\d', ranked)
    own = office.get("lead-jyj", "/effect?sort=sign")
    assert "教育局" in own
    assert "市监局" not in own
    book = openpyxl.load_workbook(io.BytesIO(office.people["officer"].get("/effect.xlsx").content))
    rows = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    head, unit = rows[3], next(row for row in rows if row[0] == "市监局")
    assert unit[head.index("签收及时率：应计数")] == 1
    assert unit[head.index("签收及时率")] == 1
    assert {"5小时发布权威信息", "24小时新闻发布会", "48小时回应", "退件成立率", "一次派准率"} <= set(head)
    for query in ("since=gestern", "since=2026-11-24&until=2026-11-01", "since=2020-01-01"):
        office.get("officer", f"/effect?{query}", 422)
    assert "没有交办" in office.get("officer", "/effect?since=2025-01-01&until=2025-01-31")


def test_the_register_says_whether_a_reply_is_seen(office: Office) -> None:
    published(office)
    page = office.get("officer", "/effect/replies")
    assert "北苑一小学食堂" in page
    assert "主要传播平台无官方回应" in page
    assert "未采集到该链接" in page
    assert "北苑" not in office.get("lead-jyj", "/effect/replies")
    now = office.clock.at
    met = stored("answer", "通报", now, event="canteen", url="https://gov.invalid/answer")
    answer = replace(met.document, kind="reply", source="town-forum")
    office.site.documents.put([replace(met, document=answer)])
    page = office.get("officer", "/effect/replies")
    assert "主要传播平台均有官方回应" in page
    assert "已采集到该链接" in page
    book = openpyxl.load_workbook(io.BytesIO(office.people["officer"].get("/effect/replies.xlsx").content))
    rows = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert "主要传播平台均有官方回应" in rows[4]


def test_a_reply_where_people_talk_counts_by_its_host(office: Office) -> None:
    reply = Reply(id="r", task="t", version=1, text="x", author="a", created_at=office.clock.at)
    here = office.site.office()
    assert reach(office.site.documents, here, "nothing", reply).text == "没有可比对的传播信息"
    away = reach(office.site.documents, here, "canteen", replace(reply, link="http://[broken"))
    assert [place.source for place in away.missing] == ["town-forum"]
    there = reach(office.site.documents, here, "canteen", replace(reply, link="http://127.0.0.1:9/f/99"))
    assert there.missing == ()


def test_help_with_the_answer(office: Office) -> None:
    task = "/tasks/task-canteen"
    office.post("lead-scjg", f"{task}/sign")
    assert "〔做了什么，何时完成〕" in office.get("lead-scjg", f"{task}?frame=解决")
    office.get("lead-scjg", f"{task}?frame=nonsense")
    office.post("lead-scjg", f"{task}/draft", text="我局高度重视此事，将进一步加强管理，加大力度。")
    found = office.get("lead-scjg", f"/live{task}/help")
    for words in ("检测结果什么时候出来", "似未回应", "等表态，没有事实"):
        assert words in found, words
    office.post("lead-scjg", f"{task}/draft", text="已封存留样送检。来电 13812345678 的家长请放心。")
    assert "含有手机号码" in office.get("lead-scjg", f"/live{task}/help")
    refused = office.post("lead-scjg", f"{task}/submit", 422)
    assert "含有手机号码" in refused
    like = stored(
        "old", "关于小学食堂学生呕吐的答复：检测合格，食堂已整改。", office.clock.at, title="小学食堂呕吐答复"
    )
    gov = stored("rule", "学校食堂食品安全检测规定", office.clock.at, title="学校食堂管理规定")
    rows = [(like, "reply"), (gov, "government")]
    office.site.documents.put([replace(r, document=replace(r.document, kind=k)) for r, k in rows])  # type: ignore[arg-type]
    found = office.get("lead-scjg", f"/live{task}/help")
    assert "小学食堂呕吐答复" in found
    assert "学校食堂管理规定" in found
    office.get("lead-jyj", f"/live{task}/help", 404)


def test_a_silence_needs_two_people_and_never_red(office: Office) -> None:
    form = {"event": "school-place", "hours": "4", "level": "2", "reason": "说明会在即"}
    assert "没有编号" in office.post("officer", "/duty/silences", 422, **{**form, "event": "nowhere"})
    assert "请填写静默理由" in office.post("officer", "/duty/silences", 422, **{**form, "reason": ""})
    assert "不能静默" in office.post("officer", "/duty/silences", 422, **{**form, "level": "4"})
    office.post("officer", "/duty/silences", 422, **{**form, "topic": "none"})
    office.post("officer", "/duty/silences", **form)
    page = office.get("leader", "/duty/silences")
    assert "说明会在即" in page
    found = re.search(r"/duty/silences/([^/]+)/approve", page)
    assert found
    name = found[1]
    assert f"{name}/approve" not in office.get("officer", "/duty/silences")
    assert "不能是申请人本人" in office.post("officer", f"/duty/silences/{name}/approve", 422)
    office.post("leader", f"/duty/silences/{name}/approve")
    with office.site.ledger.begin() as tx:
        assert [s.event for s in load_silences(tx, office.clock.at)] == ["school-place"]
        event = tx.events.get(["school-place"])["school-place"]
        tx.events.change(replace(event, status="closed"))
        assert end_with_events(tx, office.clock.at) == 1
        assert load_silences(tx, office.clock.at) == ()
        assert end_with_events(tx, office.clock.at) == 0
    assert "随事件结束" in office.get("admin", "/duty/silences")
    office.get("lead-scjg", "/duty/silences", 403)


def test_an_umbrella_covers_nothing_that_stands_higher(office: Office) -> None:
    assert "等级高于" in office.post("officer", "/duty/umbrellas", 422, event="river", children="canteen")
    office.post("officer", "/duty/umbrellas", event="canteen", children="river\n\nhttp://x/events/lamp")
    page = office.get("leader", "/duty/silences")
    assert "佛堂段河水" in page
    assert "五爱路" in page
    assert "尚无单位签收" in page
    office.post("lead-scjg", "/tasks/task-canteen/sign")
    assert "市监局已签收" in office.get("leader", "/duty/silences")
    office.post("leader", "/duty/umbrellas", event="canteen")
    assert "没有归并" in office.get("leader", "/duty/silences")


def test_who_is_on_duty_and_the_hand_over(office: Office) -> None:
    form = {"post": "duty-officer", "taker": "leader", "until": "2026-11-24T22:00"}
    assert "交班事项" in office.post("officer", "/duty", 422, **form)
    assert "最长 24 小时" in office.post("officer", "/duty", 422, **{**form, "until": "2026-11-26T22:00", "note": "x"})
    assert "接班人应是" in office.post("officer", "/duty", 422, **{**form, "taker": "lead-scjg", "note": "x"})
    assert "没有这位用户" in office.post("officer", "/duty", 422, **{**form, "taker": "ghost", "note": "x"})
    assert "没有这个值班岗位" in office.post("officer", "/duty", 422, **{**form, "post": "ghost", "note": "x"})
    assert "结束时间" in office.post("officer", "/duty", 422, **{**form, "until": ""})
    office.post("officer", "/duty", **{**form, "taker": "officer"})
    office.post("officer", "/duty", **form, note="食堂检测结果今晚八点出")
    page = office.get("leader", "/duty")
    assert "食堂检测结果今晚八点出" in page
    assert "待签收 3 件" in page
    found = re.search(r"/duty/([0-9a-f]+)/take", page)
    assert found
    assert "只有交班时指定" in office.post("officer", f"/duty/{found[1]}/take", 422)
    office.clock.at += timedelta(minutes=5)
    office.post("leader", f"/duty/{found[1]}/take")
    assert "已经接班" in office.post("leader", f"/duty/{found[1]}/take", 422)
    with office.site.ledger.read() as tx:
        roster = shifts(tx, office.site.office())
        assert [s.user for s in sorted(roster, key=lambda s: s.start)] == ["officer", "leader"]
        assert {e.action for e in tx.audit.find(object_id="duty:duty-officer")} == {"duty.give", "duty.take"}
    assert "今晚八点" not in office.get("lead-scjg", "/duty")
    for action, fields in (("sign", {}), ("draft", {"text": "已送检。", "treatment": "解决"}), ("submit", {})):
        office.post("lead-scjg", f"/tasks/task-canteen/{action}", **fields)
    with office.site.ledger.read() as tx:
        told = [r.address.get("person") for r in tx.outbox.find(task="task-canteen") if r.reason == "REVIEW"]
    assert told == ["leader"], "what people do on the pages goes to who took over, as what the sweep finds"


def test_what_was_not_sent_is_shown_with_its_reason(office: Office) -> None:
    now = office.clock.at
    row = suppressed("SILENCED:s-1", None, "task-canteen", "scjg", "x", "静默中：说明会在即（周主任批准）", now)
    with office.site.ledger.begin() as tx:
        tx.outbox.add([row])
    page = office.get("officer", "/duty/messages?view=suppressed&reason=SILENCED")
    assert "说明会在即" in page
    assert "SILENCED" in page
    assert "说明会在即" in office.get("lead-scjg", "/duty/messages")
    assert "说明会在即" not in office.get("lead-jyj", "/duty/messages")
    assert "没有这样的消息" in office.get("officer", "/duty/messages?view=failed")
    office.get("officer", "/duty/messages?view=nonsense", 404)


ANSWERS = {f"q_{code}": "约三千户家庭，先公布划分依据。" for code in (
    "groups", "change", "past", "misread", "edge", "heard", "timing", "capacity",
)}  # fmt: skip


def consulted(office: Office, path: str) -> None:
    """征求意见 of the policy: what is refused, then a running one, then its outcome."""
    today = local(office.clock.at, office.site.office()).date()
    begin, end = (today - timedelta(days=31)).isoformat(), (today - timedelta(days=2)).isoformat()
    link = "https://gov.invalid/draft"
    consult, form = f"{path}/consult", {"begin": begin, "end": end, "link": link}
    assert "尚未登记征求意见" in office.post("lead-jyj", f"{path}/release", 422)
    office.post("lead-scjg", consult, 404, **form)
    office.post("reviewer", consult, 403, **form)
    for wrong, told in (
        ({"begin": "昨天"}, "起止日期"),
        ({"link": "javascript:alert(1)"}, "网址"),
        ({"end": (today - timedelta(days=20)).isoformat()}, "少于 30 日"),
        ({"opinions": "2", "adopted": "3", "uptake": "都采纳"}, "不能多于"),
        ({"opinions": "2"}, "采纳情况"),
        ({"opinions": "²"}, "须为数字"),
    ):
        assert told in office.post("lead-jyj", consult, 422, **{**form, **wrong}), wrong
    running = {**form, "end": (today + timedelta(days=1)).isoformat()}
    assert "待截止后登记" in office.post("lead-jyj", consult, 422, **running, opinions="2", uptake="正在汇总")
    office.post("lead-jyj", consult, **running)
    assert "尚未截止" in office.post("lead-jyj", f"{path}/release", 422)
    office.post("lead-jyj", consult, **form, opinions="12", adopted="3", uptake="划分依据已写入附件；合并学区未采纳。")
    page = office.get("officer", path)
    for words in ("合并学区未采纳", "收到 12 条，采纳 3 条", f'href="{link}"'):
        assert words in page, words


def test_a_policy_from_draft_to_live_plan(office: Office) -> None:
    draft = {"title": "学区动态调整办法", "topic": "education", "rule": "学区 | 入学名额", "release_on": "2026-12-01"}
    assert "请填写政策名称" in office.post("lead-jyj", "/policies", 422, **{**draft, "title": ""})
    assert "识别词不能使用" in office.post("lead-jyj", "/policies", 422, **{**draft, "rule": "("})
    path = office.post("lead-jyj", "/policies", **draft, interpreter="教育局局长")
    office.get("lead-scjg", path, 404)
    assert "题尚未作答" in office.post("lead-jyj", f"{path}/assess", 422, level="3", conclusion="可以出台")
    office.post("lead-jyj", f"{path}/assess", **ANSWERS, level="3", conclusion="完善后出台", detail="先公布依据")
    assert "须同时写明" in office.post("lead-jyj", f"{path}/plan", 422, t1_text="只有措施")
    office.post("lead-jyj", f"{path}/plan", t1_documents="5", t1_share="50", t1_text="公布划分说明", t1_floor="3")
    assert "尚未审签" in office.post("lead-jyj", f"{path}/release", 422)
    office.post("lead-jyj", f"{path}/approve", 403, part="document")
    for part in ("document", "plan", "material"):
        office.post("reviewer", f"{path}/approve", part=part)
    now = re.search(r'name="version" value="(\d+)"', office.get("officer", path))
    assert now
    again = office.post("reviewer", f"{path}/approve", 422, part="document", version=now[1])
    assert "已经审签" in again
    office.post("lead-jyj", f"{path}/nothing", 404)
    consulted(office, path)
    office.post("lead-jyj", f"{path}/release")
    assert "不能再改" in office.post("lead-jyj", f"{path}/consult", 422, exempt="事后补登")
    office.post("lead-jyj", f"{path}/publish", part="document")
    office.post("officer", f"{path}/link", event="school-place")
    page = office.get("lead-jyj", path)
    for words in ("完善后出台：先公布依据", "公布划分说明", "预案条件已触发", "学区调整后新小区"):
        assert words in page, words
    office.post("lead-jyj", f"{path}/withdraw", reason="改为另文")
    with office.site.ledger.read() as tx:
        kept = read(tx, path.rsplit("/", 1)[1])
        assert kept is not None
        assert kept.policy.withdrawn_at is not None
        actions = [e.action for e in tx.audit.find(object_id=f"policy:{kept.policy.id}", size=50)]
        assert actions.count("policy.approve") == 3
        event = tx.events.get(["school-place"])["school-place"]
        assert policy_of(tx, policies(tx), event, ["学区"]) is None


def test_the_second_of_two_editors_of_a_policy_is_told(office: Office) -> None:
    path = office.post("officer", "/policies", title="停车办法", department="jyj", rule="停车收费")
    office.post("officer", f"{path}/plan", t1_documents="5", t1_text="说明收费标准")
    told = office.post("lead-jyj", f"{path}/plan", 409, version="1", t1_documents="9", t1_text="另一稿")
    assert "刚刚被更新" in told


def test_a_corrected_department_offers_to_hand_the_task_on(office: Office) -> None:
    where = office.post("officer", "/document/canteen-0/correct", field="department", value="jyj")
    assert where == "/tasks/task-canteen"
    page = office.get("officer", "/tasks/task-canteen?to=jyj")
    assert re.search(r'value="jyj" selected', page)
    office.post("officer", "/tasks/task-canteen/reassign", department="jyj", reason="食堂由教育局牵头")
    assert (
        office.post("officer", "/document/canteen-1/correct", field="department", value="jyj") == "/document/canteen-1"
    )


def test_a_corrected_department_decides_the_routing_until_it_is_taken_back(office: Office) -> None:
    def read_again() -> list[StoredDocument]:
        return office.site.documents.get(["canteen-0", "canteen-1"])

    before = read_again()[0].assessment.departments
    assert decided(read_again()) == ()
    for unit in ("jyj", "scjg"):  # the second word replaces the first
        office.post("officer", "/document/canteen-0/correct", field="department", value=unit)
        assert decided(read_again()) == (unit,)
    assert [g.reason for g in read_again()[0].assessment.departments].count(BY_HAND) == 1
    with office.site.ledger.read() as tx:
        (live,) = tx.notes.corrections(document="canteen-0")
    office.post("officer", "/document/canteen-0/undo", correction=live.id)
    assert decided(read_again()) == ()
    after = read_again()[0].assessment.departments
    assert [g.id for g in after][:1] == [g.id for g in before][:1], "the machine's word stands again"
