"""E-mail by SMTP. The Message-ID is made from the delivery's id, so that mail programs show a repeat once."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from alerts.channels.contract import Clock, DeliveryError, RateLimit, Secrets, SendResult, Settings, SettingsError
from storage.types import Delivery


class Mail:
    """`host`, `port`, `sender`, `security` (none, starttls, tls), `user` with `password_env`/`password_file`."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._host = table.text("host")
        self._port = table.number("port", 25)
        self._sender = table.text("sender")
        self._security = table.text("security", "none")
        self._user = table.text("user", "-")
        self._password = table.secret("password", optional=self._user == "-")
        self._timeout = table.number("timeout", 15)
        self._rate = RateLimit(table.number("per_minute", 120), clock)
        self._clock = clock
        table.done()
        if self._security not in ("none", "starttls", "tls"):
            raise SettingsError("security 应为 none、starttls 或 tls")
        if "@" not in parseaddr(self._sender)[1]:
            raise SettingsError("sender 应为邮箱地址")

    def send(self, delivery: Delivery) -> SendResult:
        to = parseaddr(delivery.address.get("email", ""))[1]
        if "@" not in to or not to.isascii():
            raise DeliveryError("收件人没有邮箱地址", permanent=True, code="address")
        self._rate.take()
        message = self._message(delivery, to)
        try:
            server = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError("连接不上邮件服务器", permanent=False, code=type(error).__name__) from None
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except (OSError, smtplib.SMTPException) as error:
            text = "邮件已发出，但没有收到确认，可能已送达"
            raise DeliveryError(text, permanent=False, unknown=True, code=type(error).__name__) from None
        finally:
            server.close()
        return SendResult(provider_id=str(message["Message-ID"]), code="250")

    def _message(self, delivery: Delivery, to: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = " ".join(delivery.subject.encode("utf-8", "replace").decode().split())
        message["Date"] = format_datetime(self._clock())
        message["Message-ID"] = f"<{delivery.id}@{parseaddr(self._sender)[1].partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(delivery.body.encode("utf-8", "replace").decode())
        return message

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                server.starttls(context=context)
            if self._user != "-":
                server.login(self._user, self._password)
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server


def _refused(code: int, words: bytes | str) -> DeliveryError:
    """SMTP says itself whether to try again: 4xx yes, 5xx no (RFC 5321 4.2.1)."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return DeliveryError(f"邮件服务器拒绝（{code}）：{text[:200]}", permanent=code >= 500, code=str(code))
