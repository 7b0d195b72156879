"""设置: try a channel and look at a source, before anybody relies on them."""

from fastapi import HTTPException
from starlette.responses import Response

from dashboards.web.settings import channels_page
from dashboards.web.visit import Here

#: what a look says where it says nothing
NOTHING: dict[str, object] = {"rows": (), "documents": (), "problems": (), "total": 0, "error": ""}


def test_channel(visit: Here, channel: str) -> Response:
    """POST: one message marked 测试 through this channel, to the duty post; the page says what the provider said."""
    if channel not in visit.office.channels:
        raise HTTPException(404, "没有这个渠道。")
    if visit.site.test_channel is None:
        raise HTTPException(422, "此处不能试发，请在服务器上运行 minsheng channel test。")
    accepted, said = visit.site.test_channel(channel)
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "channel.test", f"channel:{channel}", after="accepted" if accepted else "refused")
    return channels_page(visit, accepted, said)


def sources(visit: Here) -> Response:
    """The configured sources, each to be looked at once."""
    return visit.page("settings_sources.html", look=None, chosen="")


def preview(visit: Here, source_id: str) -> Response:
    """POST: one look at a source, nothing kept."""
    if source_id not in visit.office.sources:
        raise HTTPException(404, "没有这个信源。")
    if visit.site.preview_source is None:
        raise HTTPException(422, "此处不能试取，请在服务器上运行 minsheng sources test。")
    look = NOTHING | dict(visit.site.preview_source(source_id))
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "source.preview", f"source:{source_id}", after=str(look["error"])[:200])
    return visit.page("settings_sources.html", look=look, chosen=source_id)
