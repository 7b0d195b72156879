"""`sample`: the sample town's site, kept by `run`."""

import os
from datetime import datetime
from pathlib import Path

import typer

from app import clock
from app.console import DataOption
from app.folder import open_folder, sample_settings
from app.sample import run as run_town
from app.signals import die_with_parent


def register(app: typer.Typer) -> None:
    app.command("sample", hidden=True)(sample)


def sample(data: DataOption = Path("data")) -> None:
    """示例镇网站（只在本机回环地址）。"""
    folder = open_folder(data)
    settings = sample_settings(folder, clock.now())
    die_with_parent(lambda: os._exit(0))
    run_town(int(str(settings["port"])), datetime.fromisoformat(str(settings["start"])))
