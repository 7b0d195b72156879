"""Which addresses the crawler may reach. The check stands where the connection is made, so that neither a redirect
nor a name server that changes its answer gets round it."""

import ipaddress
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from crawlers.urls import host_key

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def forbidden(address: str) -> bool:
    """Whether an IP address is anything but a public one: loopback, private, link-local, metadata, multicast, reserved.

    IPv4 inside IPv6 (mapped, 6to4, Teredo, NAT64) is judged by the inner address. What is no address is forbidden.
    """
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0].strip("[]"))
    except ValueError:
        return True
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def refuse(url: str, *, private: bool, allowed: Collection[str], redirected: bool) -> str | None:
    """Why an address must not be asked, before any name is resolved; None where it may be.

    `allowed` holds the host:port of the sources that lie on private addresses. Another source must not be led there.
    """
    try:
        parts = urlsplit(url)
        key = host_key(url)
    except ValueError:
        return "地址无法识别"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "只允许 http 和 https 地址"
    if parts.username or parts.password:
        return "地址中不允许带账号"
    if private:
        return None if key in allowed else _literal(parts.hostname)
    if key in allowed and redirected:
        return "被引向内网地址"
    return _literal(parts.hostname) if key not in allowed else "内网地址只允许标明为内网的信息源访问"


def _literal(host: str) -> str | None:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return "不允许访问本机或内网地址"
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return "不允许访问本机或内网地址" if forbidden(host) else None


@implementer(IResolutionReceiver)
class _Filter:
    """Passes on only the addresses that may be reached."""

    def __init__(self, receiver: Any, name: str) -> None:
        self.receiver = receiver
        self.name = name

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 - the interface's name
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        if not forbidden(str(address.host)):
            self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
class GuardedResolver:
    """Name resolver of the reactor: what resolves to a forbidden address does not resolve, except for `allowed`."""

    def __init__(self, inner: Any, allowed: Collection[str]) -> None:
        self.inner = inner
        self.allowed = allowed  #: host:port, changed in place when the configuration changes

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        receiver = resolutionReceiver
        if f"{hostName}:{portNumber}" not in self.allowed:
            receiver = _Filter(resolutionReceiver, hostName)
        found: IHostResolution = self.inner.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )
        return found
