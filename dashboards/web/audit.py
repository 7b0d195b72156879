"""审计: who did what, newest first; and whether the chain holds."""

from starlette.responses import Response

from dashboards.web.visit import Here

SIZE = 100


def index(visit: Here, actor: str = "", object: str = "", before: int = 0) -> Response:
    """The entries, filtered by person or object."""
    with visit.site.ledger.read() as tx:
        rows = tx.audit.find(object_id=object or None, actor=actor or None, before=before or None, size=SIZE)
    return visit.page("audit.html", rows=rows, actor=actor, object=object, size=SIZE)


def verify(visit: Here) -> Response:
    """Walk the whole chain; the fragment says whether it holds."""
    with visit.site.ledger.read() as tx:
        broken = tx.audit.verify()
    return visit.page("audit_verified.html", broken=broken)
