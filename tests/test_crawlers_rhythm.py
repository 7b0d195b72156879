"""When to look again, and when silence is a symptom; what may be reached; what was seen; who may hang."""

import os
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from crawlers.advice import explain
from crawlers.dates import CHINA
from crawlers.guard import PageCutOff, Readers, read_list
from crawlers.kinds import Page, UnreadableSource
from crawlers.kinds.shapes import lease
from crawlers.leave import counted
from crawlers.rhythm import LONGEST, SHORTEST, back_off, next_due, profile, revisit, state
from crawlers.safety import forbidden, refuse
from crawlers.seen import compare
from storage.types import Source, SourceHour

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=CHINA)
SOURCE = Source(id="s", name="示例", type="list", url="http://a.example/", kind="news")


def history(days: int, per_hour: float, until: datetime = NOW, **more: object) -> list[SourceHour]:
    first = until.replace(minute=0) - timedelta(days=days)
    found, owed = [], 0.0
    for i in range(days * 24 + 1):
        at = first + timedelta(hours=i)
        owed += per_hour if 8 <= at.hour < 23 else 0.0
        new, owed = int(owed), owed - int(owed)
        found.append(SourceHour(source="s", hour=at, polled=1, new=new, unchanged=int(new == 0), **more))  # type: ignore[arg-type]
    return found


def test_interval_follows_the_root_of_the_rate() -> None:
    slow = next_due(SOURCE, history(7, 0.25), NOW) - NOW
    fast = next_due(SOURCE, history(7, 4.0), NOW) - NOW
    assert slow / fast == pytest.approx(4.0, rel=0.35)
    assert SHORTEST <= fast < slow <= LONGEST


def test_night_is_slower_than_day() -> None:
    night = NOW.replace(hour=3)
    hours = [h for h in history(7, 2.0) if h.hour <= night]
    assert next_due(SOURCE, hours, night) - night > 1.5 * (next_due(SOURCE, history(7, 2.0), NOW) - NOW)
    assert sum(profile(hours)) == pytest.approx(24)


def test_override_quiet_hours_and_back_off() -> None:
    assert next_due(replace(SOURCE, interval_minutes=0.1), [], NOW) - NOW == timedelta(seconds=6)
    due = next_due(replace(SOURCE, interval_minutes=5, quiet_hours=(10, 12)), [], NOW)
    assert due == NOW.replace(hour=12, minute=0)
    over_night = next_due(replace(SOURCE, interval_minutes=5, quiet_hours=(22, 6)), [], NOW.replace(hour=23))
    assert over_night == NOW.replace(hour=6, minute=0) + timedelta(days=1)
    waits = [back_off(n, seed=1) for n in range(1, 30)]
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=31)
    assert back_off(3, 1) != back_off(3, 2)


def test_articles_are_looked_at_again_ever_more_rarely() -> None:
    assert revisit(None, NOW) is None
    assert revisit(NOW - timedelta(minutes=5), NOW) == NOW + timedelta(hours=1)
    assert revisit(NOW - timedelta(hours=6), NOW) == NOW + timedelta(hours=12)
    assert revisit(NOW - timedelta(days=3), NOW) is None


def test_states_and_their_reasons() -> None:
    assert state(replace(SOURCE, enabled=False), [], NOW).state == "off"
    assert state(SOURCE, [], NOW).state == "new"
    assert state(SOURCE, history(7, 2.0), NOW).state == "ok"
    lively = history(7, 2.0, NOW - timedelta(hours=24))
    polls = [
        SourceHour(source="s", hour=NOW.replace(minute=0) - timedelta(hours=i), polled=1, unchanged=1)
        for i in range(23)
    ]
    silent = state(SOURCE, lively + polls, NOW)
    assert silent.state == "silent"
    assert "静默" in silent.reason
    assert state(SOURCE, lively, NOW).state == "slow"
    for error, expected in (("令牌失效：过期", "expired"), ("被拒绝：HTTP 403", "refused"), ("超时", "failing")):
        sick = [
            *history(2, 1.0, NOW - timedelta(hours=1)),
            SourceHour(source="s", hour=NOW.replace(minute=0), polled=1, errors=1, last_error=error),
        ]
        assert state(SOURCE, sick, NOW).state == expected
    quiet = history(14, 0.02)
    assert state(SOURCE, quiet, NOW).state == "ok"  # one item in two days: a quiet day is its rhythm


def test_a_sick_source_is_explained_with_figures_and_what_to_do() -> None:
    def hour(back: int, **more: object) -> SourceHour:
        return SourceHour(source="s", hour=NOW.replace(minute=0) - timedelta(hours=back), polled=2, **more)  # type: ignore[arg-type]

    good = [hour(n, new=1, unchanged=1, duplicate=1, delay_seconds=600.0) for n in range(1, 10)]
    well, text = explain(SOURCE, [*good, hour(0, unchanged=2)], NOW)
    assert well
    assert text.endswith("近24小时访问20次，未变11、新增9、重复9，从发布到采到平均10分钟")
    sick = {
        "令牌失效：拒绝了令牌": "更新令牌", "被拒绝：HTTP 403": "不要绕过", "超时未返回": "minsheng sources test s",
    }  # fmt: skip
    for error, advice in sick.items():
        well, text = explain(SOURCE, [*good, hour(0, errors=2, last_error=error)], NOW)
        assert not well
        assert advice in text
        assert text.count(error) == 1
    well, text = explain(SOURCE, history(7, 2.0, NOW - timedelta(hours=24)), NOW)
    assert not well
    assert "minsheng crawl 在运行" in text
    assert explain(SOURCE, [], NOW) == (True, "尚未采集")
    why = {"页面没有正文": 2, "超时未返回": 1}
    _, text = explain(SOURCE, [*good, hour(0, unchanged=2, rejected=2, errors=1, reasons=why)], NOW)
    assert text.endswith("未收和失败的原因：页面没有正文2次、超时未返回1次")


def test_reasons_are_counted_without_what_they_speak_of() -> None:
    found = counted([
        "页面没有正文：http://a.example/1", "页面没有正文：http://a.example/2", "第 2 条没有标题", "",
        "热线.csv 第 3 行：时间 为“昨天”，应为日期",
        "热线.csv 第 9 行：时间 为“2026”，应为日期", "页面不存在或已删除（HTTP 404）：http://a.example/3",
    ])  # fmt: skip
    assert found == {
        "页面没有正文": 2, "时间，应为日期": 2, "没有标题": 1, "未说明原因": 1, "页面不存在或已删除（HTTP 404）": 1,
    }  # fmt: skip
    flood = counted(f"奇怪的原因{n}" for n in range(5000))
    assert len(flood) == 21
    assert sum(flood.values()) == 5000


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1", "fd00::1",
     "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "255.255.255.255", "no address"],
)  # fmt: skip
def test_addresses_inside_are_forbidden(address: str) -> None:
    assert forbidden(address)


def test_public_addresses_and_rules_before_the_name_is_resolved() -> None:
    assert not forbidden("203.0.114.1")
    assert not forbidden("2400:3200::1")
    allowed = {"10.0.0.5:80"}
    assert refuse("http://10.0.0.5/x", private=True, allowed=allowed, redirected=False) is None
    assert refuse("http://10.0.0.5/x", private=False, allowed=allowed, redirected=False)
    assert refuse("http://10.0.0.5/x", private=False, allowed=allowed, redirected=True)
    assert refuse("http://10.0.0.6/x", private=True, allowed=allowed, redirected=True)
    assert refuse("http://u:p@a.example/", private=False, allowed=allowed, redirected=False)
    assert refuse("file:///etc/passwd", private=True, allowed=allowed, redirected=False)
    assert refuse("http://a.example/", private=False, allowed=allowed, redirected=False) is None


def test_what_was_seen_is_remembered_in_a_line() -> None:
    first = compare(None, [("a", "1"), ("b", "1")])
    assert first.state == ("new", "new")
    second = compare(first.fingerprint, [("b", "2"), ("c", "1"), ("a", "1")])
    assert second.state == ("updated", "new", "same")
    assert not compare(second.fingerprint, [("c", "1")]).changed
    assert compare("rubbish of an older version", [("a", "1")]).state == ("new",)
    assert len(compare(None, [(str(i), "x") for i in range(2000)]).fingerprint) < 8000


def test_a_hanging_parser_costs_one_page() -> None:
    readers = Readers(seconds=0.5)
    try:
        begin = time.monotonic()
        with pytest.raises(PageCutOff, match="中止"):
            readers.call(time.sleep, 60)
        assert time.monotonic() - begin < 20
        readers.seconds = 30.0
        with pytest.raises(PageCutOff, match="意外结束"):
            readers.call(os._exit, 3)
        page = Page(url="http://a.example/", body=b"<p>x</p>")
        with pytest.raises(UnreadableSource, match="选择器"):
            readers.call(read_list, page, SOURCE, lease(SOURCE, page.url, "list", NOW, {}), NOW)
    finally:
        readers.close()
