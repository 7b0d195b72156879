"""`extract`: one page to JSON."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import httpx
import orjson
import typer

from app import clock
from app.console import USAGE, fail
from crawlers.extract import extract

#: an address is fetched up to this size
MAX_PAGE = 8_000_000


def register(app: typer.Typer) -> None:
    app.command("extract")(extract_command)


def extract_command(
    page: Annotated[str, typer.Argument(help="网页文件或网址")],
    url: Annotated[str, typer.Option("--url", help="文件原来的网址")] = "",
) -> None:
    """从一个网页取出标题、正文、时间、来源、作者，输出 JSON。"""
    content_type = ""
    if page.startswith(("http://", "https://")):
        url = url or page
        try:
            response = httpx.get(page, follow_redirects=True, timeout=20)
            response.raise_for_status()
        except httpx.HTTPError as error:
            fail(f"取不到 {page}：{error}")
        body, content_type = response.content[:MAX_PAGE], response.headers.get("content-type", "")
    else:
        try:
            body = Path(page).read_bytes()
        except OSError as error:
            fail(f"读不到文件 {page}：{error.strerror}", USAGE)
    article = extract(body, url=url, content_type=content_type, now=clock.now())
    sys.stdout.write(orjson.dumps(asdict(article), option=orjson.OPT_INDENT_2).decode() + "\n")
