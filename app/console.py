"""What the commands share: errors in one clear line, progress bars on long work, JSON for machines."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from analysis.words import segment
from app.config import Config, ConfigError, default_directory, load
from app.folder import Folder, open_folder
from storage.open import open_stores
from storage.ports import DocumentStore, Ledger, StoreError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="配置文件夹（默认：当前目录的 config）")]
DataOption = Annotated[Path, typer.Option("--data", help="数据目录")]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序读取")]

#: exit codes: 1 = the work could not be done, 2 = the call itself is wrong, 3 = the configuration cannot be used
FAILED, USAGE, CONFIG = 1, 2, 3


def fail(message: str, code: int = FAILED) -> NoReturn:
    """One line on standard error, then the end."""
    err.print(f"[red]错误：[/red]{_plain(message)}")
    raise typer.Exit(code)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def read_config(path: Path | None) -> Config:
    """The configuration, or every fault in it on standard error and exit 3."""
    directory = path or default_directory()
    try:
        return load(directory, variables={"sample_port": os.environ.get("MINSHENG_SAMPLE_PORT", "8791")})
    except ConfigError as error:
        err.print(f"[red]配置有 {len(error.problems)} 处问题[/red]（{_plain(str(directory))}）：")
        for problem in error.problems:
            err.print(f"  {_plain(str(problem))}")
        raise typer.Exit(CONFIG) from None


def stores(config: Config, data: Path) -> tuple[Folder, DocumentStore, Ledger]:
    """The folder and both stores; the environment wins over office.toml, office.toml over the embedded files."""
    try:
        folder = open_folder(data)
        documents, ledger = open_stores(
            folder.path,
            segment=segment,
            documents_url=os.environ.get("MINSHENG_DOCUMENTS") or config.documents_url or None,
            ledger_url=os.environ.get("MINSHENG_LEDGER") or config.ledger_url or None,
        )
    except StoreError as error:
        fail(str(error))
    return folder, documents, ledger


@contextmanager
def progress(title: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error with one task `0`; nothing is drawn when `quiet` or not a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=quiet or not sys.stderr.isatty(),
    ) as bar:
        bar.add_task(title, total=total)
        yield bar
