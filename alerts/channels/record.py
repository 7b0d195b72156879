"""The channel of an office that has not set one up yet: the message stays on the board and leaves no machine.

Its result says so in words, so that nobody takes "kept" for "delivered to a telephone".
"""

from collections.abc import Mapping

from alerts.channels.contract import Clock, Secrets, SendResult, Settings
from storage.types import Delivery


class Record:
    """Keeps the message in the outbox, where staff can read it."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        Settings(settings, secrets).done()

    def send(self, delivery: Delivery) -> SendResult:
        return SendResult(provider_id=delivery.id, text="已留存在系统内（未配置外发通道）")
