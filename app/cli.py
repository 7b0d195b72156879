"""The command `minsheng`: one file per command or group under `app/commands`, loaded only when it is asked for.

Each process of `minsheng run` is one of these commands; a process that only shows pages need not load the crawler.
"""

import sys
from collections.abc import Mapping
from importlib import import_module

import typer

#: command → module of app.commands
COMMANDS: Mapping[str, str] = {
    "run": "run",
    "crawl": "crawl",
    "work": "work",
    "serve": "serve",
    "sample": "sample",
    "check": "check",
    "route": "check",
    "import": "import_",
    "extract": "extract",
    "assess": "analyse",
    "cluster": "analyse",
    "phrases": "phrases",
    "train": "train",
    "evaluate": "train",
    "replay": "replay",
    "report": "report",
    "sources": "sources",
    "user": "operate",
    "audit": "operate",
    "channel": "operate",
    "doctor": "operate",
    "backup": "operate",
    "restore": "operate",
    "migrate-to": "migrate",
    "reassess": "reassess",
    "reextract": "reextract",
    "kibana": "kibana",
}


def build(wanted: str | None = None) -> typer.Typer:
    """The command line with the one command that is wanted, or with all of them (for help and for a typing slip)."""
    app = typer.Typer(
        name="minsheng",
        help="民声：公共舆情监测与回应。先运行 minsheng run，再用浏览器打开它给出的地址。",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_keep_groups)
    modules = (
        [COMMANDS[wanted]] if wanted is not None and wanted in COMMANDS else list(dict.fromkeys(COMMANDS.values()))
    )
    for name in modules:
        import_module(f"app.commands.{name}").register(app)
    return app


def _keep_groups() -> None:
    """Without a callback Typer would take a single command for the whole program."""


def main() -> None:
    """Entry point; a closed pipe (`| head`) is no error."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
