"""`phrases`: phrases that rise inside a topic, proposed as new keywords; a person decides and edits topics.toml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from analysis.phrases import proposed
from app import clock
from app.commands.check import emit
from app.console import USAGE, ConfigOption, DataOption, JsonOption, fail, out, read_config
from app.stores import stores
from storage.ports import StoreError


def register(app: typer.Typer) -> None:
    app.command("phrases")(phrases)


def phrases(
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="最近多少天")] = 7,
    topic: Annotated[str | None, typer.Option("--topic", help="只看一个专题（编号）")] = None,
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """各专题内近期上升的新词，供增补关键词时参考；不会自动改动 topics.toml。"""
    loaded = read_config(config)
    topics = loaded.office.topics
    if topic is not None and topic not in topics:
        fail(f"没有专题 {topic!r}；已有：{'、'.join(topics)}", USAGE)
    if not data.is_dir():
        fail(f"没有数据目录 {data}；请用 --data 指明", USAGE)
    _, documents, ledger = stores(loaded, data)
    try:
        now, span = clock.now(), timedelta(days=days)
        found = {t.id: proposed(documents, t, now, span) for t in topics.values() if topic in (None, t.id)}
    except StoreError as error:
        fail(str(error))
    finally:
        documents.close()
        ledger.close()
    if as_json:
        emit(
            {id: [row._asdict() | {"score": round(row.score, 1)} for row in rows] for id, rows in found.items() if rows}
        )
        return
    for id, rows in found.items():
        if rows:
            out.print(f"{topics[id].name}：{'、'.join(f'{row.phrase}（{row.now} 条）' for row in rows)}", markup=False)
    out.print(
        "以上供人工挑选，写入 topics.toml 后运行 minsheng check。" if any(found.values()) else "没有明显上升的新词。"
    )
