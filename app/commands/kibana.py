"""`kibana apply` and `kibana bundle`: the office's Kibana from code."""

import os
import sys
from typing import Annotated

import typer

from app.console import fail, out
from dashboards.kibana import bundle
from dashboards.kibana.apply import KibanaRefused, apply, connected

kibana_app = typer.Typer(help="Kibana", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(kibana_app, name="kibana")


@kibana_app.command("apply")
def kibana_apply(
    url: Annotated[str, typer.Option("--url", envvar="MINSHENG_KIBANA", help="https://用户:密码@主机:5601")],
) -> None:
    """在 Kibana 里建好空间、数据视图、仪表板、只读角色和规则；可重复运行。密钥可放在环境变量 MINSHENG_KIBANA_KEY。"""
    try:
        with connected(url, os.environ.get("MINSHENG_KIBANA_KEY")) as client:
            apply(client, out.print)
    except KibanaRefused as error:
        fail(str(error))


@kibana_app.command("bundle")
def kibana_bundle() -> None:
    """把仪表板写成 NDJSON，供在 Kibana 页面上手工导入（先在那里建好数据视图）。"""
    sys.stdout.write(bundle.ndjson(bundle.saved_objects()).decode())
