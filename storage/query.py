"""The boolean syntax that staff type, as a small syntax tree; search and topic rules share it.

    (减税 | 降费 | "增值税 起征点") + 义乌 - 招聘          blank or + = and, | or 、 = or, - = not, "…" = phrase, NEAR/5

    text ─parse→ Node ─unparse→ text          words(Node), matches(Node, text)

Full-width signs count as their half-width twins. A hyphen between two Latin letters or digits ("covid-19") belongs to
the word; anywhere else it excludes. The stores compile the tree into FTS5 or Elasticsearch.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Union

MAX_LENGTH = 8000  #: characters of one query
MAX_WORDS = 1000
MAX_DEPTH = 20  #: brackets and exclusions inside each other
MAX_DISTANCE = 100  #: of NEAR


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
    """Two words at most `distance` characters apart, in either order.

    `matches` counts characters; the stores count the tokens between the two.
    """

    left: Word
    right: Word
    distance: int


Node = Union[Word, And, Or, Not, Near]


def parse(text: str) -> Node:
    """Read a query; QuerySyntaxError names the column and what to do."""
    if len(text) > MAX_LENGTH:
        raise QuerySyntaxError(f"检索式太长（上限 {MAX_LENGTH} 字），请拆成几条", MAX_LENGTH + 1)
    tokens = list(_tokens(text))
    if not tokens:
        raise QuerySyntaxError("检索式是空的，请至少输入一个词", 1)
    if sum(token.sign in "wp" for token in tokens) > MAX_WORDS:
        raise QuerySyntaxError(f"词太多（上限 {MAX_WORDS} 个），请拆成几条", tokens[-1].column)
    return _Reader(tokens, len(text) + 1).whole()


def unparse(node: Node) -> str:
    """The text of a tree, such that `parse` gives the tree back."""
    match node:
        case Word(text, phrase):
            clean = text.replace('"', " ")
            return clean if not phrase and _is_plain(clean) else f'"{clean}"'
        case Near(left, right, distance):
            return f"{unparse(left)} NEAR/{distance} {unparse(right)}"
        case Not(part):
            return "-" + _bracketed(part, And, Or, Near)
        case And(parts):
            return " + ".join(_bracketed(part, And, Or) for part in parts)
        case Or(parts):
            return " | ".join(_bracketed(part, Or) for part in parts)


def words(node: Node, *, excluded: bool = True) -> tuple[str, ...]:
    """Every word and phrase of a tree, each once, in order; with `excluded=False` only those not under a `-`."""
    return tuple(dict.fromkeys(_walk_words(node, excluded)))


def normal(text: str) -> str:
    """NFKC, lower case, and no blanks beside a character that is not ASCII: what `holds` compares.

    A line break inside a Chinese sentence is layout, so 「食品\\n安全」 holds 食品安全.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return _LAYOUT.sub("", " ".join(folded.split()))


def matches(node: Node, text: str) -> bool:
    """Whether a text holds a query, by plain substrings of the normalised text: the reference for topic rules."""
    return holds(node, normal(text))


def holds(node: Node, normalised: str) -> bool:
    """`matches` for a text that went through `normal` already."""
    match node:
        case Word(text):
            return bool(needle := normal(text)) and needle in normalised
        case Near():
            return _near(node, normalised)
        case Not(part):
            return not holds(part, normalised)
        case And(parts):
            return all(holds(part, normalised) for part in parts)
        case Or(parts):
            return any(holds(part, normalised) for part in parts)


_LAYOUT = re.compile(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")
_HALF_WIDTH = str.maketrans("（）｜＋－−“”＂、", '()|+--"""|')
_INSIDE = re.compile("[0-9A-Za-z]-[0-9A-Za-z]")  #: a hyphen that belongs to its word
_SIGNS = frozenset('()|+"')
_NEAR = re.compile(r"near/(\d+)", re.IGNORECASE)


class _Token(NamedTuple):
    sign: str  #: one of ( ) | + - or w (word), p (phrase), n (NEAR)
    text: str
    column: int


def _tokens(text: str) -> Iterator[_Token]:
    signs = text.translate(_HALF_WIDTH)
    at = 0
    while at < len(signs):
        sign = signs[at]
        if sign.isspace() or sign == "\0":
            at += 1
        elif sign == '"':
            end = signs.find('"', at + 1)
            if end < 0:
                raise QuerySyntaxError("引号没有成对，请补上后一个引号", at + 1)
            if not text[at + 1 : end].strip("\0 \t\r\n\u3000"):
                raise QuerySyntaxError("引号里是空的，请写上词或删去引号", at + 1)
            yield _Token("p", " ".join(text[at + 1 : end].replace("\0", " ").split()), at + 1)
            at = end + 1
        elif sign in _SIGNS or sign == "-":
            yield _Token(sign, sign, at + 1)
            at += 1
        else:
            end = _word_end(signs, at)
            yield _word(text[at:end], at + 1)
            at = end


def _word_end(signs: str, at: int) -> int:
    end = at + 1
    while end < len(signs) and not (signs[end].isspace() or signs[end] in _SIGNS or signs[end] == "\0"):
        if signs[end] == "-" and not _INSIDE.match(signs, end - 1):
            break
        end += 1
    return end


def _word(text: str, column: int) -> _Token:
    near = _NEAR.fullmatch(unicodedata.normalize("NFKC", text))
    if near is None:
        return _Token("w", text, column)
    if len(near[1]) > 3 or not 1 <= int(near[1]) <= MAX_DISTANCE:
        raise QuerySyntaxError(f"NEAR 的距离应在 1 到 {MAX_DISTANCE} 之间", column)
    return _Token("n", near[1], column)


class _Reader:
    """Recursive descent over the tokens: or ← and ← not ← near ← atom."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self.tokens = tokens
        self.at = 0
        self.end = end  #: column behind the text

    def whole(self) -> Node:
        node = self.alternatives(0)
        if token := self.peek():
            raise QuerySyntaxError("多了一个右括号，请删去或补上左括号", token.column)
        return node

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, signs: str) -> _Token | None:
        token = self.peek()
        if token is None or token.sign not in signs:
            return None
        self.at += 1
        return token

    def alternatives(self, depth: int) -> Node:
        parts = [self.conjunction(depth)]
        while self.take("|"):
            parts.append(self.conjunction(depth))
        return _join(Or, parts)

    def conjunction(self, depth: int) -> Node:
        parts = [self.item(depth)]
        while (token := self.peek()) and token.sign not in "|)":
            self.take("+")
            parts.append(self.item(depth))
        return _join(And, parts)

    def item(self, depth: int) -> Node:
        token = self.peek()
        if token and depth > MAX_DEPTH:
            raise QuerySyntaxError(f"括号和减号套得太深（上限 {MAX_DEPTH} 层），请简化", token.column)
        if self.take("-"):
            return Not(self.item(depth + 1))
        left = self.atom(depth)
        near = self.take("n")
        if near is None:
            return left
        right = self.atom(depth)
        if not (isinstance(left, Word) and isinstance(right, Word)):
            raise QuerySyntaxError("NEAR 的两边都应是一个词或一个引号短语", near.column)
        if again := self.take("n"):
            raise QuerySyntaxError("NEAR 只连接两个词，请另写一个条件", again.column)
        return Near(left, right, int(near.text))

    def atom(self, depth: int) -> Node:
        if token := self.take("wp"):
            return Word(token.text, phrase=token.sign == "p")
        opened = self.take("(")
        if opened is None:
            raise self.missing()
        if empty := self.take(")"):
            raise QuerySyntaxError("括号里是空的，请写上词或删去括号", empty.column)
        node = self.alternatives(depth + 1)
        if self.take(")") is None:
            raise QuerySyntaxError("括号没有成对，请补上右括号", opened.column)
        return node

    def missing(self) -> QuerySyntaxError:
        token = self.peek()
        if token is None:
            return QuerySyntaxError("最后缺一个词，请补上或删去末尾的符号", self.end)
        sign = "NEAR" if token.sign == "n" else token.text
        return QuerySyntaxError(f"「{sign}」前面缺一个词，请补上或删去这个符号", token.column)


def _join(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """One part stands alone; a part of the same kind is dissolved."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    return kind(tuple(flat))


def _is_plain(text: str) -> bool:
    return not _NEAR.fullmatch(unicodedata.normalize("NFKC", text)) and [t.text for t in _tokens(text)] == [text]


def _bracketed(node: Node, *kinds: type[Node]) -> str:
    return f"({unparse(node)})" if isinstance(node, kinds) else unparse(node)


def _walk_words(node: Node, excluded: bool) -> Iterator[str]:
    match node:
        case Word(text):
            yield text
        case Near(left, right):
            yield from (left.text, right.text)
        case Not(part) if excluded:
            yield from _walk_words(part, excluded)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _walk_words(part, excluded)


def _near(node: Near, text: str) -> bool:
    left, right = _spans(node.left, text), _spans(node.right, text)
    return any(0 <= max(b - x, a - y) <= node.distance for a, x in left for b, y in right)


def _spans(word: Word, text: str) -> list[tuple[int, int]]:
    needle = normal(word.text)
    return [(m.start(), m.start() + len(needle)) for m in re.finditer(f"(?={re.escape(needle)})", text) if needle]
