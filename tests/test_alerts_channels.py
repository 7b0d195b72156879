"""Every channel against a real server on loopback: accepted, refused, busy, broken, silent, cut off."""

import base64
import hashlib
import hmac
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from provider import BROKEN, BUSY, CLOSE, CUT, HANG, OK, Provider, Script, reply
from small_office import CHANNELS as OFFICE_CHANNELS

from alerts.channels import (
    CHANNELS,
    Channel,
    DeliveryError,
    SettingsError,
    channel_problem,
    open_channel,
    read_secret,
)
from alerts.channels.aliyun_sms import authorization, canonical_query
from alerts.channels.contract import RateLimit
from alerts.channels.webhook import signature
from storage.types import Delivery

NOW = datetime(2025, 10, 1, 3, 0, tzinfo=UTC)
BODY = "Ⅰ级（红色）　交办\n事项：学校食堂食品安全\n请登录系统办理：http://127.0.0.1/tasks/t-1"
DELIVERY = Delivery(
    id="d-1",
    idem_key="k",
    alert="a-1",
    task="t-1",
    reason="FIRST",
    epoch="e",
    recipient="scjg",
    channel="x",
    subject="【Ⅰ级（红色）】交办：学校食堂食品安全",
    body=BODY,
    created_at=NOW,
    not_before=NOW,
    address={"email": "scjg@example.invalid", "phone": "13800000000"},
)
#: kind → settings beside the host, and the answer that means yes
ROBOTS: dict[str, tuple[dict[str, object], Script]] = {
    "wecom": ({"key_env": "K"}, OK),
    "dingtalk": ({"token_env": "T", "secret_env": "S"}, OK),
    "feishu": ({"token_env": "T", "secret_env": "S"}, reply({"code": 0, "msg": "success"})),
    "aliyun_sms": (
        {"key_id": "id", "secret_env": "S", "sign_name": "示例市", "template": "SMS_1"},
        reply({"Code": "OK", "Message": "OK", "BizId": "b-1"}),
    ),
}


def secrets(reference: str) -> str:
    return f"secret-of-{reference}"


def robot(kind: str, url: str, **more: object) -> Channel:
    settings: Mapping[str, object] = {"kind": kind, "host": url, "timeout": 1, **ROBOTS[kind][0], **more}
    return open_channel(settings, secrets, lambda: NOW)


@pytest.mark.parametrize("kind", ROBOTS)
def test_accepted(kind: str) -> None:
    with Provider([ROBOTS[kind][1]]) as provider:
        robot(kind, provider.url).send(DELIVERY)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize(
    ("script", "permanent", "unknown"),
    [
        (BUSY, False, False),
        (BROKEN, False, False),
        (CLOSE, False, True),
        (CUT, False, True),
        (Script(status=404, body=b"no"), True, False),
        (Script(status=302, body=b"login"), True, False),
        (Script(body=b"<html>login</html>"), False, False),
        (Script(body=b"{}"), False, False),
        (Script(body=b"[]"), False, False),
    ],
    ids=["429", "500", "close", "cut", "404", "302", "html", "no-code", "list"],
)
def test_failures(kind: str, script: Script, permanent: bool, unknown: bool) -> None:
    with Provider([script]) as provider, pytest.raises(DeliveryError) as error:
        robot(kind, provider.url).send(DELIVERY)
    assert (error.value.permanent, error.value.unknown) == (permanent, unknown)
    assert "secret-of" not in str(error.value)


def test_a_provider_that_hangs_may_have_taken_it() -> None:
    with Provider([HANG]) as provider, pytest.raises(DeliveryError) as error:
        robot("wecom", provider.url).send(DELIVERY)
    assert error.value.unknown


@pytest.mark.parametrize(
    ("kind", "answer", "permanent"),
    [
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, False),
        ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}, True),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, False),
        ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, True),
        ("feishu", {"code": 11232, "msg": "frequency limited"}, False),
        ("feishu", {"code": 19021, "msg": "sign match fail"}, True),
        ("aliyun_sms", {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发流控"}, False),
        ("wecom", {"errcode": 50002, "errmsg": "user out of the app's scope"}, True),
        ("feishu", {"code": 9499, "msg": "too many request"}, False),
        ("feishu", {"code": 9499, "msg": "Bad Request"}, True),
        ("dingtalk", {"errcode": 410100, "errmsg": "发送速度太快而限流"}, False),
        ("aliyun_sms", {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发天级流控Permits:50"}, True),
        ("aliyun_sms", {"Code": "isp.GATEWAY_ERROR", "Message": "System error"}, False),
        ("aliyun_sms", {"Code": "SignatureDoesNotMatch", "Message": "签名不符"}, True),
    ],
)
def test_http_200_is_not_success(kind: str, answer: dict[str, object], permanent: bool) -> None:
    with Provider([reply(answer)]) as provider, pytest.raises(DeliveryError) as error:
        robot(kind, provider.url).send(DELIVERY)
    assert error.value.permanent is permanent
    assert error.value.code == str(answer.get("errcode", answer.get("code", answer.get("Code"))))
    assert str(next(v for k, v in answer.items() if "m" in k.lower() and k.lower() != "code")) in str(error.value)


def test_nobody_listens() -> None:
    with Provider([OK]) as provider:
        url = provider.url
    with pytest.raises(DeliveryError) as error:
        robot("wecom", url).send(DELIVERY)
    assert (error.value.permanent, error.value.unknown) == (False, False)


def test_dingtalk_signature_is_quoted_once() -> None:
    with Provider([OK]) as provider:
        robot("dingtalk", provider.url).send(DELIVERY)
    (seen,) = provider.requests
    stamp = str(int(NOW.timestamp() * 1000))
    assert seen.query["timestamp"] == stamp
    # computed with openssl-like primitives here, not with the channel's own function
    mac = hmac.new(b"secret-of-env:S", f"{stamp}\nsecret-of-env:S".encode(), hashlib.sha256).digest()
    assert seen.query["sign"].encode() == base64.b64encode(mac)


def test_feishu_signature_is_in_the_body() -> None:
    with Provider([reply({"code": 0})]) as provider:
        robot("feishu", provider.url).send(DELIVERY)
    data = provider.requests[0].json()
    stamp = str(int(NOW.timestamp()))
    mac = hmac.new(f"{stamp}\nsecret-of-env:S".encode(), b"", hashlib.sha256).digest()
    assert data["timestamp"] == stamp
    assert data["sign"] == base64.b64encode(mac).decode()


def test_feishu_old_answer_counts_too() -> None:
    with Provider([reply({"StatusCode": 0, "StatusMessage": "success"})]) as provider:
        robot("feishu", provider.url).send(DELIVERY)


def test_sms_carries_level_only() -> None:
    with Provider([ROBOTS["aliyun_sms"][1]]) as provider:
        result = robot("aliyun_sms", provider.url).send(DELIVERY)
    (seen,) = provider.requests
    assert result.provider_id == "b-1"
    assert seen.query["TemplateParam"] == '{"level": "Ⅰ级（红色）", "count": "1"}'
    assert "食堂" not in str(seen.query)
    assert seen.headers["x-acs-date"] == "2025-10-01T03:00:00Z"


def test_sms_signature_over_what_was_sent() -> None:
    with Provider([ROBOTS["aliyun_sms"][1]]) as provider:
        robot("aliyun_sms", provider.url).send(DELIVERY)
    (seen,) = provider.requests
    lower = {k.lower(): v for k, v in seen.headers.items()}
    names = lower["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    signed = {n: lower[n] for n in names}
    query = canonical_query(seen.query)
    assert authorization(query, signed, "id", "secret-of-env:S") == lower["authorization"]
    assert authorization(query, signed, "id", "other") != lower["authorization"]


def test_canonical_query_follows_rfc_3986() -> None:
    assert canonical_query({"b": "a b*~", "a": "中/"}) == "a=%E4%B8%AD%2F&b=a%20b%2A~"


@pytest.mark.parametrize("phone", ["", "12345", "0579-85520000", "13800000000,13900000000"])
def test_sms_needs_a_mobile_number(phone: str) -> None:
    with Provider([OK]) as provider, pytest.raises(DeliveryError) as error:
        robot("aliyun_sms", provider.url).send(replace(DELIVERY, address={"phone": phone}))
    assert error.value.permanent
    assert provider.requests == []


def wecom_app(url: str) -> Channel:
    settings = {"kind": "wecom_app", "host": url, "corp_id": "c", "agent_id": 7, "secret_env": "S", "to": "zhang"}
    return open_channel(settings, secrets, lambda: NOW)


TOKEN = reply({"errcode": 0, "access_token": "tok", "expires_in": 7200})
STALE = reply({"errcode": 42001, "errmsg": "access_token expired"})
SENT = reply({"errcode": 0, "msgid": "m-1"})


def test_app_message_renews_a_stale_token_once() -> None:
    with Provider([TOKEN, STALE, TOKEN, SENT, SENT]) as provider:
        channel = wecom_app(provider.url)
        assert channel.send(DELIVERY).provider_id == "m-1"
        channel.send(DELIVERY)
    assert [r.path.rsplit("/", 1)[1] for r in provider.requests] == ["gettoken", "send", "gettoken", "send", "send"]


def test_app_message_to_an_unknown_member_is_permanent() -> None:
    with Provider([TOKEN, reply({"errcode": 0, "invaliduser": "zhang"})]) as provider:
        channel = wecom_app(provider.url)
        with pytest.raises(DeliveryError, match="zhang") as error:
            channel.send(DELIVERY)
    assert error.value.permanent


def test_hanging_token_is_not_unknown() -> None:
    with Provider([CLOSE]) as provider, pytest.raises(DeliveryError) as error:
        wecom_app(provider.url).send(DELIVERY)
    assert not error.value.unknown


def test_long_text_is_split_by_bytes() -> None:
    with Provider([OK]) as provider:
        robot("wecom", provider.url).send(replace(DELIVERY, body="民声" * 1500))
    texts = [str(r.json()["text"]["content"]) for r in provider.requests]  # type: ignore[index]
    assert len(texts) > 4
    assert all(len(t.encode()) <= 2048 for t in texts)
    assert "".join(t.split(") ", 1)[1] for t in texts) == "民声" * 1500


def test_rate_limit_is_per_minute_and_survives_a_clock_jump() -> None:
    moments = iter([NOW, NOW, NOW, NOW + timedelta(seconds=61), NOW - timedelta(hours=3)])
    rate = RateLimit(2, lambda: next(moments))
    rate.take()
    rate.take()
    with pytest.raises(DeliveryError) as error:
        rate.take()
    assert not error.value.permanent
    rate.take()
    rate.take()


def test_webhook_is_signed() -> None:
    with Provider([Script(status=204, body=b"")]) as provider:
        settings = {"kind": "webhook", "url": f"{provider.url}/in", "secret_env": "S"}
        open_channel(settings, secrets, lambda: NOW).send(DELIVERY)
    (seen,) = provider.requests
    stamp = seen.headers["X-Minsheng-Timestamp"]
    assert seen.headers["X-Minsheng-Signature"] == f"sha256={signature(stamp, seen.body, 'secret-of-env:S')}"
    mac = hmac.new(b"secret-of-env:S", stamp.encode() + b"." + seen.body, hashlib.sha256).hexdigest()
    assert seen.headers["X-Minsheng-Signature"].endswith(mac)
    assert seen.json()["subject"] == DELIVERY.subject


@pytest.mark.parametrize(("script", "permanent", "unknown"), [(BROKEN, False, False), (HANG, False, True)])
def test_webhook_failures(script: Script, permanent: bool, unknown: bool) -> None:
    with Provider([script]) as provider:
        channel = open_channel({"kind": "webhook", "url": provider.url, "timeout": 1}, secrets, lambda: NOW)
        with pytest.raises(DeliveryError) as error:
            channel.send(DELIVERY)
    assert (error.value.permanent, error.value.unknown) == (permanent, unknown)


class Mailbox:
    """An SMTP server's handler with scripted answers."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []
        self.rcpt = "250 OK"
        self.data = "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data == "close":
            server.transport.abort()
        self.messages.append(envelope)
        return self.data


@pytest.fixture
def smtp() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def mail(port: int) -> Channel:
    settings = {"kind": "mail", "host": "127.0.0.1", "port": port, "sender": "minsheng@example.invalid", "timeout": 2}
    return open_channel(settings, secrets, lambda: NOW)


def test_mail_arrives(smtp: tuple[Mailbox, int]) -> None:
    from email import message_from_bytes
    from email.policy import default

    box, port = smtp
    mail(port).send(replace(DELIVERY, subject="【Ⅰ级】交办\r\nBcc: someone@example.invalid"))
    (envelope,) = box.messages
    assert envelope.rcpt_tos == ["scjg@example.invalid"]
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=default)
    assert message["Bcc"] is None
    assert message["Subject"] == "【Ⅰ级】交办 Bcc: someone@example.invalid"
    assert message["Message-ID"] == "<d-1@example.invalid>"
    assert "学校食堂食品安全" in message.get_content()


@pytest.mark.parametrize(
    ("rcpt", "data", "permanent", "unknown"),
    [
        ("550 no such user", "250 OK", True, False),
        ("450 try later", "250 OK", False, False),
        ("250 OK", "554 refused", True, False),
        ("250 OK", "452 full", False, False),
        ("250 OK", "close", False, True),
    ],
)
def test_mail_failures(smtp: tuple[Mailbox, int], rcpt: str, data: str, permanent: bool, unknown: bool) -> None:
    box, port = smtp
    box.rcpt, box.data = rcpt, data
    with pytest.raises(DeliveryError) as error:
        mail(port).send(DELIVERY)
    assert (error.value.permanent, error.value.unknown) == (permanent, unknown)


@pytest.mark.parametrize("email", ["", "nobody", "名字@example.invalid"])
def test_mail_needs_an_address(email: str) -> None:
    with pytest.raises(DeliveryError) as error:
        mail(1).send(replace(DELIVERY, address={"email": email}))
    assert error.value.permanent


def test_mail_server_away() -> None:
    with Provider([OK]) as provider:
        port = int(provider.url.rsplit(":", 1)[1])
    with pytest.raises(DeliveryError) as error:
        mail(port).send(DELIVERY)
    assert (error.value.permanent, error.value.unknown) == (False, False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "telex"}, "kind"),
        ({"kind": "wecom", "key": "abc"}, "key_env"),
        ({"kind": "wecom"}, "key_env"),
        ({"kind": "wecom", "key_env": "A", "key_file": "b"}, "key_env"),
        ({"kind": "wecom", "key_env": "A", "colour": "red"}, "colour"),
        ({"kind": "wecom", "key_env": "A", "per_minute": "many"}, "per_minute"),
        ({"kind": "wecom", "key_env": "A", "per_minute": True}, "per_minute"),
        ({"kind": "mail"}, "host"),
        ({"kind": "mail", "host": "h", "sender": "nobody"}, "sender"),
        ({"kind": "mail", "host": "h", "sender": "a@b", "security": "maybe"}, "security"),
        ({"kind": "aliyun_sms", "key_id": "i", "secret_env": "S", "sign_name": "n"}, "template"),
    ],
)
def test_settings_are_strict(settings: dict[str, object], words: str) -> None:
    problem = channel_problem(settings, lambda: NOW)
    assert problem is not None
    assert words in problem


def test_the_small_office_has_good_channels() -> None:
    assert [channel_problem(t, lambda: NOW) for t in OFFICE_CHANNELS.values()] == [None, None]
    assert set(CHANNELS) == {"mail", "webhook", "wecom", "wecom_app", "dingtalk", "feishu", "aliyun_sms", "record"}


def test_secrets_come_from_environment_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINSHENG_TEST_KEY", " abc\n")
    assert read_secret("env:MINSHENG_TEST_KEY") == "abc"
    path = tmp_path / "key"
    path.write_text("def\n", encoding="utf-8")
    assert read_secret(f"file:{path}") == "def"
    for missing in ("env:MINSHENG_NO_SUCH", f"file:{tmp_path / 'none'}", "abc"):
        with pytest.raises(SettingsError):
            read_secret(missing)
