"""大屏: one page for the wall, readable from afar, without anything to press; it refreshes itself."""

from datetime import timedelta

from starlette.responses import Response

from dashboards.charts import shares
from dashboards.web.overview import chart, figures
from dashboards.web.visit import Here
from storage.ports import DocumentQuery


def page(visit: Here) -> Response:
    """The page."""
    return visit.page("wall.html", chart=chart(visit), **parts(visit))


def live(visit: Here) -> Response:
    """The part that is asked for again and again."""
    return visit.page("wall_live.html", **parts(visit))


def parts(visit: Here) -> dict[str, object]:
    """The figures of 总览, and places."""
    day = DocumentQuery(since=visit.now - timedelta(hours=24), historic=False)
    return figures(visit) | {"areas": shares(visit.site.documents.facets(day, "area", size=8))}
