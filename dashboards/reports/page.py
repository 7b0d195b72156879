"""A report as one HTML file that needs nothing else and prints in the layout of the docx."""

import base64
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboards.reports import wording
from dashboards.reports.figures import png
from dashboards.reports.tree import Figure, Report, Statement, cleaned, evidence_of, numbered
from dashboards.words import web_address

HERE = Path(__file__).resolve().parent
#: ids that are printed with one statement
FEW = 5
#: where the board shows a thing of this sort
PATHS = {"信息": "/document/", "事件": "/events/", "任务": "/tasks/"}


def write(report: Report, out: BinaryIO) -> None:
    """NoChineseFont where a figure cannot be drawn."""
    report = cleaned(report)
    numbers = {id(statement): n for n, statement in evidence_of(report)}
    env = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = env.get_template("report.html").render(
        report=report,
        blocks=[(type(block).__name__, block) for block in numbered(report.blocks)],
        evidence=evidence_of(report),
        mark=lambda statement: numbers.get(id(statement)),
        picture=picture,
        link=lambda statement, key: _link(report, statement, key),
        few=FEW,
        unit=lambda what: wording.UNITS.get(what, ""),
        made=f"{report.made_at:%Y-%m-%d %H:%M}",
    )
    out.write(text.encode())


def picture(figure: Figure) -> str:
    """A `data:` address, so that the file stands alone."""
    return "data:image/png;base64," + base64.b64encode(png(figure)).decode()


def _link(report: Report, statement: Statement, key: str) -> str | None:
    said = statement.evidence
    path = PATHS.get(said.what) if said else None
    if path is None or not report.base_url:
        return None
    return web_address(report.base_url + path + quote(key, safe=""))
