"""The kinds of sources: one file and one line each."""

from crawlers.kinds import feed, forum, hotlist, listing
from crawlers.kinds.shapes import Kind, ListResult, Page, TokenExpired, UnreadableSource

KINDS: dict[str, Kind] = {
    "feed": feed.KIND,
    "list": listing.KIND,
    "forum": forum.KIND,
    "hotlist": hotlist.KIND,
}

__all__ = ["KINDS", "Kind", "ListResult", "Page", "TokenExpired", "UnreadableSource"]
