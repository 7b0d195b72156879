"""Read the five files and the calendar; every fault is collected, none is fatal before the others are found."""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from app.config.crosscheck import crosscheck
from app.config.problems import ConfigError, Problem, explain, with_lines
from storage.types import (
    CalendarDay,
    Department,
    DutyShift,
    LevelRule,
    LimitRule,
    LoginSettings,
    Office,
    Place,
    Recipient,
    ReportSettings,
    ReportTemplate,
    RiskSettings,
    Route,
    Source,
    Topic,
)

T = TypeVar("T")

#: file → its tables; a table that is not named here is an error
TABLES: Mapping[str, tuple[str, ...]] = {
    "office.toml": (
        "office",
        "levels",
        "risk",
        "limits",
        "recipients",
        "duty",
        "channels",
        "storage",
        "reports",
        "login",
    ),
    "departments.toml": ("departments",),
    "topics.toml": ("topics",),
    "routing.toml": ("routes",),
    "places.toml": ("places",),
    "sources.toml": ("sources",),
    "reports.toml": ("reports",),
}
#: files that may be missing: what is shipped holds then
OPTIONAL = frozenset({"reports.toml"})
_OFFICE_KEYS = (
    "name", "city", "home", "timezone", "base_url", "scorer", "keywords", "models", "confirm_below", "quiet_hours",
    "work_hours", "messages_per_hour", "retention_days", "duty_post",
)  # fmt: skip
_STORAGE_KEYS = ("documents", "ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A checked configuration and the engines it names (empty = the embedded files under the data folder)."""

    office: Office
    directory: Path
    documents_url: str = ""
    ledger_url: str = ""


@dataclass(slots=True)
class _Reader:
    """Collects problems while tables become values."""

    directory: Path
    problems: list[Problem] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, Any]:
        """One file as a dict; {} (and a problem) where it is missing or no TOML."""
        path = self.directory / name
        try:
            self.texts[name] = text = path.read_text(encoding="utf-8-sig")
            data = tomllib.loads(text)
        except FileNotFoundError:
            if name in OPTIONAL:
                return {}
            self.problems.append(Problem(file=name, place="", text="没有这个文件"))
            return {}
        except UnicodeDecodeError:
            self.problems.append(Problem(file=name, place="", text="不是 UTF-8 编码，请另存为 UTF-8"))
            return {}
        except tomllib.TOMLDecodeError as error:
            self.problems.append(Problem(file=name, place="", text=f"不是有效的 TOML：{error}"))
            return {}
        for key in data:
            known = TABLES.get(name, ("days",))
            if key not in known:
                self.say(name, f"[{key}]", f"不认识的表；这里可用的表：{'、'.join(known)}")
        return data

    def say(self, file: str, place: str, text: str, line: int | None = None) -> None:
        self.problems.append(Problem(file=file, place=place, text=text, line=line))

    def line_of(self, file: str, header: str, number: int, name: object) -> int | None:
        """Line of the number-th (from 0) `[[header]]`, or of the row in an inline list that carries this id."""
        lines = self.texts.get(file, "").split("\n")
        found = [i for i, text in enumerate(lines, 1) if re.match(rf"\s*\[\[\s*{re.escape(header)}\s*\]\]", text)]
        if number < len(found):
            return found[number]
        row = re.compile(rf"\bid\s*=\s*[\"']{re.escape(str(name))}[\"']")
        return next((i for i, text in enumerate(lines, 1) if row.search(text)), None)

    def value(self, cls: type[T], data: Any, file: str, place: str, line: int | None = None) -> T | None:
        """One table as a value of `cls`, or None with its problems recorded."""
        try:
            return TypeAdapter(cls).validate_python(data)
        except ValidationError as error:
            for detail in error.errors():
                loc = ".".join(str(part) for part in detail["loc"])
                known = keys_at(cls, detail["loc"][:-1])
                self.say(file, f"{place} {loc}".strip(), explain(detail, known), line)
            return None

    def rows(self, cls: type[T], data: Mapping[str, Any], file: str, header: str) -> list[T]:
        """Every `[[header]]` of a file; bad ones are reported and left out."""
        raw = data.get(header, [])
        if not isinstance(raw, list):
            self.say(file, f"[{header}]", f"应写成 [[{header}]]（双方括号，可有多条）")
            return []
        found = []
        for number, item in enumerate(raw):
            name = item.get("id") or item.get("name") if isinstance(item, dict) else None
            place = f"[[{header}]] 第 {number + 1} 条" + (f"（{name}）" if name else "")
            value = self.value(cls, item, file, place, self.line_of(file, header, number, name))
            if value is not None:
                found.append(value)
        return found

    def keyed(self, cls: type[T], data: Mapping[str, Any], file: str, header: str) -> dict[str, T]:
        """Rows by id; a doubled id is a problem."""
        found: dict[str, T] = {}
        for row in self.rows(cls, data, file, header):
            key: str = getattr(row, "id")  # noqa: B009 - T is any row type with an id
            if key in found:
                self.say(file, f"[[{header}]]", f"id {key!r} 出现了两次，请改成不同的 id")
            found[key] = row
        return found


def keys_at(cls: Any, path: Sequence[int | str]) -> tuple[str, ...]:
    """Field names of the dataclass that lies at `path` below `cls`."""
    for part in path:
        if isinstance(part, int):
            args = [a for a in get_args(cls) if is_dataclass(a)]
            cls = args[0] if args else None
        elif is_dataclass(cls):
            cls = get_type_hints(cls).get(part)
        else:
            cls = None
        if cls is not None and get_origin(cls) is not None and not isinstance(part, int):
            continue
    return tuple(f.name for f in fields(cls)) if is_dataclass(cls) else ()


def default_directory() -> Path:
    """`config` of the working folder, else of the checkout, else the copy inside the installed package."""
    root = Path(__file__).resolve().parent.parent
    for path in (Path.cwd() / "config", root.parent / "config", root / "default_config"):
        if (path / "office.toml").is_file():
            return path
    return Path.cwd() / "config"


def load(directory: Path, *, variables: Mapping[str, str] | None = None) -> Config:
    """The whole configuration of an office.

    `variables` replace `{name}` in the addresses of sources (the sample town's port).
    Raises ConfigError with every problem found.
    """
    if not directory.is_dir():
        raise ConfigError([Problem(file=str(directory), place="", text="没有这个配置文件夹")])
    reader = _Reader(directory)
    tables = {name: reader.table(name) for name in TABLES}
    main = tables["office.toml"]
    parts = _parts(reader, tables, variables or {})
    settings = main.get("office", {})
    for key in settings:
        if key not in _OFFICE_KEYS:
            reader.say("office.toml", f"[office] {key}", f"不认识的键；这里可用的键：{'、'.join(_OFFICE_KEYS)}")
    storage = main.get("storage", {})
    for key in storage:
        if key not in _STORAGE_KEYS:
            reader.say("office.toml", f"[storage] {key}", f"不认识的键；这里可用的键：{'、'.join(_STORAGE_KEYS)}")
    if reader.problems:
        raise ConfigError(with_lines(reader.problems, reader.texts))
    known = {key: value for key, value in settings.items() if key in _OFFICE_KEYS}
    known |= _models(reader, known.get("models", ""))
    office = reader.value(Office, {**known, **parts, "version": _version(reader)}, "office.toml", "[office]")
    if office is None or reader.problems:
        raise ConfigError(with_lines(reader.problems, reader.texts))
    problems = crosscheck(office)
    if problems:
        raise ConfigError(with_lines(problems, reader.texts))
    return Config(
        office=office,
        directory=directory,
        documents_url=str(storage.get("documents", "")),
        ledger_url=str(storage.get("ledger", "")),
    )


def _models(reader: _Reader, named: object) -> dict[str, object]:
    """The folder of the office's own models as an absolute path; a relative one starts at the configuration."""
    if not named or not isinstance(named, str):
        return {}
    folder = (reader.directory / named).resolve()
    if not any((folder / f"{subject}.npz").is_file() for subject in ("sentiment", "departments")):
        reader.say("office.toml", "[office] models", f"{named} 里没有 sentiment.npz 或 departments.npz，请先训练或留空")
    return {"models": str(folder)}


def _parts(reader: _Reader, tables: Mapping[str, dict[str, Any]], variables: Mapping[str, str]) -> dict[str, Any]:
    """Every list and table of the office but its own settings."""
    main = tables["office.toml"]
    sources = tables["sources.toml"]
    for row in sources.get("sources", []):
        if isinstance(row, dict) and isinstance(row.get("url"), str):
            for name, value in variables.items():
                row["url"] = row["url"].replace("{" + name + "}", value)
    return {
        "levels": tuple(reader.rows(LevelRule, main, "office.toml", "levels")),
        "limits": tuple(reader.rows(LimitRule, main, "office.toml", "limits")),
        "recipients": reader.keyed(Recipient, main, "office.toml", "recipients"),
        "duty": tuple(reader.rows(DutyShift, main, "office.toml", "duty")),
        "risk": reader.value(RiskSettings, main.get("risk", {}), "office.toml", "[risk]") or RiskSettings(),
        "reports": reader.value(ReportSettings, main.get("reports", {}), "office.toml", "[reports]")
        or ReportSettings(),
        "templates": reader.keyed(ReportTemplate, tables["reports.toml"], "reports.toml", "reports"),
        "channels": main.get("channels", {}),
        "login": reader.value(LoginSettings, main.get("login", {}), "office.toml", "[login]") or LoginSettings(),
        "departments": reader.keyed(Department, tables["departments.toml"], "departments.toml", "departments"),
        "topics": reader.keyed(Topic, tables["topics.toml"], "topics.toml", "topics"),
        "places": reader.keyed(Place, tables["places.toml"], "places.toml", "places"),
        "routes": tuple(reader.rows(Route, tables["routing.toml"], "routing.toml", "routes")),
        "sources": reader.keyed(Source, sources, "sources.toml", "sources"),
        "calendar": _calendar(reader),
    }


def _calendar(reader: _Reader) -> tuple[CalendarDay, ...]:
    days: list[CalendarDay] = []
    for path in sorted((reader.directory / "calendar").glob("*.toml")):
        name = f"calendar/{path.name}"
        days += reader.rows(CalendarDay, reader.table(name), name, "days")
    return tuple(sorted(days, key=lambda d: d.day))


def _version(reader: _Reader) -> str:
    """Hash of all files, so that a decision can name the configuration it was made under."""
    digest = hashlib.sha256()
    for name in sorted(reader.texts):
        digest.update(name.encode() + b"\0" + reader.texts[name].encode() + b"\0")
    return digest.hexdigest()[:12]
