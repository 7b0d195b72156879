"""Bringing a Kibana to what `bundle` says, through its official client. Every step may be repeated."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from kibana import Kibana
from kibana.exceptions import ApiError, ConflictError, KibanaException, NotFoundError

from dashboards.kibana import bundle
from dashboards.kibana.lens import Json

OLDEST = (9, 4)
Say = Callable[[str], None]


class KibanaRefused(Exception):
    """Kibana is away, too old or says no. The message is Chinese and says what to do."""


@contextmanager
def connected(url: str, api_key: str | None = None) -> Iterator[Kibana]:
    """A client for `http(s)://user:password@host:5601`, or with an API key instead of a user."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 5601)
    except ValueError as error:
        raise KibanaRefused("Kibana 地址无法识别：请写成 https://用户:密码@主机:5601") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise KibanaRefused("Kibana 地址无法识别：请写成 https://用户:密码@主机:5601")
    options: dict[str, Any] = {}
    if api_key:
        options["api_key"] = api_key
    elif parts.username is not None:
        options["basic_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    client = Kibana(f"{parts.scheme}://{parts.hostname}:{port}", request_timeout=60, **options)
    try:
        yield client
    except ApiError as error:
        raise KibanaRefused(_explain(error)) from error
    except KibanaException as error:
        raise KibanaRefused(f"连不上 Kibana {parts.hostname}:{port}：请确认它已启动、地址和网络无误") from error
    finally:
        client.close()


def apply(client: Kibana, say: Say, *, prefix: str = "minsheng") -> None:
    """Space, data view, dashboards, role, connector, rules; in this order, because each needs the one before."""
    _check_version(client)
    _space(client)
    say(f"空间 {bundle.SPACE}")
    client.data_views.create(data_view=bundle.data_view(prefix), override=True, space_id=bundle.SPACE)
    say(f"数据视图 {bundle.VIEW}")
    _dashboards(client)
    say(f"仪表板 {len(bundle.BOARDS)} 个")
    client.security.create_or_update_role(name=bundle.ROLE, **bundle.role(prefix))
    say(f"只读角色 {bundle.ROLE}")
    _connector(client)
    for rule in bundle.rules(prefix):
        _rule(client, rule)
        say(f"规则 {rule['name']}")


def _check_version(client: Kibana) -> None:
    text = str(client.status.get_status().body.get("version", {}).get("number", ""))
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        raise KibanaRefused(f"Kibana 版本 {text or '未知'} 太旧：需要 {OLDEST[0]}.{OLDEST[1]} 或更新")


def _space(client: Kibana) -> None:
    about: dict[str, Any] = {"name": "民声", "description": "文档的走势、单位、信源", "initials": "民"}
    try:
        client.spaces.create(id=bundle.SPACE, **about)
    except ConflictError:
        client.spaces.update(id=bundle.SPACE, **about)


def _dashboards(client: Kibana) -> None:
    """Import; an answer with status 200 may still hold failures."""
    file = bundle.ndjson(bundle.saved_objects())
    answer = client.saved_objects.import_objects(
        file=file, overwrite=True, filename="minsheng.ndjson", space_id=bundle.SPACE
    ).body
    if not answer.get("success") or answer.get("successCount") != len(bundle.BOARDS):
        failed = "、".join(f"{e.get('id')}（{e.get('error', {}).get('type')}）" for e in answer.get("errors", ()))
        raise KibanaRefused(f"仪表板没有全部导入：{failed or '条数不符'}")


def _connector(client: Kibana) -> None:
    try:
        client.connectors.get(id=bundle.CONNECTOR, space_id=bundle.SPACE)
    except NotFoundError:
        client.connectors.create(
            id=bundle.CONNECTOR, name="民声日志", connector_type_id=".server-log", config={}, secrets={},
            space_id=bundle.SPACE,
        )  # fmt: skip


def _rule(client: Kibana, rule: Json) -> None:
    try:
        client.alerting.rule.get(id=rule["id"], space_id=bundle.SPACE)
    except NotFoundError:
        client.alerting.rule.create(**rule, space_id=bundle.SPACE)
        return
    fixed = ("rule_type_id", "consumer")
    client.alerting.rule.update(**{k: v for k, v in rule.items() if k not in fixed}, space_id=bundle.SPACE)


def _explain(error: ApiError) -> str:
    status = error.status_code
    if status == 401:
        return "Kibana 不认用户名或口令：请核对地址里的用户和密码，或 MINSHENG_KIBANA_KEY"
    if status == 403:
        return "Kibana 用户权限不够：需要能管理空间、角色、数据视图和规则的用户"
    return f"Kibana 拒绝了请求（{status}）：{str(error.message)[:200]}"
