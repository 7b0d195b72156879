"""What can be wrong with a configuration file, said so that a clerk can mend it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic_core import ErrorDetails

#: pydantic's error type → what a clerk is told
_WORDS = {
    "missing": "缺少这一项",
    "string_type": "应为文字，请加双引号",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "tuple_type": '应为列表，如 ["甲", "乙"]',
    "dict_type": "应为表",
    "mapping_type": "应为表",
    "datetime_type": "应为时间，如 2026-11-24T08:30:00+08:00",
    "date_type": "应为日期，如 2026-11-24",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault: where it stands and what was expected."""

    file: str
    place: str  #: "[[routes]] 第 3 条（id=food）match.topics"
    text: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} {self.place}：{self.text}" if self.place else f"{where}：{self.text}"


_KEY = re.compile(r"\[([\w.-]+)\](?: ([\w-]+))?")  # 「[risk] heat_p95」


def with_lines(problems: Sequence[Problem], texts: Mapping[str, str]) -> list[Problem]:
    """The same with the line of the key, or of its table, where the place names one and the line is not known yet."""
    return [p if p.line or not (line := _line(p.place, texts.get(p.file, ""))) else replace(p, line=line)
            for p in problems]  # fmt: skip


def _line(place: str, text: str) -> int | None:
    named = _KEY.match(place)
    if named is None:
        return None
    table, key = named.groups()
    header = found = 0
    for number, line in enumerate(text.split("\n"), 1):
        begins = re.match(r"\s*\[+\s*([^\]\s]+)\s*\]+", line)
        if begins is not None:
            header = number if begins[1] == table else 0
            found = found or header
        elif header and key and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return number
    return found or None


class ConfigError(Exception):
    """The configuration cannot be used; `problems` lists every fault found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def explain(error: ErrorDetails, known: Sequence[str]) -> str:
    """One pydantic error in Chinese. `known` are the keys of the table, for an unknown one."""
    kind = error["type"]
    if kind == "unexpected_keyword_argument":
        return f"不认识的键；这里可用的键：{'、'.join(known)}"
    if kind == "literal_error":
        return f"应为 {error.get('ctx', {}).get('expected', '')} 之一，现在是 {error['input']!r}"
    words = _WORDS.get(kind)
    if words == "缺少这一项":
        return words
    return f"{words or error['msg']}，现在是 {error['input']!r}"
