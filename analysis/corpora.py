"""Labelled rows for training: the research sets of a folder, or an office's own file.

Splits are fixed by the hash of the text, a text that stands in a test split is never trained on, and weak labels are
given to training rows only. No text of any set is part of this project.
"""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.sentiment import GROUPS, LABELS
from analysis.words import MODELS
from storage.types import KINDS


class UnusableRows(ValueError):
    """A file of labelled rows that cannot be used; the message names file, line and what is expected."""


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    label: int | None  #: index in LABELS; None = unlabelled
    group: str  #: key of the model's tables
    corpus: str
    test: bool


def key(text: str) -> str:
    """What makes two texts the same: letters and digits, NFKC, lower case; as a hash, so that it may be kept."""
    letters = _NO_LETTERS.sub("", unicodedata.normalize("NFKC", text).lower())
    return hashlib.sha256(letters.encode("utf-8", "surrogatepass")).hexdigest()


_NO_LETTERS = re.compile(r"\W+")


def in_test(text: str, tenths: int) -> bool:
    """Whether the fixed split puts a text into the test part of so many tenths."""
    return int(key(text)[:8], 16) % 10 < tenths


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Each text once per split, and no training row whose text is a test row anywhere."""
    every = [(key(row.text), row) for row in rows]
    tested = {k for k, row in every if row.test}
    seen: set[tuple[str, bool]] = set()
    kept = []
    for k, row in every:
        if (k, row.test) not in seen and not (not row.test and k in tested):
            seen.add((k, row.test))
            kept.append(row)
    return kept


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV (UTF-8) or JSONL file as text fields."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableRows(f"{path.name} 无法读取：{error}；需要 UTF-8 编码的 CSV 或 JSONL") from error
    if path.suffix.lower() in {".jsonl", ".json"}:
        # not splitlines: U+2028 and its like stand inside texts
        return [_json_row(path, n, line) for n, line in enumerate(content.split("\n"), 1) if line.strip()]
    csv.field_size_limit(1 << 27)
    return [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(io.StringIO(content, newline=""))]


def _json_row(path: Path, number: int, line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UnusableRows(f"{path.name} 第 {number} 行不是 JSON：{error.msg}") from error
    if not isinstance(row, dict):
        raise UnusableRows(f"{path.name} 第 {number} 行应为 JSON 对象")
    return {str(k): "" if v is None else str(v) for k, v in row.items()}


def own_rows(path: Path) -> list[Row]:
    """An office's own rows: `text`, `label` (negative neutral positive or -1 0 1), optional `title`, `kind`."""
    rows = []
    for number, row in enumerate(read_table(path), 2 if path.suffix.lower() == ".csv" else 1):
        label = _LABELS.get(row.get("label", "").strip().lower())
        kind = row.get("kind") or "message"
        if label is None or not row.get("text", "").strip():
            raise UnusableRows(f"{path.name} 第 {number} 行：需要 text 和 label（negative、neutral、positive）")
        if kind not in KINDS:
            raise UnusableRows(f"{path.name} 第 {number} 行：kind 是 {kind!r}，应为 {'、'.join(KINDS)} 之一")
        text = f"{row.get('title', '')}\n{row['text']}".strip()
        rows.append(Row(text, label, GROUPS[kind], path.stem, in_test(text, 2)))
    return rows


_LABELS = {name: i for i, name in enumerate(LABELS)} | {"-1": 0, "0": 1, "1": 2, "负面": 0, "中性": 1, "正面": 2}
_GRIEVANCE = re.compile(
    "投诉|举报|扰民|噪音|噪声|污染|违规|违法|违建|拖欠|欠薪|不合理|乱|骗|坑|强制|不作为|严重|太差|臭|脏|堵|破坏|隐患|无人管|没人管|不给|拒|质疑|侵占"
    "|侵害|维权|烂尾|停水|停电|黑|恶劣|不退|危害|影响|超标|占用|霸占|不公|虚假|欺|不让"
)
_QUESTION = re.compile(
    "咨询|请问|怎么|如何|是否|什么时候|何时|能否|可否|吗[？?]?$|建议|希望|请求|申请|哪里|多久|政策|几时"
)
_PRAISE = re.compile("^(感谢|点赞|表扬|致谢|为.{1,12}点赞)")


def weak_label(title: str) -> int | None:
    """Label of a citizen's message by its title alone: a grievance word, a plain question or request, or thanks."""
    grievance, question = _GRIEVANCE.search(title), _QUESTION.search(title)
    if _PRAISE.search(title) and not grievance and not question:
        return 2
    if bool(grievance) == bool(question):
        return None
    return 0 if grievance else 1


def research_rows(folder: Path) -> list[Row]:
    """Rows of the sets named in docs/model-card.md, as far as the folder holds them; test and training split fixed."""
    rows = [row for read in (_news, _weibo, _messages, _petitions) for row in read(folder)]
    if not rows:
        raise UnusableRows(f"{folder} 里没有可用的数据集，见 docs/model-card.md")
    return distinct(rows)


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / name
    return read_table(path) if path.exists() else []


def _news(folder: Path) -> Iterator[Row]:
    for row in _table(folder, "news_sentiment_3way.csv"):
        title, body = row["title"], row["content30"]
        if row["text"].startswith(title):
            body = row["text"][len(title) :].lstrip("。")
        text = f"{title}\n{body}"
        yield Row(text, int(row["label3"]) + 1, "news", "news", in_test(text, 2))


def _weibo(folder: Path) -> Iterator[Row]:
    for row in _table(folder, "weibo_emotion_3way.csv"):
        label = int(float(row["label3"])) + 1
        yield Row(row["text"], label, "social", f"weibo-{row['domain']}", row["split"] == "eval")
    for row in _table(folder, "weibo_covid_emotion.csv"):
        if row["label3"]:
            text = row["text"]
            yield Row(text, int(float(row["label3"])) + 1, "social", "weibo-covid", in_test(text, 1))
    for row in _table(folder, "weibo_2way.csv"):
        yield Row(row["text"], 2 * int(row["label"]), "social", "weibo-2way", in_test(row["text"], 1))


def _messages(folder: Path) -> Iterator[Row]:
    for name in ("citizen_messages_7class.csv", "citizen_messages_hot.csv", "citizen_messages_replies.csv"):
        for row in _table(folder, name):
            title, body = row["title"].strip(), " ".join(row["text"].split())
            test = in_test(body[:60], 3)
            label = None if test else weak_label(title)
            yield Row(f"{title}\n{body}".strip(), label, "message", "messages", test)
            if label is not None:
                # half of what citizens write has no title: the words that gave the label must not be all there is
                yield Row(body, label, "message", "messages-untitled", test)
            if row.get("reply"):
                yield Row(row["reply"], 1, "reply", "replies-same-city", test)


def _petitions(folder: Path) -> Iterator[Row]:
    """Another city's hotline: never trained on."""
    for row in _table(folder, "hotline_river_petitions.csv"):
        label = {"投诉": 0, "咨询": 1}.get(row["type"])
        yield Row(f"{row['title']}\n{row['text']}", label, "message", "petitions", True)
        if row["reply"]:
            yield Row(row["reply"], 1, "reply", "replies-other-city", True)


#: sets whose labels leave out the neutral class: they teach words, but not how frequent a label is
TWO_WAY = frozenset(("weibo-covid", "weibo-2way"))


def gold_labels() -> dict[str, int]:
    """Hand-read labels of test rows by the hash of their text; what was read and how: docs/model-card.md."""
    return {row["key"]: int(row["label"]) for row in read_table(MODELS / "messages_read.csv")}


def with_gold(rows: Sequence[Row], gold: dict[str, int], *, calibrating: bool = False) -> list[Row]:
    """The messages that were read by hand, with that label: the half that is tested on, or the half that calibrates."""
    found = [(row, key(row.text)) for row in rows if row.test and row.corpus == "messages"]
    halved = [(row, gold[k]) for row, k in found if k in gold and (int(k[8], 16) % 2 == 1) == calibrating]
    return [Row(row.text, label, row.group, "messages-by-hand", not calibrating) for row, label in halved]
