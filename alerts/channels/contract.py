"""What every channel keeps: strict settings, secrets by reference, send or raise.

DeliveryError ── permanent=True   no use to try again: bad key, bad address, refused content → next channel
              ├─ unknown=True     the bytes were sent and no answer came: it may have arrived
              └─ neither          try again later
"""

import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from storage.types import Delivery

Secrets = Callable[[str], str]
Clock = Callable[[], datetime]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The provider said yes."""

    provider_id: str = ""
    code: str = "0"
    text: str = ""


class DeliveryError(Exception):
    """One message was not accepted, or nobody knows; the message is Chinese and carries the provider's own words."""

    def __init__(self, message: str, *, permanent: bool, unknown: bool = False, code: str | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.unknown = unknown
        self.code = code


class SettingsError(ValueError):
    """A channel's table in office.toml is wrong; the message names the key and what was expected."""


class Channel(Protocol):
    """One way out of the house. `clock` gives the moment that signatures carry."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None: ...

    def send(self, delivery: Delivery) -> SendResult:
        """Deliver one message, or raise DeliveryError."""
        ...


def read_secret(reference: str) -> str:
    """The secret behind `env:NAME` or `file:PATH`; never logged, never part of an error. SettingsError when absent."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
    elif kind == "file":
        try:
            value = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"读不到密钥文件 {name}：{error.strerror}") from error
    else:
        raise SettingsError("密钥只能用 *_env 或 *_file 指定")
    if not value.strip():
        raise SettingsError(f"密钥 {reference} 为空，请先设置")
    return value.strip()


class Settings:
    """One channel's table, read key by key; `done` refuses what nobody asked for."""

    def __init__(self, table: Mapping[str, object], secrets: Secrets) -> None:
        self._table = {key: value for key, value in table.items() if key not in ("kind", "note")}
        self._secrets = secrets
        self._asked: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str:
        return self._value(key, str, "文字", default)

    def number(self, key: str, default: int | None = None) -> int:
        return self._value(key, int, "整数", default)

    def flag(self, key: str, default: bool) -> bool:
        return self._value(key, bool, "true 或 false", default)

    def _value(self, key: str, kind: type[T], words: str, default: T | None) -> T:
        self._asked.add(key)
        value = self._table.get(key, default)
        if value is None:
            raise SettingsError(f"缺少 {key}（{words}）")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)) or value == "":
            raise SettingsError(f"{key} 应为{words}")
        return value

    def secret(self, key: str, *, optional: bool = False) -> str:
        """The secret of `<key>_env` or `<key>_file`; "" where it is optional and not given."""
        given = [(way, self._table[f"{key}_{way}"]) for way in ("env", "file") if f"{key}_{way}" in self._table]
        self._asked |= {f"{key}_env", f"{key}_file"}
        if key in self._table:
            raise SettingsError(f"{key} 不能直接写在配置里，请改用 {key}_env 或 {key}_file")
        if not given and optional:
            return ""
        if len(given) != 1:
            raise SettingsError(f"应且只应填写 {key}_env 或 {key}_file 之一")
        way, name = given[0]
        return self._secrets(f"{way}:{name}")

    def done(self) -> None:
        unknown = sorted(set(self._table) - self._asked)
        if unknown:
            raise SettingsError(f"不认识的设置 {'、'.join(unknown)}；可用：{'、'.join(sorted(self._asked))}")


class RateLimit:
    """At most `per_minute` sends in any sixty seconds, within this process; what is above is tried again later."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._sent: deque[datetime] = deque()

    def take(self) -> None:
        now = self._clock()
        # a clock that jumped back must not block the robot for the length of the jump
        while self._sent and not 0 <= (now - self._sent[0]).total_seconds() < 60:
            self._sent.popleft()
        if len(self._sent) >= self._per_minute:
            raise DeliveryError(f"已达每分钟 {self._per_minute} 条上限，稍后再发", permanent=False, code="rate")
        self._sent.append(now)
