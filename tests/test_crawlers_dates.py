"""Times as pages print them, charsets, addresses."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.charset import decode
from crawlers.dates import CHINA, parse_date, parse_stamp
from crawlers.urls import BadAddress, canonical, host_key, join, site

NOW = datetime(2026, 1, 3, 10, 0, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3分钟前", "2026-01-03 09:57"),
        ("半小时前", "2026-01-03 09:30"),
        ("刚刚", "2026-01-03 10:00"),
        ("昨天 12:30", "2026-01-02 12:30"),
        ("12-30 13:43", "2025-12-30 13:43"),
        ("2025年1月2日 8时05分", "2025-01-02 08:05"),
        ("发布时间：2025/01/02 03:04:05", "2025-01-02 03:04"),
        ("2025-01-02T03:04:05Z", "2025-01-02 11:04"),
        ("13:43", "2026-01-02 13:43"),
        ("02-29", "2024-02-29 00:00"),
        ("2019-12", "2019-12-01 00:00"),
        ("Tue May 31 17:46:55 +0800 2011", "2011-05-31 17:46"),
        ("Wed, 02 Oct 2002 13:00:00 GMT", "2002-10-02 21:00"),
        ("1700000000000", "2023-11-15 06:13"),
        ("12/31/2016", "2016-12-31 00:00"),
    ],
)
def test_printed_times(text: str, expected: str) -> None:
    found = parse_date(text, NOW)
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "text", ["2099-01-01", "2025-02-30", "01/02/2016", "电话 0579-85520000", "", "99:99", "昨天 29:00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_date(text, NOW) is None


@given(st.text(max_size=80))
def test_no_text_breaks_it_or_gives_a_future(text: str) -> None:
    stamp = parse_stamp(text, NOW)
    assert stamp is None or (stamp.at.tzinfo is not None and stamp.at <= NOW + timedelta(days=1))


def test_a_declared_charset_counts_only_where_utf8_fails() -> None:
    head = '<meta charset="gb2312"><p>政务服务中心</p>'
    assert decode(head.encode("utf-8")).charset == "utf-8"
    assert "政务服务中心" in decode(head.encode("gb18030")).text
    big = '<meta charset="big5"><p>資訊</p>'.encode("big5")
    assert decode(big).charset == "big5hkscs"
    assert "政务" in decode("政务公开信息，内容如下：请各单位遵照执行。".encode("gb18030") * 9).text


def test_a_header_counts_only_if_it_decodes() -> None:
    body = "<p>政务服务</p>".encode("gb18030")
    assert decode(body, content_type="text/html; charset=utf-8").charset == "gb18030"
    assert decode(b"abc\xff" * 3000, content_type="text/html; charset=no-such").garbled >= 0


def test_a_character_cut_at_the_end_is_no_reason_to_guess() -> None:
    assert decode(("政" * 100).encode()[:-1]).charset == "utf-8"


def test_addresses() -> None:
    assert (
        canonical("HTTP://News.Example.COM:80/a;jsessionid=1?utm_source=x&id=3#top") == "http://news.example.com/a?id=3"
    )
    assert join("http://a.example/x/", "javascript:void(0)") is None
    assert join("http://a.example/x/", " ../y?from=timeline&id=1 ") == "http://a.example/y?from=timeline&id=1"
    assert site("http://news.example.gov.cn/1") == "example.gov.cn"
    assert host_key("http://127.0.0.1:8000/x") == "127.0.0.1:8000"
    for bad in ("file:///etc/passwd", "http://", "http://[::1", "ftp://a/b"):
        with pytest.raises(BadAddress):
            canonical(bad)
