"""`replay`: a recorded stream through the whole pipeline, to see what would have been raised, and how early."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from analysis.assess import Assessor
from app import clock
from app.console import FAILED, USAGE, ConfigOption, JsonOption, err, fail, out, progress, read_config
from app.jsonl import BadLine, read_documents
from app.replay import ReplayReport, grade, truth_of
from app.replay_page import moved, summary
from app.replay_page import page as page_of
from app.replay_prepared import NotPrepared, Outdated, Prepared, load, prepare, save
from app.replay_report import Difference, difference
from app.replay_run import run
from app.replay_tuning import tuned
from app.townstream import Incident
from storage.types import Assessment, Document, Office, UnreadableDocument

#: bad lines and incidents that are printed one by one; all of them are counted
SHOWN = 20


def register(app: typer.Typer) -> None:
    app.command("replay")(replay_file)


class _Watched(Assessor):
    """An assessor that says how far it has come."""

    def __init__(self, office: Office, advance: Callable[[int], None]) -> None:
        super().__init__(office)
        self.advance = advance

    def assess(self, documents: Sequence[Document]) -> list[Assessment | UnreadableDocument]:
        found = super().assess(documents)
        self.advance(len(documents))
        return found


def replay_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL 文件，一行一条文档，fetched_at 为到达时间（没有的按发布时间）；或 --prepared 的文件"
        ),
    ],
    truth: Annotated[
        Path | None, typer.Option("--truth", help="真值 JSON：incidents 列表，用来算准确率和提前量")
    ] = None,
    page: Annotated[Path | None, typer.Option("--html", help="另存一份网页报告，旁边另有同名加 .json 的数据")] = None,
    prepared: Annotated[
        Path | None, typer.Option("--prepared", help="保存判读和归并的结果，下次直接回放这个文件，快得多")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="TOML：换一组 [weights] 或 [thresholds]，看哪些预警会多、会少")
    ] = None,
    compare: Annotated[bool, typer.Option(help="逐项去掉因素、权重上下浮动20%，各算一遍")] = True,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """回放：把一段旧数据按到达次序重走一遍，看会在何时预警、漏了什么、误报什么；不写入任何数据。"""
    office = read_config(config).office
    incidents = _truth(truth, office) if truth else None
    other = _tuned(weights, office) if weights else None
    began = perf_counter()
    stream, bad = _stream(file, office, quiet=as_json)
    took = perf_counter() - began
    if prepared is not None:
        _write(prepared, lambda path: save(stream, path))
    found = replace(grade(stream, office, incidents, compare_weights=compare), prepare_seconds=took)
    changed = difference(run(stream, office), run(stream, other)) if other is not None else None
    if page is not None:
        names = [office.level_name(level) for level in range(len(office.levels) + 1)]
        text = page_of(found, changed, levels=names)
        _write(page, lambda path: path.write_text(text, encoding="utf-8"))
    data = orjson.loads(found.to_json()) | ({} if changed is None else {"differences": [asdict(d) for d in changed]})
    if page is not None:
        _write(page.with_name(f"{page.name}.json"), lambda path: path.write_bytes(orjson.dumps(data)))
    if as_json:
        typer.echo(orjson.dumps(data))
    else:
        _print(found, page)
        _print_changed(changed, office, found.titles)
    if bad:
        err.print(f"有 {bad} 行不能使用，已逐行说明；其余各行已回放。")
        raise typer.Exit(FAILED)


def _stream(file: Path, office: Office, *, quiet: bool) -> tuple[Prepared, int]:
    """The stream, understood and grouped: read, or made now; and the number of bad lines."""
    try:
        return load(file, office), 0
    except Outdated as error:
        fail(str(error))
    except NotPrepared:
        documents, bad = _documents(file, office)
        if not documents:
            fail(f"{file.name} 里没有一条可用的文档")
        with progress("判读", len(documents), quiet=quiet) as bar:
            watched = _Watched(office, lambda done: bar.advance(bar.task_ids[0], done))
            return prepare(documents, office, watched), bad
    except OSError as error:
        fail(f"打不开 {file}：{error.strerror}", USAGE)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(path)
    except OSError as error:
        fail(f"写不了 {path}：{error.strerror}", USAGE)


def _tuned(path: Path, office: Office) -> Office:
    try:
        return tuned(office, path.read_text(encoding="utf-8"))
    except OSError as error:
        fail(f"打不开 {path}：{error.strerror}", USAGE)
    except ValueError as error:  # also what is no text
        fail(f"{path.name} 不能使用：{error}", USAGE)


def _print_changed(changed: Sequence[Difference] | None, office: Office, titles: Mapping[str, str]) -> None:
    if changed is None:
        return
    out.print(f"改用新权重：{len(changed)} 件预警会变" + (f"：{summary(changed)}" if changed else "。"))
    table = Table("事件", "现有最高等级", "改后最高等级", "预警时间", box=None, pad_edge=False)
    for row in changed[:SHOWN]:
        table.add_row(
            Text(titles.get(row.event, row.event)),
            office.level_name(row.before),
            office.level_name(row.after),
            moved(row),
        )
    if changed:
        out.print(table)


def _documents(file: Path, office: Office) -> tuple[list[Document], int]:
    """The documents of a file, and the number of lines that are none (each is named on standard error)."""
    documents, bad = [], 0
    try:
        with file.open("rb") as lines:
            now = clock.now()
            for item in read_documents(lines, now=now, timezone=office.timezone):
                if isinstance(item, BadLine):
                    bad += 1
                    if bad <= SHOWN:
                        err.print(f"第 {item.line} 行：{item.error}", markup=False)
                elif item.fetched_at == now and item.published_at is not None and item.published_at < now:
                    documents.append(replace(item, fetched_at=item.published_at))  # no time of arrival is given
                else:
                    documents.append(item)
    except OSError as error:
        fail(f"打不开 {file}：{error.strerror}", USAGE)
    return documents, bad


def _truth(path: Path, office: Office) -> list[Incident]:
    try:
        data = orjson.loads(path.read_bytes())
        if not isinstance(data, dict):
            raise ValueError("应为一个 JSON 对象")
        incidents = truth_of(data)
        for incident in incidents:
            _check(incident, office)
    except OSError as error:
        fail(f"打不开 {path}：{error.strerror}", USAGE)
    except ValueError as error:  # also what is no JSON
        fail(f"真值文件 {path.name} 不能使用：{error}", USAGE)
    return incidents


def _check(incident: Incident, office: Office) -> None:
    """ValueError where an incident does not fit the office, or has times without a zone."""
    known = [rule.id for rule in office.levels]
    if incident.level not in known:
        raise ValueError(f"事件 {incident.id} 的 level 是 {incident.level!r}，应为 {'、'.join(known)} 之一")
    if None in (incident.start.tzinfo, incident.due_at.tzinfo, incident.peak_at.tzinfo):
        raise ValueError(f"事件 {incident.id} 的时间须带时区，如 2026-03-02T08:00:00+08:00")


def _print(found: ReplayReport, page: Path | None) -> None:
    out.print(
        f"{found.documents} 条内容，{found.days:.1f} 天，{found.events} 个事件，"
        f"日均预警 {found.alerts_per_day:.1f} 件，用时 {found.seconds:.1f} 秒。"
    )
    if found.unread:
        out.print(f"其中 {found.unread} 条无法判读，未计入。")
    if found.repeated:
        out.print(f"另有 {found.repeated} 条是重复到达、没有新内容的，只计一次。")
    if found.levels:
        table = Table("等级", "预警", "应预警", "准确率", "召回率", "提前（小时）", box=None, pad_edge=False)
        for row in found.levels:
            table.add_row(
                row.level,
                str(row.alerts),
                str(row.due),
                _share(row.precision),
                _share(row.recall),
                _hours(row.lead_hours),
            )
        out.print(table)
    for title, lines in (("漏报", found.missed), ("误报", found.false)):
        if lines:
            out.print(f"{title} {len(lines)} 件：")
        for line in lines[:SHOWN]:
            out.print(f"  · {line}", markup=False)
    if page is not None:
        out.print(f"网页报告：{page}（数据在 {page.name}.json）", markup=False)


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _hours(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"
