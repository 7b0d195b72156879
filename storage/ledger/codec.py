"""Frozen dataclasses to JSON and back, without a line per type.

Datetimes become ISO 8601 with zone, bytes base64. Lone surrogates, which UTF-8 cannot hold, become U+FFFD. A field
that an older row lacks takes its default; a field that a newer program wrote is passed over.
"""

import base64
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

T = TypeVar("T")
Convert = Callable[[Any], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dump(value: object) -> str:
    """JSON of a dataclass; ValueError for a datetime without zone."""
    return dump_bytes(value).decode()


def dump_bytes(value: object) -> bytes:
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError as error:
        if isinstance(error.__cause__, ValueError):
            raise error.__cause__ from None
        return orjson.dumps(scrub(_tree(value)))


def load(kind: type[T], text: str | bytes) -> T:
    """The dataclass behind `dump`."""
    return build(kind, orjson.loads(text))


def build(kind: type[T], tree: Any) -> T:
    """The dataclass behind a JSON tree; the tree is used up."""
    built: T = _decoder(kind)(tree)  # type: ignore[arg-type]  # a class is hashable
    return built


def scrub(value: Any) -> Any:
    """Replace lone surrogates in every text of a JSON tree."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {scrub(key): scrub(item) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item) for item in value]
    return value


def key(text: str) -> str:
    """A text as an SQL column can hold it: no NUL (PostgreSQL), no lone surrogate (both)."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return str(scrub(text))
    return text


def optional_key(text: str | None) -> str | None:
    return None if text is None else key(text)


def stamp(moment: datetime) -> int:
    """Microseconds since 1970, for columns that are compared; exact."""
    if moment.tzinfo is None:
        raise ValueError(f"时间缺少时区：{moment.isoformat()}")
    gap = moment - _EPOCH
    return (gap.days * 86400 + gap.seconds) * 1_000_000 + gap.microseconds


def optional_stamp(moment: datetime | None) -> int | None:
    return None if moment is None else stamp(moment)


def moment(microseconds: int) -> datetime:
    """The UTC datetime of a `stamp`."""
    seconds, rest = divmod(microseconds, 1_000_000)
    days, seconds = divmod(seconds, 86400)
    return _EPOCH.fromordinal(_EPOCH.toordinal() + days).replace(
        hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60, microsecond=rest, tzinfo=UTC
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"时间缺少时区：{value.isoformat()}")
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _tree(value: object) -> object:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if is_dataclass(value):
        return {f.name: _tree(getattr(value, f.name)) for f in fields(value)}
    plain = _plain(value)
    if isinstance(plain, dict):
        return {k: _tree(v) for k, v in plain.items()}
    return [_tree(item) for item in plain] if isinstance(plain, list) else plain


@cache
def _decoder(kind: Any) -> Convert:
    """A function from the JSON tree to `kind`; identity where JSON holds the value as it is."""
    if kind is datetime:
        return datetime.fromisoformat
    if kind is bytes:
        return base64.b64decode
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass_decoder(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional_decoder(args)
    if origin is tuple:
        return _tuple_decoder(args)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        return _same if _decoder(args[1]) is _same else _mapping_decoder(_decoder(args[1]))
    return _same


def _same(value: Any) -> Any:
    return value


def _dataclass_decoder(kind: type[Any]) -> Convert:
    hints = get_type_hints(kind)
    converts = {f.name: _decoder(hints[f.name]) for f in fields(kind)}
    active = [(name, convert) for name, convert in converts.items() if convert is not _same]
    known = frozenset(converts)

    def decode(tree: dict[str, Any]) -> Any:
        if not known.issuperset(tree):
            tree = {name: value for name, value in tree.items() if name in known}
        for name, convert in active:
            value = tree.get(name, MISSING)
            if value is not MISSING:
                tree[name] = convert(value)
        return kind(**tree)

    return decode


def _optional_decoder(args: tuple[Any, ...]) -> Convert:
    rest = [arg for arg in args if arg is not type(None)]
    convert = _decoder(rest[0]) if len(rest) == 1 else _same
    return _same if convert is _same else lambda value: None if value is None else convert(value)


def _tuple_decoder(args: tuple[Any, ...]) -> Convert:
    if len(args) == 2 and args[1] is Ellipsis:
        convert = _decoder(args[0])
        return tuple if convert is _same else lambda value: tuple([convert(item) for item in value])
    converts = [_decoder(arg) for arg in args]
    return lambda value: tuple([convert(item) for convert, item in zip(converts, value, strict=True)])


def _mapping_decoder(convert: Convert) -> Convert:
    return lambda value: {name: convert(item) for name, item in value.items()}
