"""`report`: one report of a stretch of time or of an event, as a file."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.commands.check import emit
from app.console import USAGE, ConfigOption, DataOption, JsonOption, err, fail, out, progress, read_config
from app.stores import stores
from dashboards.reports.facts import EVENTS, PERIODS, UnknownSubject
from dashboards.reports.figures import NoChineseFont
from dashboards.reports.pdf import NoPdf
from dashboards.reports.tree import Report, evidence_of
from dashboards.reports.writers import WRITERS, file_name, write
from storage.ports import DocumentStore, Ledger, StoreError
from storage.types import Office

#: steps of the progress bar: gather, write
STEPS = 2


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    kind: Annotated[
        str, typer.Argument(help="daily 日报、weekly 周报、monthly 月报、event 专报、risk 风险评估、ledger 台账")
    ],
    event: Annotated[str | None, typer.Argument(help="事件编号（event、risk、ledger 须给出）")] = None,
    form: Annotated[str, typer.Option("--format", help="html、docx、xlsx 或 pdf")] = "docx",
    target: Annotated[Path | None, typer.Option("--out", help="存到哪里（默认：当前目录，按标题命名）")] = None,
    day: Annotated[
        str | None, typer.Option("--day", help="日期 YYYY-MM-DD，取它所在的日、周、月；默认上一个整期")
    ] = None,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """编制报告：日报、周报、月报，或一个事件的专报、风险评估、处置台账。"""
    _check_call(kind, event, form, day)
    loaded = read_config(config)
    if not data.is_dir():
        fail(f"没有数据目录 {data}；请用 --data 指明", USAGE)
    with progress("编制报告", STEPS, quiet=as_json) as bar:
        _, documents, ledger = stores(loaded, data)
        try:
            made = _gather(kind, event, _date(day), loaded.office, documents, ledger)
            bar.advance(bar.task_ids[0])
            path = target or Path(file_name(made, form))
            _write(made, path, form)
            bar.advance(bar.task_ids[0])
        finally:
            documents.close()
            ledger.close()
    _say(made, path, form, as_json)


def _check_call(kind: str, event: str | None, form: str, day: str | None) -> None:
    """Exit 2 before anything is opened."""
    if kind not in PERIODS and kind not in EVENTS:
        fail(f"没有报告类型 {kind!r}；可用：{'、'.join([*PERIODS, *EVENTS])}", USAGE)
    if form not in WRITERS:
        fail(f"没有格式 {form!r}；可用：{'、'.join(WRITERS)}", USAGE)
    if kind in EVENTS and not event:
        fail(f"{kind} 须给出事件编号，如 minsheng report {kind} 编号", USAGE)
    if kind in PERIODS and event:
        fail(f"{kind} 不针对单个事件，请去掉 {event!r}", USAGE)
    if kind in EVENTS and day:
        fail(f"{kind} 说明事件到目前的全过程，不用 --day", USAGE)


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"日期 {text!r} 无法识别，应为 YYYY-MM-DD", USAGE)


def _gather(
    kind: str, event: str | None, day: date | None, office: Office, documents: DocumentStore, ledger: Ledger
) -> Report:
    now: datetime = clock.now()
    try:
        if kind in PERIODS:
            make: Callable[..., Report] = PERIODS[kind]
            return make(office, documents, ledger, now, day=day)
        return EVENTS[kind](event or "", office, documents, ledger, now)
    except UnknownSubject as error:
        fail(str(error), USAGE)
    except StoreError as error:
        fail(str(error))


def _write(made: Report, path: Path, form: str) -> None:
    try:
        write(made, path, form)
    except OSError as error:
        fail(f"写不了 {path}：{error.strerror}", USAGE)
    except (NoChineseFont, NoPdf) as error:
        fail(str(error))


def _say(made: Report, path: Path, form: str, as_json: bool) -> None:
    if as_json:
        emit({"path": str(path), "format": form, "kind": made.kind, "subject": made.subject,
              "statements": [{"text": s.text, "count": s.evidence.count, "ids": s.evidence.ids}
                             for _, s in evidence_of(made) if s.evidence]})  # fmt: skip
        return
    err.print("未经审定不得对外发送。")
    out.print(f"已存到 {path}", markup=False)
