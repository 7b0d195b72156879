"""`train` and `evaluate`: an office's own labelled rows → models, and how good a model is on rows it has not seen."""

import csv
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer

from analysis.corpora import UnusableRows
from analysis.quality import evaluate
from analysis.routing import train_departments
from analysis.sentiment import LABELS, UnusableModel
from analysis.training import MissingExtra, train_sentiment
from app.commands.check import emit
from app.console import USAGE, ConfigOption, DataOption, JsonOption, err, fail, out, progress, read_config
from app.jsonl import not_json
from app.labelled import labelled_rows
from app.stores import stores
from storage.ports import StoreError
from storage.types import KINDS

train_app = typer.Typer(help="用本单位标注的数据训练模型", no_args_is_help=True)
evaluate_app = typer.Typer(help="用标注的数据评估模型", no_args_is_help=True)

RowsOption = Annotated[Path, typer.Option("--data", help="标注文件：CSV 或 JSONL，含 title、text、label")]
OutOption = Annotated[Path, typer.Option("--out", help="模型写入的文件夹")]
RowsOutOption = Annotated[Path, typer.Option("--out", help="标注文件写入的文件夹")]
Subject = Literal["sentiment", "departments"]

#: bad rows that are printed one by one; all of them are counted
SHOWN_BAD = 20
#: below this many rows a model is tried before it is used
FEW = 200
#: label words of sentiment rows, as analysis.corpora reads them
_SENTIMENTS = {*LABELS, "-1", "0", "1", "2", "负面", "中性", "正面"}
_NAMES = {
    "rows": "条数", "accuracy": "准确率", "macro_f1": "宏平均 F1", "majority_macro_f1": "全猜最多一类的 F1",
    "ece": "校准误差", "dispatched": "把握不低于 0.8 的占比", "dispatched_accuracy": "其中判对的占比",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    app.add_typer(train_app, name="train")
    app.add_typer(evaluate_app, name="evaluate")


@train_app.command("sentiment")
def train_feelings(data: RowsOption, target: OutOption, as_json: JsonOption = False) -> None:
    """训练情感模型：label 为 negative、neutral、positive（或 -1、0、1），可选 kind 说明文档种类。"""
    _train("sentiment", data, target, as_json=as_json)


@train_app.command("departments")
def train_units(data: RowsOption, target: OutOption, as_json: JsonOption = False) -> None:
    """训练部门分类模型：label 为单位编号，每个单位至少 5 条。"""
    _train("departments", data, target, as_json=as_json)


@train_app.command("rows")
def corrected_rows(target: RowsOutOption, data: DataOption = Path("data"), config: ConfigOption = None) -> None:
    """导出页面上的人工更正和成立的退件，作为标注文件：sentiment.jsonl、departments.jsonl。"""
    loaded = read_config(config)
    if not data.is_dir():
        fail(f"没有数据目录 {data}；请用 --data 指明", USAGE)
    _, documents, ledger = stores(loaded, data)
    try:
        with ledger.read() as tx:
            rows = labelled_rows(tx, documents)
        target.mkdir(parents=True, exist_ok=True)
        for subject, found in (("sentiment", rows.sentiment), ("departments", rows.departments)):
            (target / f"{subject}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in found))
    except (StoreError, OSError) as error:
        fail(str(error))
    finally:
        documents.close()
        ledger.close()
    out.print(f"情感 {len(rows.sentiment)} 条，部门 {len(rows.departments)} 条，已存入 {target}", markup=False)
    out.print("条数少时请与平时的标注合在一起训练，并用 minsheng evaluate 比较后再启用。")


def _train(subject: Subject, data: Path, target: Path, *, as_json: bool) -> None:
    if find_spec("sklearn") is None:  # asked before any work, and said in one line
        fail("训练需要 scikit-learn，请先安装：pip install minsheng[train]")
    if data.is_dir() and subject == "sentiment":
        out.print("按研究数据集文件夹训练，需要几分钟。")
    else:
        _refuse_bad_rows(data, subject)
    if target.exists() and not target.is_dir():
        fail(f"{target} 不是文件夹，请换一个 --out", USAGE)
    learn = train_sentiment if subject == "sentiment" else train_departments
    try:
        with progress("训练", quiet=as_json), _warnings_in_chinese():
            counts = learn(data, target)
    except (UnusableRows, UnusableModel) as error:
        fail(str(error))
    except MissingExtra:
        fail("训练需要 scikit-learn，请先安装：pip install minsheng[train]")
    except OSError as error:
        fail(f"写不了 {target}：{error.strerror}")
    path, total = target / f"{subject}.npz", sum(counts.values())
    if total < FEW:
        err.print(f"标注较少（{total} 条）；可以使用，但请先用 minsheng evaluate 核对，最好补充标注后重新训练。")
    if as_json:
        emit({"model": str(path), "rows": total, "counts": counts})
    else:
        out.print(f"用 {total} 条训练完成：{path}", markup=False)
        out.print("  ".join(f"{name} {count}" for name, count in counts.items()), markup=False)
        out.print("启用：把文件夹写到 office.toml 的 models，重新启动后再运行 minsheng reassess。")


@contextmanager
def _warnings_in_chinese() -> Iterator[None]:
    """scikit-learn's English warning of an unfinished training in one Chinese line; others stay as they are."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    for warning in noted:
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if any(issubclass(warning.category, ConvergenceWarning) for warning in noted):
        err.print("模型没有完全收敛；可以使用，但请先用 minsheng evaluate 核对，最好补充标注后重新训练。")


def _evaluated(subject: Subject, model: Path, data: Path, *, as_json: bool) -> None:
    _refuse_bad_rows(data, subject)
    if not (model / f"{subject}.npz").is_file():
        fail(f"{model} 里没有 {subject}.npz，请先运行 minsheng train {subject}", USAGE)
    try:
        found = evaluate(subject, model, data)
    except (UnusableRows, UnusableModel) as error:
        fail(str(error))
    metrics = found["metrics"]
    if as_json:
        emit(found)
    elif isinstance(metrics, Mapping):
        for name, value in metrics.items():
            shown = "—" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
            out.print(f"{_NAMES.get(name, name)}：{shown}")


ModelOption = Annotated[Path, typer.Option("--model", help="模型所在的文件夹")]


@evaluate_app.command("sentiment")
def evaluate_feelings(model: ModelOption, data: RowsOption, as_json: JsonOption = False) -> None:
    """评估情感模型；--json 输出指标和每一条的判断。"""
    _evaluated("sentiment", model, data, as_json=as_json)


@evaluate_app.command("departments")
def evaluate_units(model: ModelOption, data: RowsOption, as_json: JsonOption = False) -> None:
    """评估部门分类模型；--json 输出指标和每一条的候选单位。"""
    _evaluated("departments", model, data, as_json=as_json)


def _refuse_bad_rows(path: Path, subject: Subject) -> None:
    """Every row that cannot be used, by its line in the file; then the end. Training on half a file helps nobody."""
    if not path.is_file():
        fail(f"没有文件 {path}", USAGE)
    good, bad = 0, 0
    try:
        for line, row in _numbered(path):
            fault = row if isinstance(row, str) else _fault(row, subject)
            good += fault is None
            if fault is not None:
                bad += 1
                if bad <= SHOWN_BAD:
                    err.print(f"第 {line} 行：{fault}", markup=False)
    except UnicodeDecodeError:
        fail(f"{path.name} 不是 UTF-8 编码，请另存为 UTF-8 的 CSV 或 JSONL")
    except (OSError, csv.Error) as error:
        fail(f"{path.name} 无法读取：{error}")
    if bad:
        fail(f"{path.name} 有 {bad} 行不能使用（列出前 {SHOWN_BAD} 处），请改正后重试")
    if not good:
        fail(f"{path.name} 里没有一行数据")


def _numbered(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    """(line on which the row begins, its fields, or what is wrong with it)."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix.lower() in {".jsonl", ".json"}:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _json_row(line)
            return
        csv.field_size_limit(1 << 27)
        reader = csv.DictReader(file)
        missing = {"text", "label"} - set(reader.fieldnames or ())
        if missing:
            yield 1, f"表头缺少 {'、'.join(sorted(missing))}"
            return
        begins = reader.line_num + 1
        for row in reader:
            yield begins, {k: v or "" for k, v in row.items() if k}
            begins = reader.line_num + 1


def _json_row(line: str) -> dict[str, str] | str:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return not_json(error)
    if not isinstance(row, dict):
        return "应为一个 JSON 对象"
    return {k: "" if v is None else str(v) for k, v in row.items()}


def _fault(row: Mapping[str, str], subject: Subject) -> str | None:
    """What is wrong with a labelled row, or None."""
    label = row.get("label", "").strip()
    if not row.get("text", "").strip():
        return "text 是空的"
    if not label:
        return "label 是空的"
    if subject == "departments":
        return None
    if label.lower() not in _SENTIMENTS:
        return f"label 应为 negative、neutral、positive 之一，现在是 {label!r}"
    if row.get("kind") and row["kind"] not in KINDS:
        return f"kind 应为 {'、'.join(KINDS)} 之一，现在是 {row['kind']!r}"
    return None
