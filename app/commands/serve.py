"""`serve`: pages and API."""

import contextlib
import logging
import secrets
import threading
from functools import partial
from pathlib import Path

import typer
import uvicorn

from app import clock
from app.console import ConfigOption, DataOption, HostOption, PortOption, read_config
from app.folder import AUTHOR, derived, secret
from app.press import run_press
from app.signals import die_with_parent
from app.stores import stores
from app.trials import channel_test, source_preview, topic_test
from dashboards.reports.press import Press
from dashboards.site import Site
from dashboards.web.app import create_app
from storage.ports import DocumentQuery, DocumentStore, StoreError


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """页面和接口。"""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    loaded = read_config(config)
    folder, documents, ledger = stores(loaded, data)
    key = secret(folder)
    wake = threading.Event()
    site = Site(
        office=lambda: loaded.office,
        documents=documents,
        ledger=ledger,
        clock=clock.now,
        secret=derived(key, "session"),
        author_key=derived(key, AUTHOR),
        boot=secrets.token_hex(4),
        data=folder.path,
        wake=wake.set,
        assess_topics=topic_test(lambda: loaded.office),
        test_channel=channel_test(lambda: loaded.office),
        preview_source=source_preview(loaded.directory),
    )
    threading.Thread(target=warm, args=(documents,), daemon=True).start()
    server = uvicorn.Server(
        uvicorn.Config(create_app(site), host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)
    )
    end = partial(setattr, server, "should_exit", True)
    die_with_parent(end)
    press = Press(office=site.office, documents=documents, ledger=ledger, data=folder.path, clock=clock.now)
    stop = threading.Event()
    pressing = threading.Thread(target=run_press, args=(press, stop, wake, end), name="press")
    pressing.start()
    server.run()
    stop.set()
    wake.set()
    pressing.join()
    documents.close()
    ledger.close()


def warm(documents: DocumentStore) -> None:
    """Ask once what makes the store read its columns, so that the first person to search need not wait for it."""
    with contextlib.suppress(StoreError):
        documents.facets(DocumentQuery(filters={"kind": ["news"], "sentiment": ["negative"]}), "kind")
