"""Reports in a real browser: made by the officer, approved by the reviewer, read by the leader on a telephone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from board_example import NOW, open_site, serve, stored
from browser import PHONE, as_user, browser, tab
from playwright.sync_api import Browser, Page, expect
from test_dashboards_browser import AXE, HOSTILE

from dashboards.reports.press import Press, make_next
from dashboards.site import Site

pytestmark = pytest.mark.browser
REPORT = "/reports/2026-special-1"
#: every page that an administrator can open; those of one thing stand for their kind
PAGES = (
    "/", "/events", "/events/canteen", "/documents?q=食堂", "/document/canteen-0", "/topics", "/topics/food-drug",
    "/tasks", "/tasks/task-canteen", "/sources", "/reports", REPORT, "/password", "/settings",
    "/settings/topics", "/settings/routing", "/settings/channels", "/settings/users", "/audit", "/wall",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as made:
        yield replace(made, data=tmp_path)


@pytest.fixture
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


def make(site: Site) -> None:
    """What `minsheng serve` does beside the pages."""
    assert site.data is not None
    press = Press(
        office=site.office, documents=site.documents, ledger=site.ledger, data=site.data, clock=site.clock,
        forms=("html", "docx"),
    )  # fmt: skip
    made = make_next(press)
    assert made is not None
    assert made.state == "done", made.said


def order(page: Page, base: str, event: str = "canteen", word: str = "专报") -> None:
    page.goto(f"{base}/events/{event}")
    page.get_by_role("button", name=word).click()
    expect(page.locator(".note.ok")).to_contain_text("已提交编制")


def test_officer_reviewer_and_leader(chromium: Browser, base: str, site: Site) -> None:
    with tab(chromium) as page:
        as_user(page, base, "officer")
        order(page, base)
        expect(page.locator("#live")).to_contain_text("排队中")
        make(site)
        page.locator("#live .list a.title").click()  # appears without a reload
        expect(page.frame_locator("iframe.paper").locator("h1")).to_contain_text("舆情专报")
        assert page.get_by_role("button", name="审定通过").count() == 0
        as_user(page, base, "reviewer")
        page.goto(base + REPORT)
        page.get_by_role("button", name="审定通过").click()
        page.get_by_label("周主任").check()
        page.get_by_role("button", name="发送", exact=True).click()
        expect(page.locator(".note.ok")).to_contain_text("已交付发送")
    with tab(chromium, PHONE) as phone:
        as_user(phone, base, "leader")
        phone.goto(f"{base}/reports")
        phone.locator("#live .list a.title").click()
        paper = phone.frame_locator("iframe.paper")
        expect(paper.locator("h1")).to_contain_text("舆情专报")
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        with phone.expect_download() as started:
            phone.get_by_role("link", name="Word 文档").click()
        assert started.value.suggested_filename.endswith(".docx")


def test_every_number_of_the_preview_opens_what_is_behind_it(chromium: Browser, base: str, site: Site) -> None:
    here = replace(site.office(), base_url=base)
    object.__setattr__(site, "office", lambda: here)
    with tab(chromium) as page:
        as_user(page, base, "officer")
        order(page, base)
        make(site)
        page.goto(base + REPORT)
        link = page.frame_locator("iframe.paper").locator(".proof a[target=_blank]").first
        with page.context.expect_page() as opened:
            link.click()
        expect(opened.value.locator("main")).to_contain_text("食堂")


def test_hostile_titles_stay_texts_in_reports(chromium: Browser, base: str, site: Site) -> None:
    attack = " ".join(HOSTILE)
    row = stored('bad/1"<b>', attack * 2 + "什么时候公布？", NOW, title=attack, event="canteen", author=attack)
    site.documents.put([row])
    with site.ledger.begin() as tx:
        event = tx.events.get(["canteen"])["canteen"]
        tx.events.save([replace(event, title=attack)])
    with tab(chromium) as page:
        as_user(page, base, "admin")
        for word in ("专报", "风险评估", "处置台账"):
            order(page, base, word=word)
            make(site)
        names = ("special", "risk", "ledger")
        paths = [f"/reports/2026-{name}-1" for name in names]
        paths += [f"{path}/file.html?preview=1" for path in paths]
        for path in ["/reports", "/live/events/canteen/spread", *paths]:
            page.goto(base + path)
            page.wait_for_timeout(100)
            assert page.evaluate("window.hit") is None, path
            assert page.locator("a[href^='javascript:'], iframe:not(.paper), img[src=x], svg[onload]").count() == 0, (
                path
            )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(chromium: Browser, base: str, site: Site, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --ignore-scripts")
    with tab(chromium, bypass_csp=True, color_scheme=scheme) as page:
        as_user(page, base, "admin")
        order(page, base)
        make(site)
        for path in PAGES:
            page.goto(base + path)
            page.wait_for_load_state("networkidle")
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'], iframes: false })")
            serious = [
                (v["id"], v["nodes"][0]["html"]) for v in found["violations"] if v["impact"] in ("serious", "critical")
            ]
            assert not serious, (path, serious)


def test_paper_shows_the_matter_and_not_the_machine(chromium: Browser, base: str) -> None:
    with tab(chromium) as page:
        as_user(page, base, "officer")
        page.emulate_media(media="print")
        for path in ("/", "/events/canteen", "/events", "/topics/food-drug", "/reports"):
            page.goto(base + path)
            assert not any(part.is_visible() for part in page.locator(".top, .side, button, .noprint").all()), path
            assert page.locator("main").inner_text().strip()


def test_a_restart_is_noticed_and_said(chromium: Browser, site: Site) -> None:
    with tab(chromium) as page, tab(chromium) as second:
        with serve(site) as base:
            port = int(base.rsplit(":", 1)[1])
            as_user(page, base, "officer")
            as_user(second, base, "officer")
            second.goto(f"{base}/events/canteen")
        with serve(replace(site, boot="second"), port):
            for one in (page, second):
                one.evaluate("look()")
                expect(one.locator("#link")).to_contain_text("系统已重新启动")
                one.get_by_role("link", name="刷新页面").click()
                expect(one.locator("#link")).to_be_hidden()


def test_one_click_corrects_and_one_takes_it_back(chromium: Browser, base: str, site: Site) -> None:
    with tab(chromium) as page:
        as_user(page, base, "officer")
        page.goto(f"{base}/document/canteen-0")
        page.locator("form[action$='/correct'] button").first.click()
        expect(page.locator(".note.ok")).to_contain_text("更正已保存")
        page.locator("form[action$='/undo'] button").first.click()
        expect(page.locator(".note.ok")).to_contain_text("更正已撤销")
    with site.ledger.read() as tx:
        assert [c.undone_at is not None for c in tx.notes.corrections(live_only=False)] == [True]
