"""The office's files: the shipped ones load; each mistake is named with file, line and what was expected."""

import shutil
from pathlib import Path

import pytest

from app.config import ConfigError, load

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture
def config(tmp_path: Path) -> Path:
    target = tmp_path / "config"
    shutil.copytree(REPO / "config", target)
    return target


def edit(config: Path, file: str, old: str, new: str) -> None:
    text = (config / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}"
    (config / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(config: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(config)
    return [str(p) for p in caught.value.problems]


def test_the_shipped_configuration_loads(config: Path) -> None:
    office = load(config, variables={"sample_port": "8791"}).office
    assert len([t for t in office.topics.values() if t.seed]) == 10
    assert len(office.departments) >= 30
    assert any("8791" in s.url for s in office.sources.values())
    assert len(office.version) == 12


def test_the_version_follows_the_content(config: Path) -> None:
    before = load(config).office.version
    assert load(config).office.version == before
    (config / "places.toml").write_text((config / "places.toml").read_text(encoding="utf-8") + "\n# x\n", "utf-8")
    assert load(config).office.version != before


def test_an_unknown_key_is_named_with_its_line_and_the_known_ones(config: Path) -> None:
    edit(config, "routing.toml", 'id = "grave-rumour"', 'id = "grave-rumour"\nleed = "gaj"')
    (found,) = problems(config)
    line = next(
        n for n, text in enumerate((config / "routing.toml").read_text("utf-8").split("\n"), 1) if text == "[[routes]]"
    )
    assert found.startswith(f"routing.toml:{line} [[routes]] 第 1 条（grave-rumour） leed：不认识的键")
    assert "lead" in found


@pytest.mark.parametrize(("value", "expected"), [("0", "现在是 0"), ("50", "现在是 50"), ('"很少"', "应为数字")])
def test_false_alarms_of_bursts_are_checked_with_file_and_line(config: Path, value: str, expected: str) -> None:
    edit(config, "office.toml", "burst_false_alarms = 1.0", f"burst_false_alarms = {value}")
    lines = (config / "office.toml").read_text("utf-8").split("\n")
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("burst_false_alarms"))
    (found,) = problems(config)
    assert found.startswith(f"office.toml:{number} [risk] burst_false_alarms：")
    assert expected in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"must.moral" = "yellow"', '"must.morel" = "yellow"', "没有下限 'must.morel'；是不是 'must.moral'？"),
        ('single = "blue"', 'singel = "blue"', "没有上限 'singel'；是不是 'single'？"),
    ],
)
def test_a_floor_or_cap_that_could_never_hold_is_named(config: Path, old: str, new: str, expected: str) -> None:
    edit(config, "office.toml", old, new)
    (found,) = problems(config)
    assert expected in found


def test_a_sources_area_must_be_a_place(config: Path) -> None:
    edit(config, "sources.toml", 'area = "义乌"', 'area = "义鸟"')
    (found,) = problems(config)
    assert "area" in found
    assert "没有地名 '义鸟'" in found


def comparisons(config: Path, *, shift: float = 1.0) -> str:
    """The line of the matrix that the shipped weights follow from; `shift` breaks its first judgement."""
    weights = list(load(config).office.risk.weights.values())
    rows = [[round(a / b, 4) for b in weights] for a in weights]
    rows[0][6], rows[6][0] = rows[0][6] / shift, rows[6][0] * shift
    return f"comparison = {rows}\n\n[risk.weights]"


def test_pairwise_comparisons_must_be_coherent_and_fit_the_weights(config: Path) -> None:
    shipped = (config / "office.toml").read_text("utf-8")
    good, bad = comparisons(config), comparisons(config, shift=60)
    edit(config, "office.toml", "[risk.weights]", good)
    assert len(load(config).office.risk.comparison) == 7
    edit(config, "office.toml", "S = 0.24 ", "S = 0.18 ")
    edit(config, "office.toml", "N = 0.13 ", "N = 0.19 ")
    (found,) = problems(config)
    assert "[risk] comparison" in found
    assert "S = 0.24、V = 0.21" in found
    for line, expected in ((bad, "一致性比例 CR"), (good.replace("[[1.0, ", "[[1.0, 9.0, ", 1), "每行 7 个数")):
        (config / "office.toml").write_text(shipped.replace("[risk.weights]", line, 1), "utf-8")
        assert any(expected in p for p in problems(config)), expected


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("topics.toml", 'departments = ["', 'departments = ["nobody", "', "没有单位 'nobody'"),
        ("departments.toml", "name = ", "nmae = ", "不认识的键"),
        ("office.toml", "threshold = ", 'threshold = "high" # ', "应为数字"),
        ("office.toml", "scorer = ", 'scorer = "snowlnp" # ', "没有情感判别 'snowlnp'；是不是 'snownlp'？"),
        ("office.toml", "keywords = ", 'keywords = "rank" # ', "没有关键词算法 'rank'"),
        ("office.toml", "home = ", 'home = "atlantis" # ', "没有地点 'atlantis'"),
        ("topics.toml", "rule = '''减税", "rule = '''(减税", "列"),
        ("sources.toml", 'kind = "', 'kind = "rumor-mill" # "', "应为"),
        ("office.toml", "[storage]", "[storrage]", "不认识的表"),
        ("office.toml", "[office]", "[office", "不是有效的 TOML"),
    ],
)
def test_a_mistake_is_named(config: Path, file: str, old: str, new: str, expected: str) -> None:
    edit(config, file, old, new)
    found = problems(config)
    assert any(expected in text and text.startswith(file) for text in found), found


def test_every_problem_is_told_at_once(config: Path) -> None:
    edit(config, "departments.toml", "name = ", "nmae = ")
    edit(config, "places.toml", "name = ", "nmae = ")
    found = problems(config)
    for file in ("departments.toml:", "places.toml:"):
        assert any(text.startswith(file) for text in found), found


def test_a_missing_file_and_a_missing_folder_are_said(config: Path, tmp_path: Path) -> None:
    (config / "places.toml").unlink()
    assert any("places.toml" in text and "没有这个文件" in text for text in problems(config))
    assert "没有这个配置文件夹" in problems(tmp_path / "nowhere")[0]


def test_a_file_in_another_encoding_is_said(config: Path) -> None:
    (config / "places.toml").write_bytes('[[places]]\nname = "义乌"\n'.encode("gb18030"))
    assert any("UTF-8" in text for text in problems(config))
