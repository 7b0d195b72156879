"""Which characters the bytes of a page mean.

The rule is measured on 130 pages (see docs of the gathering notes): of ten UTF-8 pages three *declare* gb2312, because
they were re-saved or passed a proxy; a reader that trusts the declaration garbles them. So a declaration only counts
where strict UTF-8 fails.
"""

import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

#: a declared charset is widened to the superset that servers really send
WIDER = {
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "utf8": "utf-8",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,20})|<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,20})",
    re.I,
)
#: detection looks at so many bytes from the middle of the markup; more does not change the answer
_DETECT_BYTES = 32_768
#: bytes outside ASCII that detection needs to be sure
_SURE = 200
#: a page with a larger share of replacement characters was not understood
GARBLED = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Text of a body, the charset that was used, and the share of characters that could not be read (0..1)."""

    text: str
    charset: str
    garbled: float = 0.0


def decode(body: bytes, *, content_type: str = "", encoding: str | None = None) -> Decoded:
    """Text of `body`: operator's `encoding`, byte order mark, HTTP header, strict UTF-8, declaration, detection.

    A candidate counts only if it decodes without an error; the last one is taken with replacement characters.
    """
    if not body:
        return Decoded(text="", charset="utf-8")
    candidates = [c for c in (encoding, _bom(body), _header(content_type), "utf-8", declared(body)) if c]
    for charset in candidates:
        text = _strict(body, charset)
        if text is not None:
            return Decoded(text=text, charset=charset)
    charset = declared(body) or _detected(body)
    return _lenient(body, charset)


def declared(body: bytes) -> str | None:
    """Charset that the markup itself names, widened; None where it names none that Python knows."""
    found = _DECLARED.search(body[:4096])
    return _known((found[1] or found[2]).decode("ascii", "replace")) if found else None


def _header(content_type: str) -> str | None:
    found = _HEADER.search(content_type)
    name = _known(found[1]) if found else None
    return None if name == "cp1252" else name  # the default of many servers says nothing


def _bom(body: bytes) -> str | None:
    return next((name for mark, name in _BOMS if body.startswith(mark)), None)


def _known(name: str) -> str | None:
    name = name.strip().lower()
    name = WIDER.get(name, name)
    try:
        b"".decode(name)
    except (LookupError, ValueError):
        return None
    return None if name in _NOT_TEXT else name


_NOT_TEXT = {"hex", "base64", "zlib", "bz2", "rot13", "uu", "quopri", "idna", "punycode", "unicode_escape"}


def _strict(body: bytes, charset: str) -> str | None:
    try:
        return body.decode(charset)
    except (UnicodeError, LookupError):
        return _cut(body, charset)


def _cut(body: bytes, charset: str) -> str | None:
    """The text of a body whose only fault is a character cut in two at its end (a size limit, an old server)."""
    try:
        body.decode(charset)
    except UnicodeDecodeError as error:
        if error.start >= len(body) - 4 and error.start > 64:
            return body[: error.start].decode(charset)
    except LookupError:
        return None
    return None


def _detected(body: bytes) -> str:
    letters = sum(byte > 0x7F for byte in body[:4096])
    if letters < _SURE and _strict(body, "gb18030") is not None:
        return "gb18030"  # too short to tell the charsets of East Asia apart; this is the likely one here
    start = max(0, len(body) // 2 - _DETECT_BYTES // 2)
    best = from_bytes(body[start : start + _DETECT_BYTES]).best()
    return (_known(best.encoding) if best else None) or "gb18030"


def _lenient(body: bytes, charset: str) -> Decoded:
    choices = [(body.decode(c, "replace"), c) for c in dict.fromkeys((charset, "utf-8", "gb18030"))]
    text, charset = min(choices, key=lambda c: c[0].count("\ufffd"))
    return Decoded(text=text, charset=charset, garbled=text.count("\ufffd") / max(1, len(text)))
