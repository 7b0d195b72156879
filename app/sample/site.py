"""The web site of the sample town: pages as real sites print them, over the items that have appeared by now."""

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.clock import now
from app.sample.timeline import Item, timeline

ZONE = ZoneInfo("Asia/Shanghai")
PAGE_SIZE = 20
HOT_SIZE = 15
#: channel → (name of the site, address of its list, template of the list, template of one item)
SECTIONS = {
    "news": ("示例日报", "/news/", "news_list.html", "news.html"),
    "feed": ("示例融媒快讯", "/feed.xml", "", "feed.html"),
    "notice": ("示例市政府公告", "/notice/", "notice_list.html", "notice.html"),
    "forum": ("示例论坛·民生杂谈", "/forum/", "forum_list.html", "thread.html"),
    "board": ("示例市网络问政留言板", "/board/", "board_list.html", "message.html"),
    "hot": ("示例热榜", "/api/s?id=sample", "", "hot.html"),
}
_CSV_HEAD = ("工单编号", "来电时间", "标题", "诉求内容", "属地", "办理状态")


class Town:
    """The items, and which of them can be seen at this moment."""

    def __init__(self, start: datetime, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._items = timeline(start)
        self._under: dict[str, list[Item]] = {}
        for item in self._items:
            if item.parent is not None:
                self._under.setdefault(item.parent, []).append(item)

    def now(self) -> datetime:
        return self._clock().astimezone(ZONE)

    def seen(self, *channels: str) -> list[Item]:
        """What has appeared in these channels, newest first."""
        until = self.now()
        return [item for item in reversed(self._items) if item.channel in channels and item.at <= until]

    def one(self, channel: str, number: int) -> Item:
        """The item behind an address; 404 before it has appeared."""
        for item in self.seen(channel):
            if item.number == number:
                return item
        raise HTTPException(404, "示例站：没有这一页")

    def under(self, parent: Item) -> list[Item]:
        """Floors of a thread or answers to a message, oldest first."""
        until = self.now()
        return [item for item in self._under.get(parent.id, []) if item.at <= until]


def create_sample(start: datetime, clock: Callable[[], datetime] = now) -> Starlette:
    """The site for a start (with zone): history lies in the fourteen days before it, new items follow after it."""
    town = Town(start, clock)
    pages = _environment()
    routes = [
        Route("/", _static(pages, "index.html", sections=SECTIONS)),
        Route("/robots.txt", lambda request: PlainTextResponse("# 示例站\nUser-agent: *\nAllow: /\n")),
        Route("/feed.xml", _feed(town, pages)),
        Route("/hotline.csv", _hotline(town)),
        Route("/api/statuses.json", _statuses(town)),
        Route("/api/s", _hot(town)),
        Route("/status/{number:int}", _status(town, pages)),
        *(Route(section[1], _list(town, pages, key)) for key, section in SECTIONS.items() if section[2]),
        *(Route(f"/{key}/{{number:int}}.html", _one(town, pages, key)) for key in SECTIONS),
    ]
    return Starlette(routes=routes)


def serve(host: str, port: int, *, start: datetime) -> None:
    """Serve the town until the process is told to stop; SystemExit where the port is taken."""
    uvicorn.run(create_sample(start), host=host, port=port, log_level="warning", access_log=False)


def run(port: int, start: datetime) -> None:
    """Serve the town on loopback; blocks. The target of the supervisor's process."""
    serve("127.0.0.1", port, start=start)


def _environment() -> Environment:
    pages = Environment(loader=PackageLoader("app.sample"), autoescape=True, undefined=StrictUndefined)
    pages.filters["minute"] = lambda at: at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
    pages.filters["mail_date"] = lambda at: format_datetime(at.astimezone(ZONE))
    pages.filters["paragraphs"] = lambda text: [part for part in text.split("\n") if part.strip()]
    return pages


def _answer(request: Request, body: str, media_type: str = "text/html") -> Response:
    """A response with an ETag, or 304 where the client has it already."""
    raw = body.encode()
    tag = f'"{hashlib.sha256(raw).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return Response(raw, media_type=media_type, headers={"etag": tag})


def _static(pages: Environment, name: str, **values: object) -> Callable[[Request], Response]:
    return lambda request: _answer(request, pages.get_template(name).render(**values))


def _page_of(request: Request, items: Sequence[Item]) -> tuple[Sequence[Item], int, int]:
    """The items of the asked page, its number and how many pages there are."""
    asked = request.query_params.get("page", "1")
    page = int(asked) if asked.isdecimal() and len(asked) < 6 else 1
    pages = max(1, -(-len(items) // PAGE_SIZE))
    if not 1 <= page <= pages:
        raise HTTPException(404, "示例站：没有这一页")
    return items[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], page, pages


def _list(town: Town, pages: Environment, channel: str) -> Callable[[Request], Response]:
    site, address, template, _ = SECTIONS[channel]

    def show(request: Request) -> Response:
        under = {item.id: town.under(item) for item in town.seen(channel)} if channel in ("forum", "board") else {}
        items = sorted(
            town.seen(channel), key=lambda i: max([i.at, *(u.at for u in under.get(i.id, []))]), reverse=True
        )
        rows, page, count = _page_of(request, items)
        return _answer(
            request,
            pages.get_template(template).render(
                site=site, address=address, channel=channel, rows=rows, under=under, page=page, count=count
            ),
        )

    return show


def _one(town: Town, pages: Environment, channel: str) -> Callable[[Request], Response]:
    site, address, _, template = SECTIONS[channel]

    def show(request: Request) -> Response:
        item = town.one(channel, request.path_params["number"])
        related = [other for other in town.seen(channel) if other.at < item.at][:4]
        return _answer(
            request,
            pages.get_template(template).render(
                site=site, address=address, channel=channel, item=item, under=town.under(item), related=related
            ),
        )

    return show


def _feed(town: Town, pages: Environment) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        body = pages.get_template("feed.xml").render(items=town.seen("feed"), base=base)
        return _answer(request, body, "application/rss+xml")

    return show


def _status(town: Town, pages: Environment) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        item = town.one("social", request.path_params["number"])
        return _answer(request, pages.get_template("status.html").render(item=item, site="示例微博客"))

    return show


def _statuses(town: Town) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        asked = request.query_params.get("cursor", "0")
        first = int(asked) if asked.isdecimal() and len(asked) < 8 else 0
        items = town.seen("social")
        behind = first + PAGE_SIZE
        base = str(request.base_url).rstrip("/")
        return JSONResponse(
            {
                "site": "示例微博客",
                "statuses": [_status_row(item, base) for item in items[first:behind]],
                "next_cursor": str(behind) if behind < len(items) else None,
            }
        )

    return show


def _status_row(item: Item, base: str) -> dict[str, object]:
    return {
        "id": f"sample-{item.number}",
        "url": f"{base}/status/{item.number}",
        "created_at": item.at.astimezone(ZONE).isoformat(timespec="seconds"),
        "text": item.text,
        "user": {"name": f"示例·{item.author}"},
        "attitudes_count": item.likes,
        "comments_count": item.comments,
        "reposts_count": item.reposts,
        "reads_count": item.reads,
    }


def _hot(town: Town) -> Callable[[Request], Response]:
    """The newest reading of each hot title, best first, in the shape of newsnow; titles only, no times."""

    def show(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        ranked = sorted(town.seen("hot")[:HOT_SIZE], key=lambda item: -item.reads)
        return JSONResponse(
            {
                "status": "success",
                "id": "sample",
                "name": "示例热榜",
                "updatedTime": int(town.now().timestamp() * 1000),
                "items": [
                    {
                        "id": f"sample-hot-{item.number}",
                        "title": item.title,
                        "url": f"{base}/hot/{item.number}.html",
                        "extra": {"info": f"{item.reads} 热度"},
                    }
                    for item in ranked
                ],
            }
        )

    return show


def _hotline(town: Town) -> Callable[[Request], Response]:
    def show(request: Request) -> Response:
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(_CSV_HEAD)
        for item in reversed(town.seen("hotline")):
            at = item.at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
            table.writerow((f"示例{item.number}", at, item.title, item.text, item.area, item.status))
        return _answer(request, out.getvalue(), "text/csv")

    return show
