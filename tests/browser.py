"""A real Chromium for tests: `page` opens in an office screen, `phone` in a telephone.

Without a browser the tests are skipped with one line; under CI=true that is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from board_example import PASSWORD
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
OFFICE = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


def chromium() -> str:
    """Path of the browser; skips the test where there is none, fails it under CI."""
    path = CHROMIUM if os.path.exists(CHROMIUM) else shutil.which("chromium")  # noqa: PTH110 - a fixed system path
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium on this machine: install the Debian package chromium")
        pytest.skip("no chromium on this machine")
    return path


@contextmanager
def browser() -> Iterator[Browser]:
    """One browser for a module's tests."""
    path = chromium()
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=ARGS, timeout=60_000)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def tab(opened: Browser, size: dict[str, int] = OFFICE, **context: object) -> Iterator[Page]:
    """A fresh page without cookies. Anything that the page's policy blocks, and any script error, fails the test."""
    space = opened.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai", **context)  # type: ignore[arg-type]
    page = space.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on(
        "console",
        lambda line: complaints.append(f"console: {line.text}") if "Content Security Policy" in line.text else None,
    )
    try:
        yield page
    finally:
        space.close()
    assert not complaints, complaints


def log_in(page: Page, base: str, name: str, password: str) -> None:
    """Through the log-in page, as a person does."""
    page.goto(f"{base}/login")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.click("button.main")
    page.wait_for_url(lambda url: "/login" not in url)


def as_user(page: Page, base: str, name: str) -> None:
    """Log in as somebody of the example office, whoever was logged in before."""
    page.context.clear_cookies()
    log_in(page, base, name, PASSWORD)
