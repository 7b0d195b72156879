"""`sources`: which there are and how they are, one look at one of them, a new one from its address."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from app import clock
from app.commands.check import emit
from app.config import Config
from app.console import FAILED, USAGE, ConfigOption, DataOption, JsonOption, err, fail, out, progress, read_config
from app.source_file import NotWritten, append, block, free_id
from crawlers.guard import PageCutOff, Readers
from crawlers.job import Fetch
from crawlers.kinds import KINDS, UnreadableSource
from crawlers.once import Look, has_files, look, look_at_files, proposal, with_fetch
from crawlers.outcomes import FetchFailed
from crawlers.rhythm import state
from crawlers.urls import canonical
from storage.types import Document, Source

T = TypeVar("T")
sources_app = typer.Typer(help="信源", no_args_is_help=True)

#: one look may take so long
SECONDS = 60.0
_STATES = {
    "ok": "正常", "slow": "未按时采集", "silent": "静默", "failing": "失败", "refused": "被拒绝", "expired": "令牌失效",
    "off": "停用", "new": "未采集",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    app.add_typer(sources_app, name="sources")


@sources_app.command("list")
def list_sources(data: DataOption = Path("data"), config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """列出信源和状态：正常、静默、失败、被拒绝、令牌失效、停用。"""
    from app.stores import stores  # both databases: the other two commands start without them

    loaded = read_config(config)
    now = clock.now()
    _, documents, ledger = stores(loaded, data)
    documents.close()
    with ledger.read() as tx:
        hours = tx.frontier.hours(None, now - timedelta(days=14))
    ledger.close()
    found = [(s, state(s, [h for h in hours if h.source == s.id], now)) for s in loaded.office.sources.values()]
    if as_json:
        emit([
            {"id": s.id, "name": s.name, "type": s.type, "kind": s.kind, "url": s.url, "enabled": s.enabled,
             "state": health.state, "reason": health.reason}
            for s, health in found
        ])  # fmt: skip
        return
    table = Table("编号", "名称", "方式", "状态", "说明", box=None, pad_edge=False)
    for source, health in found:
        table.add_row(*map(_shown, (source.id, source.name, source.type, _STATES[health.state], health.reason)))
    out.print(table)


@sources_app.command("test")
def try_source(
    source_id: Annotated[str, typer.Argument(metavar="ID", help="sources.toml 中的编号（停用的也可以试）")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """试采一次：取列表第一页和前几篇正文，列出会采到的前十条；不写入任何数据。"""
    loaded = read_config(config)
    source = loaded.office.sources.get(source_id)
    if source is None:
        fail(f"没有信源 {source_id!r}；已有：{'、'.join(loaded.office.sources)}", USAGE)
    if source.type not in KINDS:
        fail(f"信源 {source_id} 的 type 是 {source.type!r}，应为 {'、'.join(KINDS)} 之一", USAGE)
    now = clock.now()
    readers = Readers()
    try:
        if has_files(source):
            found = look_at_files(source, readers, now)
        else:
            found = _fetched(lambda fetch: look(source, fetch, readers, now), source, loaded, quiet=as_json)
    except (FetchFailed, UnreadableSource, PageCutOff, ValueError) as error:
        _gone_wrong(source.name, error, as_json=as_json)
    finally:
        readers.close()
    if as_json:
        emit(_look_json(source, found))
    else:
        _print_look(source, found)
    if not found.rows:
        raise typer.Exit(FAILED)


def _fetched(work: Callable[[Fetch], Awaitable[T]], source: Source, loaded: Config, *, quiet: bool) -> T:
    with progress("访问", quiet=quiet):
        agent = f"MinshengBot/0.1 (+{loaded.office.base_url}/about)"
        return with_fetch(work, source, clock=clock.now, agent=agent, seconds=SECONDS)


def _gone_wrong(name: str, error: Exception, *, as_json: bool) -> NoReturn:
    if as_json:
        emit({"ok": False, "error": str(error)})
        raise typer.Exit(FAILED) from None
    fail(f"{_clean(name)}：{_clean(str(error))}")


def _look_json(source: Source, found: Look) -> dict[str, object]:
    return {
        "ok": bool(found.rows),
        "source": source.id,
        "total": found.total,
        "rows": _rows_json(found.rows),
        "documents": [
            {"title": d.title, "url": d.url, "origin": d.origin, "length": len(d.text),
             "published_at": d.published_at.isoformat() if d.published_at else None}
            for d in found.documents
        ],
        "problems": list(found.problems),
    }  # fmt: skip


def _rows_json(rows: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"title": title, "url": url, "date": date} for title, url, date in rows]


def _print_look(source: Source, found: Look) -> None:
    out.print(f"{_clean(source.name)}：列表共 {found.total} 条，前 {len(found.rows)} 条：", markup=False)
    out.print(_rows_table(found.rows))
    if found.documents:
        out.print("打开看过的正文：")
        out.print(_documents_table(found.documents))
    for problem in found.problems[:10]:
        err.print(f"  · {_clean(problem)}", markup=False)
    if not found.rows:
        err.print("没有可采集的条目，请核对网址、type 和 selectors。")
    elif not source.enabled:
        out.print("没有写入任何数据。内容无误后，把 sources.toml 中这一条改为 enabled = true。")
    else:
        out.print("没有写入任何数据。")


def _rows_table(rows: Sequence[tuple[str, str, str]]) -> Table:
    table = Table("标题", "日期", "地址", box=None, pad_edge=False)
    for title, url, date in rows:
        table.add_row(*map(_shown, (title, date, url)))
    return table


def _documents_table(documents: Sequence[Document]) -> Table:
    table = Table("标题", "发布时间", "来源", "正文字数", box=None, pad_edge=False)
    for document in documents:
        at = f"{document.published_at:%Y-%m-%d %H:%M}" if document.published_at else "未找到"
        table.add_row(*map(_shown, (document.title, at, document.origin or "—", str(len(document.text)))))
    return table


def _shown(text: str) -> Text:
    """A cell as it is: no markup of ours, no control characters of theirs."""
    return Text(_clean(text)[:120])


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


@sources_app.command("add")
def add_source(
    url: Annotated[str, typer.Argument(metavar="URL", help="栏目、论坛版块、订阅源或接口的网址")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="不再询问，直接写入 sources.toml")] = False,
    key: Annotated[str | None, typer.Option("--id", help="编号（默认由网址得出）")] = None,
    name: Annotated[str | None, typer.Option("--name", help="名称（默认用网页标题）")] = None,
    private: Annotated[bool, typer.Option("--private", help="网址在内网（默认拒绝访问内网地址）")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """看一眼网址，说明会怎样采、列出前十条，确认后写入 sources.toml。"""
    if not url.startswith(("http://", "https://")):
        fail(f"网址应以 http:// 或 https:// 开头，现在是 {url!r}", USAGE)
    loaded = read_config(config)
    known = loaded.office.sources
    same = next((s for s in known.values() if _same(s.url, url)), None)
    if same is not None:
        fail(f"这个网址已是信源 {same.id}（{same.name}）", USAGE)
    if key is not None and key in known:
        fail(f"已有信源 {key!r}，请换一个 --id", USAGE)
    now, readers = clock.now(), Readers()
    asked = Source(id="new", name=url, type="list", url=url, kind="news", private=private)
    try:
        found = _fetched(lambda fetch: proposal(asked, fetch, readers, now), asked, loaded, quiet=as_json)
    except (FetchFailed, UnreadableSource, PageCutOff, ValueError) as error:
        _gone_wrong(url, error, as_json=as_json)
    finally:
        readers.close()
    title = _clean(name or found.source.name).strip()
    source = replace(found.source, id=key or free_id(found.source.id, known), name=title or url, private=private)
    if not as_json:
        _print_proposal(source, found.rows, found.reason, found.others)
    added = yes or (not as_json and _confirmed())
    if added:
        try:
            append(loaded.directory, source)
        except NotWritten as error:
            fail(str(error))
    if as_json:
        emit({
            "ok": True, "added": added, "id": source.id, "type": source.type, "kind": source.kind, "url": source.url,
            "reason": found.reason, "rows": _rows_json(found.rows), "others": list(found.others),
        })  # fmt: skip
    else:
        out.print(f"已写入 sources.toml，编号 {source.id}；重新启动后开始采集。" if added else "没有写入。")


def _same(one: str, other: str) -> bool:
    try:
        return canonical(one) == canonical(other)
    except ValueError:  # a path, or no address at all
        return False


def _print_proposal(source: Source, rows: Sequence[tuple[str, str, str]], reason: str, others: Sequence[str]) -> None:
    out.print(f"{_clean(reason)}。前 {len(rows)} 条：", markup=False)
    out.print(_rows_table(rows))
    for other in others[:5]:
        out.print(f"网页自己给出了订阅源，通常更好：{_clean(other)}", markup=False)
    out.print("将写入：")
    out.print(block(source), markup=False)


def _confirmed() -> bool:
    try:
        return typer.confirm("写入 sources.toml 吗？")
    except typer.Abort:  # no answer can be given here
        fail("没有得到确认，没有写入；要不经询问写入，请加 --yes")
