"""Addresses: one form per page, one id per item."""

import hashlib
import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

#: parameters that tell a site where the reader came from, never what he reads
_TRACKING = re.compile(
    r"^(utm_\w+|spm|scm|from|isappinstalled|share\w*|wxshare\w*|nsukey|tt_from|weixin_\w+|sudaref|vt|ncid|cre|mod|loc"
    r"|ref|refer|referer|fbclid|gclid|yclid|mc_[ce]id|_t|_t_t_t|timestamp|jsessionid|phpsessid|sid|bd_vid|hmsr|hmpl|hmcu"
    r"|f|g_f|source_?from|app_?ver|traceid|track_?id)$",
    re.I,
)
#: short names above that are content on some sites: kept where the path alone names no page
_AMBIGUOUS = {"f", "from", "mod", "loc", "ref", "sid", "vt", "cre"}
_SECOND_LEVEL = {"com", "net", "org", "gov", "edu", "ac", "mil"}


class BadAddress(ValueError):
    """The text is no address that can be fetched."""


def canonical(url: str) -> str:
    """One form of an address: lower-case host, no default port, no fragment, no tracking parameters.

    Raises BadAddress for anything but http and https with a host.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddress(f"地址无法识别：{url[:200]}") from error
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise BadAddress(f"只支持 http 和 https 地址：{url[:200]}")
    scheme = parts.scheme.lower()
    host = f"[{host}]" if ":" in host else host.rstrip(".").lower()
    default = {"http": 80, "https": 443}[scheme]
    netloc = host if port in (None, default) else f"{host}:{port}"
    path = re.sub(r";jsessionid=[^/?#]*", "", parts.path, flags=re.I) or "/"
    return urlunsplit((scheme, netloc, path, _query(parts.query, path), ""))


def _query(query: str, path: str) -> str:
    if not query:
        return ""
    names_page = bool(re.search(r"\.s?html?$|/\d{5,}", path))
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(k, v) for k, v in pairs if not _TRACKING.match(k) or (k.lower() in _AMBIGUOUS and not names_page)]
    return urlencode(kept) if len(kept) != len(pairs) else query


def join(base: str, link: str) -> str | None:
    """Canonical form of a link on the page `base`; None for scripts, mail addresses and broken links."""
    link = re.sub(r"\s+", "", link)[:2000]
    if not link or link.startswith(("#", "javascript:", "mailto:", "tel:", "data:")):
        return None
    try:
        return canonical(urljoin(base, link))
    except ValueError:
        return None


def host_key(url: str) -> str:
    """host:port of an address, the unit of politeness."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.hostname or ''}:{port}"


def site(url: str) -> str:
    """Registered domain (news.example.gov.cn → example.gov.cn), for "does the link stay on the site"."""
    host = urlsplit(url).hostname or ""
    if ":" in host or host.replace(".", "").isdigit():
        return host
    labels = host.split(".")
    keep = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2 else 2
    return ".".join(labels[-keep:])


def document_id(*parts: str) -> str:
    """Stable id: first 24 hex digits of the sha256 over the parts (an address, or source id and external id)."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
