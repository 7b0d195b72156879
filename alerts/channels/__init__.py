"""Ways out of the house, one file each; a new one is a file and a line here.

open_channel(office.channels[id], read_secret, clock).send(delivery) → SendResult, or DeliveryError
"""

from collections.abc import Mapping

from alerts.channels.aliyun_sms import AliyunSms
from alerts.channels.contract import Channel, Clock, DeliveryError, Secrets, SendResult, SettingsError, read_secret
from alerts.channels.dingtalk import Dingtalk
from alerts.channels.feishu import Feishu
from alerts.channels.mail import Mail
from alerts.channels.record import Record
from alerts.channels.webhook import Webhook
from alerts.channels.wecom import Wecom
from alerts.channels.wecom_app import WecomApp

__all__ = [
    "CHANNELS",
    "Channel",
    "DeliveryError",
    "SendResult",
    "SettingsError",
    "channel_problem",
    "open_channel",
    "read_secret",
]

CHANNELS: dict[str, type[Channel]] = {
    "mail": Mail,
    "webhook": Webhook,
    "wecom": Wecom,
    "wecom_app": WecomApp,
    "dingtalk": Dingtalk,
    "feishu": Feishu,
    "aliyun_sms": AliyunSms,
    "record": Record,
}


def open_channel(settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> Channel:
    """The channel of one table of office.toml; SettingsError names what is wrong with it."""
    kind = settings.get("kind")
    if not isinstance(kind, str) or kind not in CHANNELS:
        raise SettingsError(f"kind 应为 {'、'.join(CHANNELS)} 之一，现为 {kind!r}")
    return CHANNELS[kind](settings, secrets, clock)


def channel_problem(settings: Mapping[str, object], clock: Clock) -> str | None:
    """What is wrong with a channel's table, without reading any secret; None when it is right."""
    try:
        open_channel(settings, lambda reference: "-", clock)
    except SettingsError as error:
        return str(error)
    return None
