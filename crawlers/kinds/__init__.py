"""The kinds of sources: one file and one line each."""

from crawlers.kinds import api, board, feed, file, forum, hotlist, listing, sitemap, weibo
from crawlers.kinds.shapes import Kind, ListResult, Page, TokenExpired, UnreadableSource

KINDS: dict[str, Kind] = {
    "feed": feed.KIND,
    "list": listing.KIND,
    "sitemap": sitemap.KIND,
    "forum": forum.KIND,
    "board": board.KIND,
    "api": api.KIND,
    "weibo": weibo.KIND,
    "hotlist": hotlist.KIND,
    "file": file.KIND,
}

__all__ = ["KINDS", "Kind", "ListResult", "Page", "TokenExpired", "UnreadableSource"]
