"""The command `minsheng`: one file per group of commands under `app/commands`."""

import sys

import typer

from app.commands import analyse, check, gather, operate, processes

app = typer.Typer(
    name="minsheng",
    help="民声：公共舆情监测与回应。先运行 minsheng run，再用浏览器打开它给出的地址。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (processes, check, analyse, gather, operate):
    group.register(app)


def main() -> None:
    """Entry point; a closed pipe (`| head`) is no error."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
