"""The office's day in a real browser: see a red event, sign, answer, have it reviewed, publish, close."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from board_example import Clock, open_site, serve, stored
from browser import PHONE, as_user, browser, tab
from playwright.sync_api import Browser, Page, expect

from dashboards.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as made:
        yield made


@pytest.fixture
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


def press(page: Page, action: str, **fields: str) -> None:
    """Open the form of an action where it is folded, fill it in and send it."""
    form = page.locator(f'form[data-action="{action}"]')
    if not form.is_visible():
        form.locator("xpath=ancestor::details/summary").click()
    for name, value in fields.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button").click()
    expect(page.locator(".note.ok")).to_be_visible()


def test_the_day_from_red_event_to_closed_task(chromium: Browser, base: str) -> None:
    with tab(chromium) as page:
        as_user(page, base, "officer")
        red = page.locator("#live .list tr", has_text="红色").first
        red.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("北苑一小学食堂")
        expect(page.locator(".why .sentence")).to_contain_text("86分")
        expect(page.locator(".chart canvas")).to_be_visible()
        as_user(page, base, "lead-scjg")
        page.goto(f"{base}/tasks")
        page.get_by_role("link", name="北苑一小学食堂").click()
        press(page, "sign")
        expect(page.locator(".facts .state")).to_have_text("已签收")
        press(page, "draft", text="已封存当日留样并送检，结果将于两日内公布。")
        press(page, "submit")
        as_user(page, base, "reviewer")
        page.goto(f"{base}/tasks/task-canteen")
        press(page, "approve")
        as_user(page, base, "lead-scjg")
        page.goto(f"{base}/tasks/task-canteen")
        press(page, "publish", channel="市政府网站", link="https://example.invalid/answer")
        press(page, "close")
        expect(page.locator(".facts .state")).to_have_text("已办结")
        page.goto(f"{base}/events/canteen")
        expect(page.locator("#live")).to_contain_text("已回应")
        expect(page.locator("blockquote.reply")).to_contain_text("封存当日留样")


def test_a_lead_signs_on_a_phone(chromium: Browser, base: str) -> None:
    with tab(chromium, PHONE) as page:
        as_user(page, base, "lead-jyj")
        page.get_by_role("link", name="任务", exact=True).click()
        page.get_by_role("link", name="学区调整").click()
        press(page, "sign")
        expect(page.locator(".facts .state")).to_have_text("已签收")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_second_of_two_people_is_told(chromium: Browser, base: str) -> None:
    with tab(chromium) as first, tab(chromium) as second:
        as_user(first, base, "lead-scjg")
        as_user(second, base, "staff-scjg")
        for page in (first, second):
            page.goto(f"{base}/tasks/task-canteen")
        press(first, "sign")
        second.reload()
        first_form = first.locator('form[data-action="draft"]')
        second_form = second.locator('form[data-action="draft"]')
        first_form.locator("textarea").fill("第一人的答复稿。")
        second_form.locator("textarea").fill("第二人的答复稿，不能丢。")
        first_form.locator("button").click()
        expect(first.locator(".note.ok")).to_be_visible()
        second_form.locator("button").click()
        expect(second.get_by_role("alert")).to_contain_text("lead-scjg")
        expect(second.locator('form[data-action="draft"] textarea')).to_have_value("第二人的答复稿，不能丢。")


HOSTILE = (
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "</script></style></textarea></title><svg onload=window.hit=1>",
    "{{ 7*7 }}{% if 1 %}x{% endif %}${7*7}",
    "<a href=javascript:window.hit=1>点我</a>",
    "\u202e\u0000<iframe srcdoc='<script>parent.hit=1</script>'>",
)


def test_hostile_texts_stay_texts(chromium: Browser, base: str, site: Site) -> None:
    now = Clock().at
    for number, attack in enumerate(HOSTILE):
        row = stored(
            f'bad/{number}"<b>',
            attack * 3 + "。",
            now,
            title=attack,
            event="canteen",
            url="javascript:window.hit=1//http://x",
            author=attack,
        )
        site.documents.put([row])
    with tab(chromium) as page:
        as_user(page, base, "admin")
        paths = ["/", "/events/canteen?all=1", "/documents?q=window", "/wall", "/topics/environment"]
        page.goto(f"{base}/documents")
        paths += [
            str(link.get_attribute("href"))
            for link in page.locator(".documents a").all()
            if "bad" in str(link.get_attribute("href"))
        ]
        assert len(paths) >= 5 + len(HOSTILE)
        for path in paths:
            page.goto(base + path)
            page.wait_for_timeout(50)
            assert page.evaluate("window.hit") is None, path
            assert page.locator("iframe, img, a[href^='javascript:']").count() == 0, path


def test_lost_connection_is_said_and_recovers_alone(chromium: Browser, site: Site) -> None:
    with tab(chromium) as page:
        with serve(site) as base:
            port = int(base.rsplit(":", 1)[1])
            as_user(page, base, "officer")
        page.evaluate("look()")
        expect(page.locator("#link")).to_contain_text("中断")
        with serve(site, port):
            expect(page.locator("#link")).to_contain_text("已重新连接")


AXE = Path(__file__).resolve().parent.parent / "node_modules" / "axe-core" / "axe.min.js"
READ = (
    *("/", "/events/canteen", "/documents?q=食堂", "/document/canteen-0", "/tasks/task-canteen", "/sources", "/wall"),
    *("/events/canteen/ledger", "/effect", "/effect/replies", "/duty", "/duty/messages", "/duty/silences", "/policies"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Browser, base: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --ignore-scripts")
    with tab(chromium, bypass_csp=True, color_scheme=scheme) as page:
        as_user(page, base, "officer")
        for path in READ:
            page.goto(base + path)
            page.wait_for_load_state("networkidle")
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] })")
            serious = [
                (v["id"], v["nodes"][0]["html"]) for v in found["violations"] if v["impact"] in ("serious", "critical")
            ]
            assert not serious, (path, serious)
