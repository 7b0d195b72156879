"""`run`: the main job under one supervisor."""

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import typer

from app import clock
from app.config import Config
from app.console import ConfigOption, DataOption, HostOption, PortOption, err, fail, out, read_config
from app.folder import Folder, open_folder, sample_settings, sole_owner
from app.links import new_link
from app.stores import stores
from app.supervisor import Child, Supervisor
from storage.ports import AlreadyRunning, Ledger, StoreError
from storage.types import AuditEntry, User

#: seconds that `run` waits for the pages to answer before it says that something is wrong
READY_SECONDS = 60.0
FIRST_USER = "admin"


def register(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """启动民声：采集、研判、页面一起运行；按 Ctrl-C 停止，再次运行会接着原来的数据。"""
    url = f"http://{host}:{port}"
    try:
        folder = open_folder(data)
        with sole_owner(folder, {"url": url}):
            _free(host, port)
            _run(folder, host, port, config)
    except AlreadyRunning as error:
        fail(str(error))
    except StoreError as error:
        fail(str(error))


def _free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StoreError(
                f"不能在 {host}:{port} 上监听（{error.strerror}）；请换一个端口，如 make run PORT={port + 1}"
            ) from error


def _run(folder: Folder, host: str, port: int, config: Path | None) -> None:
    url = f"http://{host}:{port}"
    town = sample_settings(folder, clock.now())
    os.environ["MINSHENG_SAMPLE_PORT"] = str(town["port"])
    loaded = read_config(config)
    _, documents, ledger = stores(loaded, folder.path)
    documents.close()
    link = _first_link(ledger, url)
    ledger.close()
    shared = ["--data", str(folder.path), "--config", str(loaded.directory)]
    children = [
        Child(name="serve", arguments=["serve", "--host", host, "--port", str(port), *shared]),
        Child(name="work", arguments=["work", *shared]),
        Child(name="crawl", arguments=["crawl", *shared]),
    ]
    if any(s.sample and s.enabled for s in loaded.office.sources.values()):
        children.insert(0, Child(name="sample", arguments=["sample", "--data", str(folder.path)]))
    keeper = Supervisor(children=children, logs=folder.logs, say=lambda text: err.print(text, markup=False))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.stopping.set())
    keeper.start()
    watcher = threading.Thread(target=_greet, args=(keeper, loaded, url, link), daemon=True)
    watcher.start()
    code = keeper.watch()
    out.print("正在停止……")
    keeper.stop()
    out.print("已停止；数据都在，下次启动接着运行。")
    if code:
        raise typer.Exit(code)


def _first_link(ledger: Ledger, url: str) -> str:
    """A one-time link for the administrator, who is made on the first start and has no password until then."""
    now = clock.now()
    with ledger.begin() as tx:
        if tx.users.get(FIRST_USER) is None:
            tx.users.save(
                User(
                    name=FIRST_USER,
                    display="系统管理员",
                    roles=("admin", "officer", "reviewer"),
                    must_change=True,
                    created_at=now,
                )
            )
            tx.audit.append(AuditEntry(actor="console", action="user.add", object=f"user:{FIRST_USER}", at=now))
    return new_link(ledger, FIRST_USER, url, now, timedelta(hours=24))


def _greet(keeper: Supervisor, loaded: Config, url: str, link: str) -> None:
    """Say where to look as soon as the pages answer."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and not keeper.stopping.is_set():
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                out.print(f"\n[bold]民声已启动[/bold]  {loaded.office.name}")
                out.print(f"看板：{url}/")
                out.print("首次登录请打开下面的链接（只能用一次，24 小时内有效），并设置口令：")
                out.print(link)
                sample_on = any(s.sample and s.enabled for s in loaded.office.sources.values())
                if sample_on:
                    out.print("当前启用了“示例镇”信源，页面上标有“示例”；正式使用前请在 sources.toml 中停用。")
                out.print("按 Ctrl-C 停止。")
                sys.stdout.flush()
                return
        time.sleep(0.3)
    if not keeper.stopping.is_set():
        err.print(f"页面在 {READY_SECONDS:g} 秒内没有启动成功，请查看 {keeper.logs}/serve.log", markup=False)
