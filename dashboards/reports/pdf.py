"""A report as PDF: the printed page by a headless Chromium, else the docx by LibreOffice, whichever is installed.

Neither is a Python package, and no pure one lays Chinese official documents out: without both this format says so.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from dashboards.reports import page, word
from dashboards.reports.tree import Report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
OFFICES = ("soffice", "libreoffice")
SECONDS = 120


class NoPdf(RuntimeError):
    """Nothing on this machine makes a PDF, or what does failed; the message says what to do."""


def possible(which: Callable[[str], str | None] = shutil.which) -> bool:
    """Whether this machine has a program for it."""
    return any(which(name) for name in (*BROWSERS, *OFFICES))


def write(report: Report, out: BinaryIO, which: Callable[[str], str | None] = shutil.which) -> None:
    """NoPdf where no program is there or it fails; NoChineseFont where a figure cannot be drawn."""
    browser = next(filter(None, map(which, BROWSERS)), None)
    office = next(filter(None, map(which, OFFICES)), None)
    if browser is None and office is None:
        raise NoPdf("本机没有可生成 PDF 的程序。请安装 Chromium（或 Chrome）或 LibreOffice，或改用 docx、html 格式。")
    with tempfile.TemporaryDirectory(prefix="minsheng-report-") as folder:
        make = _browser if browser else _office
        out.write(make(browser or office or "", Path(folder), report).read_bytes())


def _browser(program: str, folder: Path, report: Report) -> Path:
    """The page allows no script. The sandbox is left out for root only, for whom Chromium would not start."""
    source, target = folder / "report.html", folder / "report.pdf"
    with source.open("wb") as file:
        page.write(report, file)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    _run(
        [program, "--headless", *sandbox, "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         f"--user-data-dir={folder / 'profile'}", "--no-pdf-header-footer",
         f"--print-to-pdf={target}", source.as_uri()],
        target,
    )  # fmt: skip
    return target


def _office(program: str, folder: Path, report: Report) -> Path:
    source, target = folder / "report.docx", folder / "report.pdf"
    with source.open("wb") as file:
        word.write(report, file)
    profile = (folder / "profile").as_uri()
    _run(
        [program, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf", "--outdir", str(folder),
         str(source)],
        target,
    )  # fmt: skip
    return target


def _run(command: Sequence[str], target: Path) -> None:
    name = Path(command[0]).name
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoPdf(f"{name} 在 {SECONDS} 秒内没有生成 PDF；请稍后重试，或改用 docx、html 格式。") from None
    except OSError as error:
        raise NoPdf(f"{name} 无法启动（{error.strerror}）；请检查安装，或改用 docx、html 格式。") from error
    if done.returncode or not target.is_file():
        raise NoPdf(f"{name} 没有生成 PDF（退出码 {done.returncode}）；请检查它能否单独运行，或改用 docx、html 格式。")
