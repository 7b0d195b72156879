"""For machines: is the service alive, and how full is it. No text of a citizen, no name, no secret."""

from datetime import datetime

from fastapi import Request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.responses import JSONResponse, Response

from dashboards.site import Site
from dashboards.web.visit import Here
from storage.ports import DocumentQuery, StoreError


def state(site: Site, now: datetime) -> dict[str, object]:
    """What `/healthz` and the API answer; raises StoreError when a store is away."""
    with site.ledger.read() as tx:
        events, tasks = tx.events.counts(), tx.tasks.counts()
        waiting, outbox = tx.intake.waiting(), tx.outbox.waiting()
    latest = site.documents.latest()
    return {
        "status": "ok",
        "version": site.version,
        "boot": site.boot,
        "documents": site.documents.count(DocumentQuery()),
        "events": events.get("open", 0),
        "open_tasks": tasks.get("open", 0),
        "waiting": waiting,
        "outbox": outbox,
        "last_document_age_seconds": round((now - latest).total_seconds(), 1) if latest else None,
    }


def healthz(visit: Here) -> Response:
    """200 with the figures, 503 when a store is away."""
    try:
        return JSONResponse(state(visit.site, visit.now))
    except StoreError as problem:
        return JSONResponse({"status": "down", "version": visit.site.version, "reason": str(problem)}, 503)


def alive(visit: Here) -> Response:
    """What open pages ask every few seconds: did the server restart, am I still logged in."""
    return JSONResponse({"boot": visit.site.boot, "in": visit.somebody is not None})


def metrics(visit: Here, request: Request) -> Response:
    """The Prometheus text format."""
    registry: CollectorRegistry = request.app.state.registry
    gauges: dict[str, Gauge] = request.app.state.gauges
    for name, value in state(visit.site, visit.now).items():
        if name in gauges and isinstance(value, int | float):
            gauges[name].set(value)
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")


def make_gauges(registry: CollectorRegistry) -> dict[str, Gauge]:
    """One gauge for each figure of `state`."""
    about = {
        "documents": "Documents stored",
        "events": "Open events",
        "open_tasks": "Tasks not closed",
        "waiting": "Documents acknowledged and not yet understood",
        "outbox": "Deliveries not yet sent",
        "last_document_age_seconds": "Age of the youngest document",
    }
    return {name: Gauge(f"minsheng_{name}", text, registry=registry) for name, text in about.items()}
