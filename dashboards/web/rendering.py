"""Templates: everything is escaped, every code gets its word, every static file its hash."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alerts.streams import StreamBurst, sentence
from dashboards import words
from dashboards.done import DONE
from storage.types import Office

HERE = Path(__file__).resolve().parent.parent
STATIC = HERE / "static"
TEMPLATES = HERE / "templates"


@dataclass(frozen=True, slots=True)
class Names:
    """The words of one page: an office, a moment, a zone."""

    office: Office
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.office.timezone)

    def when(self, at: datetime | None) -> str:
        return words.moment(at, self.now, self.zone)

    def exact(self, at: datetime | None) -> str:
        """「2025-11-24 08:30:05」 in the office's time."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}" if at else ""

    def ago(self, at: datetime) -> str:
        return f"{words.span(max(0.0, (self.now - at).total_seconds()))}前"

    def remaining(self, due: datetime) -> str:
        return words.remaining(due, self.now)

    def level(self, level: int) -> str:
        rule = self.office.rule(level) if level <= len(self.office.levels) else None
        return rule.word if rule else "未定级"

    def level_name(self, level: int) -> str:
        return self.office.level_name(min(level, len(self.office.levels)))

    def level_class(self, level: int) -> str:
        return words.level_class(self.office, level)

    def topic(self, topic: str | None) -> str:
        return words.topic_name(self.office, topic)

    def place(self, place: str | None) -> str:
        return words.place_name(self.office, place)

    def department(self, department: str | None) -> str:
        return words.department_name(self.office, department)

    def burst(self, burst: StreamBurst) -> str:
        return sentence(burst, self.office)

    def source(self, source: str) -> str:
        return self.office.sources[source].name if source in self.office.sources else source


def json_block(value: object) -> Markup:
    """JSON for a `<script type="application/json">`: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def address(path: str, **query: object) -> str:
    """A path with a query string; empty values are left out, lists are repeated."""
    pairs = {key: value for key, value in query.items() if value not in (None, "", (), [])}
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def label(names: Names, field: str, value: str) -> str:
    """What a value of a facet or of a correction is called."""
    tables = {"sentiment": words.SENTIMENT, "kind": words.KIND, "text_kind": words.TEXT_KIND, "flag": words.FLAG}
    if field in tables:
        return tables[field].get(value, value)
    speak = {"topic": names.topic, "department": names.department, "area": names.place, "source": names.source}
    if field in speak:
        return speak[field](value)
    return {"yes": "涉及本地", "no": "与本地无关"}.get(value, value) if field == "ours" else value


@cache
def static(name: str) -> str:
    """`/static/board.css?v=1a2b3c4d`: the hash lets browsers keep the file for a year."""
    path = STATIC / name
    mark = hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else "missing"
    return f"/static/{name}?v={mark}"


#: tables of `dashboards.words` that templates may use
LABELS = (
    *("AUDIT", "CAUSE", "CORRECTION", "DEADLINE_KIND", "DELIVERY", "EVENT_STATUS", "FACET", "FLAG", "KIND"),
    *("ROLE", "SENTIMENT", "SOURCE_STATE", "STATE", "STEP", "TASK_ROLE", "TEXT_KIND"),
)


def environment() -> Environment:
    """The template environment: autoescape always on, an unknown name is an error."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update({name: getattr(words, name) for name in LABELS})
    env.globals.update(DONE=DONE, static=static, address=address, label=label)
    env.filters.update(
        web_address=words.web_address,
        json_block=json_block,
        part=lambda text: quote(str(text), safe=""),
        percent=lambda share: f"{100 * share:.0f}%",
        thousands=lambda number: f"{number:,}",
    )
    return env
