"""The formats of a report, and how a file is written: whole or not at all, under a safe name."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from dashboards.reports import page, pdf, sheet, word
from dashboards.reports.tree import Report, clean

#: format → writer; a further format is one file and one line here
WRITERS: Mapping[str, Callable[[Report, BinaryIO], None]] = {
    "html": page.write,
    "docx": word.write,
    "xlsx": sheet.write,
    "pdf": pdf.write,
}
NAME_BYTES = 200
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def write(report: Report, path: Path, form: str) -> None:
    """Write the file in one step: readers see the old one or the new one.

    KeyError: unknown format. OSError: the folder is missing or cannot be written. NoPdf, NoChineseFont: see there.
    """
    writer = WRITERS[form]
    part = path.parent / f".report-{secrets.token_hex(8)}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            writer(report, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def file_name(report: Report, form: str) -> str:
    """A name that every file system takes: 「舆情日报（2026年11月23日）.docx」, at most 200 bytes of UTF-8."""
    text = _FORBIDDEN.sub("_", clean(report.title.text + report.title.subtitle)).strip(" .") or "报告"
    if _RESERVED.fullmatch(text):
        text = f"_{text}"
    short = text.encode()[: NAME_BYTES - len(form) - 1].decode(errors="ignore").strip(" .")
    return f"{short}.{form}"
