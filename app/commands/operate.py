"""`user`, `audit`, `channel`, `doctor`, `backup`, `restore`: running an office."""

import secrets
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Annotated, get_args

import typer

from app import clock
from app.checkup import checkup
from app.commands.check import emit
from app.console import FAILED, USAGE, ConfigOption, DataOption, JsonOption, err, fail, out, read_config, stores
from app.links import new_link
from app.sender import send_test
from storage.ports import Ledger
from storage.types import AuditEntry, Role, User

user_app = typer.Typer(help="用户", no_args_is_help=True)
audit_app = typer.Typer(help="审计", no_args_is_help=True)
channel_app = typer.Typer(help="通道", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(user_app, name="user")
    app.add_typer(audit_app, name="audit")
    app.add_typer(channel_app, name="channel")
    app.command("doctor")(doctor)
    app.command("backup")(backup)
    app.command("restore")(restore)


@user_app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="登录名")],
    role: Annotated[list[str], typer.Option("--role", help="角色，可写多次：admin officer reviewer lead staff leader")],
    display: Annotated[str, typer.Option("--display", help="姓名或岗位")] = "",
    department: Annotated[str | None, typer.Option("--department", help="所属单位编号（lead、staff 必填）")] = None,
    email: Annotated[str | None, typer.Option("--email")] = None,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """新增用户，并给出一次性登录链接（24 小时内有效，打开后设置口令）。"""
    loaded = read_config(config)
    known = get_args(Role)
    for item in role:
        if item not in known:
            fail(f"没有角色 {item!r}；可用：{'、'.join(known)}", USAGE)
    if {"lead", "staff"} & set(role) and not department:
        fail("lead 和 staff 须用 --department 指明单位", USAGE)
    if department and department not in loaded.office.departments:
        fail(f"没有单位 {department!r}", USAGE)
    _, documents, ledger = stores(loaded, data)
    now = clock.now()
    roles = tuple(r for r in known if r in role)
    with ledger.begin() as tx:
        if tx.users.get(name) is not None:
            fail(f"已有用户 {name!r}", USAGE)
        tx.users.save(
            User(name=name, display=display or name, roles=roles, department=department, email=email, must_change=True,
                 created_at=now)
        )  # fmt: skip
        tx.audit.append(AuditEntry(actor="console", action="user.add", object=f"user:{name}", at=now))
    link = new_link(ledger, name, loaded.office.base_url, now, timedelta(hours=24))
    out.print(f"已新增 {name}。请把下面的链接交给本人，只能用一次：")
    out.print(link)
    documents.close()
    ledger.close()


@audit_app.command("verify")
def audit_verify(data: DataOption = Path("data"), config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """核对审计链；完好退出 0，否则退出 1 并说出第一条被改动的序号。"""
    _, documents, ledger = stores(read_config(config), data)
    documents.close()
    with ledger.read() as tx:
        broken = tx.audit.verify()
    ledger.close()
    if as_json:
        emit({"ok": broken is None, "broken": broken})
    elif broken is None:
        out.print("审计链完好。")
    else:
        err.print(f"审计链在第 {broken} 条处断开：该条或其前一条被改动过。")
    if broken is not None:
        raise typer.Exit(FAILED)


@channel_app.command("test")
def channel_test(
    channel: Annotated[str, typer.Argument(help="office.toml 中的通道编号")],
    to: Annotated[str | None, typer.Option("--to", help="收件地址（邮件通道需要）")] = None,
    config: ConfigOption = None,
) -> None:
    """发一条标明“测试”的消息；对方拒绝时退出 1，并给出对方的代码和原话。"""
    office = read_config(config).office
    if channel not in office.channels:
        fail(f"没有通道 {channel!r}；已有：{'、'.join(office.channels)}", USAGE)
    ok, text = send_test(office, channel, to, clock.now(), secrets.token_hex(4))
    if not ok:
        fail(text)
    out.print(text)


def doctor(data: DataOption = Path("data"), config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """体检：存储、队列、信源、通道、审计链；有毛病的逐条说明该怎么办。"""
    loaded = read_config(config)
    _, documents, ledger = stores(loaded, data)
    findings = checkup(loaded.office, documents, ledger, clock.now())
    documents.close()
    ledger.close()
    if as_json:
        emit([{"ok": f.ok, "what": f.what, "text": f.text} for f in findings])
    else:
        for finding in findings:
            out.print(f"{'正常' if finding.ok else '[yellow]注意[/yellow]'}  {finding.what}：{finding.text}")
    if not all(f.ok for f in findings):
        raise typer.Exit(FAILED)


def backup(
    target: Annotated[Path, typer.Argument(help="备份文件夹（不存在或为空）")],
    data: DataOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """在线备份数据目录（运行中也可以）。"""
    if target.exists() and any(target.iterdir()):
        fail(f"{target} 不是空文件夹，请换一个", USAGE)
    loaded = read_config(config)
    folder, documents, ledger = stores(loaded, data)
    target.mkdir(parents=True, exist_ok=True)
    _copy(ledger, folder.path, target)
    documents.close()
    ledger.close()
    shutil.copytree(loaded.directory, target / "config", dirs_exist_ok=True)
    out.print(f"已备份到 {target}。其中含密钥文件 secret.key，请妥善保管。")


def _copy(ledger: Ledger, data: Path, target: Path) -> None:
    ledger.backup(str(target))
    for name in ("secret.key", "sample.json"):
        if (data / name).exists():
            shutil.copy2(data / name, target / name)


def restore(
    source: Annotated[Path, typer.Argument(help="备份文件夹")],
    data: DataOption = Path("data"),
) -> None:
    """从备份恢复到一个空的数据目录。"""
    if not (source / "secret.key").exists():
        fail(f"{source} 不是民声的备份（没有 secret.key）", USAGE)
    if data.exists() and any(data.iterdir()):
        fail(f"数据目录 {data} 不是空的；恢复不会覆盖已有数据，请换一个目录或先移走它", USAGE)
    shutil.copytree(source, data, dirs_exist_ok=True, ignore=shutil.ignore_patterns("config"))
    out.print(f"已恢复到 {data}；请运行 minsheng audit verify --data {data} 核对。")
