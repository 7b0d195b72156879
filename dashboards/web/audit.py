"""审计: who did what, newest first; whether the chain holds, and whether last night's count agreed."""

from starlette.responses import Response

from dashboards.counted import last_chain, last_count
from dashboards.web.visit import Here

SIZE = 100


def index(visit: Here, actor: str = "", object: str = "", before: int = 0) -> Response:
    """The entries, filtered by person or object."""
    with visit.site.ledger.read() as tx:
        rows = tx.audit.find(object_id=object or None, actor=actor or None, before=before or None, size=SIZE)
        counted, chain = last_count(tx), last_chain(tx)
    return visit.page("audit.html", rows=rows, counted=counted, chain=chain, actor=actor, object=object, size=SIZE)


def verify(visit: Here) -> Response:
    """Walk the whole chain; the fragment says whether it holds."""
    with visit.site.ledger.read() as tx:
        broken = tx.audit.verify()
    return visit.page("audit_verified.html", broken=broken)
