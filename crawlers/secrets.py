"""Tokens of providers: from the environment or a file, added at the moment of the request, kept nowhere."""

import os
from pathlib import Path
from urllib.parse import urlencode

from crawlers.kinds import KINDS, TokenExpired
from storage.types import Source


def authorised(source: Source, url: str) -> tuple[str, dict[str, str]]:
    """Address and headers of a request with the source's token. Raises TokenExpired where a named token is missing."""
    how = KINDS[source.type].token
    if how == "none" or not (source.token_env or source.token_file):
        return url, {}
    token = _token(source)
    if how == "bearer":
        return url, {"Authorization": f"Bearer {token}"}
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'access_token': token})}", {}


def _token(source: Source) -> str:
    token = os.environ.get(source.token_env or "", "") if source.token_env else ""
    if not token and source.token_file:
        try:
            token = Path(source.token_file).read_text("utf-8").strip()
        except OSError as error:
            raise TokenExpired(f"令牌文件无法读取：{source.token_file}") from error
    if not token:
        raise TokenExpired(f"没有令牌，请设置环境变量 {source.token_env or ''}".strip())
    return token
