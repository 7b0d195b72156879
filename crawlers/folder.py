"""Files that somebody drops into a folder: which there are, and which have changed."""

from pathlib import Path

from crawlers.files import SUFFIXES
from crawlers.kinds.shapes import UnreadableSource

_MOST = 400


def is_local(url: str) -> bool:
    """Whether the address of a source is a path of this machine."""
    return not url.startswith(("http://", "https://"))


def local_files(url: str) -> list[tuple[Path, str]]:
    """(path, size and time of change) of the file, or of each table in the folder, youngest first.

    Names that begin with a dot or `~$` are somebody's unfinished work. Raises UnreadableSource where nothing is there.
    """
    place = Path(url.removeprefix("file://"))
    try:
        paths = [place] if place.is_file() else [p for p in place.iterdir() if p.is_file()]
        found = [(p, p.stat()) for p in paths if p.suffix.lower() in SUFFIXES and not p.name.startswith((".", "~$"))]
    except OSError as error:
        raise UnreadableSource(f"文件夹或文件无法读取：{url}") from error
    found.sort(key=lambda f: f[1].st_mtime, reverse=True)
    return [(p, f"{s.st_size} {s.st_mtime_ns}") for p, s in found[:_MOST]]
