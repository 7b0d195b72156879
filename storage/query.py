"""The boolean syntax that staff type, as a small syntax tree; search and topic rules share it.

    (减税 | 降费 | "增值税 起征点") + 义乌 - 招聘          blank or + = and, | = or, - = not, "…" = phrase, NEAR/5

`parse` gives the tree, `compile_*` functions of the stores turn it into FTS5 or Elasticsearch.
"""

from dataclasses import dataclass
from typing import Union


class QuerySyntaxError(ValueError):
    """The text cannot be read; `column` (from 1) points at the place, the message is Chinese and says what to do."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"第 {column} 列：{message}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Word:
    """One word or, with `phrase`, a run of words that must stand together."""

    text: str
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"


@dataclass(frozen=True, slots=True)
class Near:
    """Two words at most `distance` characters apart, in either order."""

    left: Word
    right: Word
    distance: int


Node = Union[Word, And, Or, Not, Near]
