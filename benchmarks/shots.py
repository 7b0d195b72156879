"""The pictures of the README, taken by a real browser from a fresh `minsheng run` on the sample town.

    python benchmarks/shots.py [--out docs] [--minutes 3]          (or: make shots)

Starts the program on a free port with an empty data folder, waits until the sample town has been read, makes one
special brief, and takes each page once. Nothing but loopback is spoken to; everything is stopped at the end.
"""

import argparse
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
OFFICE, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
WALL = {"width": 1920, "height": 1080}
#: the town's red event is there, and everything that was read is understood
DOCUMENTS, EVENTS = 380, 40


@contextmanager
def running(minutes: float) -> Iterator[str]:
    """A fresh office over the sample town; yields its one-time login link."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="minsheng-shots-") as data:
        command = [sys.executable, "-m", "app", "run", "--data", data, "--port", str(port), "--config", "config"]
        program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            yield ready(program, f"http://127.0.0.1:{port}", time.monotonic() + 60 * minutes)
        finally:
            program.terminate()
            program.wait(60)


def ready(program: subprocess.Popen[str], base: str, end: float) -> str:
    """The login link, once the town has been read; SystemExit when that takes too long."""
    assert program.stdout is not None
    link = ""
    for line in program.stdout:
        if found := re.match(r"http\S+/login/\S+", line.strip()):
            link = found[0]
            break
    while time.monotonic() < end:
        seen = httpx.get(f"{base}/healthz", trust_env=False).json()
        print(f"documents {seen['documents']}  events {seen['events']}  waiting {seen['waiting']}", flush=True)
        if seen["documents"] >= DOCUMENTS and seen["events"] >= EVENTS and not seen["waiting"]:
            return link
        time.sleep(5)
    raise SystemExit("the sample town was not read in time; try --minutes 6")


def enter(page: Page, link: str) -> str:
    """Log in by the link and choose a password; returns the address of the board."""
    password = secrets.token_urlsafe(18)
    page.goto(link)
    for name in ("new", "again", "password", "repeat"):
        if page.locator(f"input[name={name}]").count():
            page.fill(f"input[name={name}]", password)
    page.locator("main button").first.click()
    page.wait_for_url(lambda url: "/password" not in url)
    return link.split("/login/")[0]


def take(page: Page, base: str, path: str, target: Path, size: dict[str, int]) -> None:
    """One picture, after charts and late parts have settled."""
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(base + path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)
    page.screenshot(path=str(target))
    print(f"{target.name}  {target.stat().st_size // 1024} kB", flush=True)


def brief(page: Page, base: str, event: str) -> str:
    """Order the special brief of an event as a person does; the path of its page once it is made."""
    page.goto(base + event)
    page.get_by_role("button", name="专报").click()
    made = page.locator(".list a.title").first
    made.wait_for(timeout=180_000)
    return str(made.get_attribute("href"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--minutes", type=float, default=4)
    asked = parser.parse_args()
    with running(asked.minutes) as link, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS, timeout=120_000)
        page = browser.new_context(viewport=OFFICE, locale="zh-CN", timezone_id="Asia/Shanghai").new_page()  # type: ignore[arg-type]
        page.set_default_timeout(60_000)
        base = enter(page, link)
        page.goto(base)
        event = str(page.locator("#live .list a.title").first.get_attribute("href"))
        report = brief(page, base, event)
        for path, name, size in (
            ("/", "board", OFFICE), (event, "event", OFFICE), (report, "report", OFFICE),
            ("/wall", "wall", WALL), (event, "phone", PHONE),
        ):  # fmt: skip
            take(page, base, path, asked.out / f"{name}.png", size)
        browser.close()


if __name__ == "__main__":
    main()
