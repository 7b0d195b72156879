"""What an office finds in its Kibana: pure. Ids are fixed, so a second import replaces and never doubles."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.kibana.lens import Json, Panel, panel
from storage.documents.elastic_schema import Names

SPACE = "minsheng"
VIEW = "minsheng-documents"
ROLE = "minsheng_viewer"
CONNECTOR = "minsheng-log"
#: the oldest Kibana whose import takes these objects; newer ones migrate them
CORE_VERSION, DASHBOARD_VERSION = "8.8.0", "8.9.0"

TREND = (
    Panel(id="total", title="文档数", shape="number", place=(0, 0, 12, 8)),
    Panel(
        id="negative", title="负面文档数", shape="number", filter="sentiment : negative", place=(12, 0, 12, 8)
    ),
    Panel(id="kinds", title="各类来源", shape="bars", by="kind", place=(24, 0, 24, 8)),
    Panel(id="mood", title="情感走势", shape="trend", split="sentiment", size=3, place=(0, 8, 48, 14)),
    Panel(id="topics", title="主题走势", shape="trend", split="topic", size=8, place=(0, 22, 48, 14)),
    Panel(
        id="table", title="主题与负面", shape="table", by="topic", size=30,
        share=("其中负面", "sentiment : negative"), place=(0, 36, 24, 16),
    ),
    Panel(id="words", title="关键词", shape="table", by="keyword", size=30, place=(24, 36, 24, 16)),
)  # fmt: skip
WORKLOAD = (
    Panel(
        id="departments", title="各单位涉及文档", shape="bars", by="department", size=25,
        share=("其中负面", "sentiment : negative"), place=(0, 0, 24, 18),
    ),
    Panel(id="over-time", title="各单位走势", shape="trend", split="department", size=8, place=(24, 0, 24, 18)),
    Panel(
        id="requests", title="各单位的诉求类型", shape="table", by="department", split="text_kind", size=25,
        place=(0, 18, 24, 16),
    ),
    Panel(
        id="places", title="各地区涉及文档", shape="table", by="area", size=40,
        share=("其中负面", "sentiment : negative"), place=(24, 18, 24, 16),
    ),
)  # fmt: skip
COVERAGE = (
    Panel(
        id="sources", title="信源：条数与最近一条", shape="table", by="source", size=200, latest="came",
        place=(0, 0, 24, 24),
    ),
    Panel(id="flow", title="各信源走势", shape="trend", split="source", size=12, place=(24, 0, 24, 12)),
    Panel(id="mix", title="种类走势", shape="trend", split="kind", size=8, place=(24, 12, 24, 12)),
)  # fmt: skip
MARKS = (
    Panel(
        id="flags", title="重点标记", shape="bars", by="flag", size=20, filter="not flag : kind.*",
        place=(0, 0, 24, 14),
    ),
    Panel(
        id="must", title="须首先回应的五类（国办发〔2016〕61号）走势", shape="trend", split="flag", size=5,
        filter="flag : must.*", place=(24, 0, 24, 14),
    ),
    Panel(
        id="events", title="文档最多的事件", shape="table", by="event", size=30, latest="at",
        share=("其中负面", "sentiment : negative"), place=(0, 14, 48, 16),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard of Kibana."""

    id: str
    title: str
    about: str
    panels: tuple[Panel, ...]


BOARDS = (
    Board(id="minsheng-trend", title="民声：走势", about="主题与情感随时间的变化", panels=TREND),
    Board(id="minsheng-workload", title="民声：单位与地区", about="各单位、各地区涉及的文档", panels=WORKLOAD),
    Board(id="minsheng-coverage", title="民声：信源覆盖", about="每个信源来了多少，最近一条何时到", panels=COVERAGE),
    Board(
        id="minsheng-marks",
        title="民声：重点与事件",
        about="重点标记和最大的事件；预警级别、任务和时限在民声自己的页面上",
        panels=MARKS,
    ),
)


def data_view(prefix: str = "minsheng") -> Json:
    """The data view over all months."""
    return {"id": VIEW, "title": Names(prefix).docs, "name": "民声文档", "timeFieldName": "at"}


def saved_objects(boards: Sequence[Board] = BOARDS) -> list[Json]:
    """The dashboards as saved objects, in a stable order."""
    return [_dashboard(board) for board in boards]


def ndjson(objects: Sequence[Json]) -> bytes:
    """One object a line, keys in order: the file for the import API or for Kibana's own page."""
    return b"".join(json.dumps(o, ensure_ascii=False, sort_keys=True).encode() + b"\n" for o in objects)


def role(prefix: str = "minsheng") -> dict[str, Any]:
    """A role that may look at the documents and at this space, and change nothing."""
    return {
        "elasticsearch": {
            "cluster": [],
            "indices": [{"names": [Names(prefix).docs + "*"], "privileges": ["read", "view_index_metadata"]}],
            "run_as": [],
        },
        "kibana": [{"base": ["read"], "feature": {}, "spaces": [SPACE]}],
        "description": "民声：只看文档",
    }


def rules(prefix: str = "minsheng") -> list[Json]:
    """Rules that write into Kibana's log: nothing came in for two hours; a wave of negative documents.

    They watch the flow of data. Who is told of an event, and when, is decided by the program itself and by nobody else.
    """
    negative = {"bool": {"filter": [{"term": {"sentiment": "negative"}}, {"term": {"historic": False}}]}}
    return [
        _rule(
            prefix, "6b1f6b0e-2b8f-4c54-9a53-1f5f2c9d7a01", "民声：两小时没有新文档", {"match_all": {}}, "came",
            hours=2, threshold=1, comparator="<",
        ),
        _rule(
            prefix, "6b1f6b0e-2b8f-4c54-9a53-1f5f2c9d7a02", "民声：一小时负面文档过百", negative, "at",
            hours=1, threshold=100, comparator=">",
        ),
    ]  # fmt: skip


def _rule(
    prefix: str, id: str, name: str, query: Json, time: str, *, hours: int, threshold: int, comparator: str
) -> Json:
    action = {
        "group": "query matched",
        "id": CONNECTOR,
        "params": {"level": "warn", "message": "{{rule.name}}：{{context.value}}"},
        "frequency": {"notify_when": "onActionGroupChange", "throttle": None, "summary": False},
    }
    return {
        "id": id,
        "name": name,
        "rule_type_id": ".es-query",
        "consumer": "stackAlerts",
        "schedule": {"interval": "10m"},
        "tags": ["民声"],
        "params": {
            "searchType": "esQuery",
            "index": [Names(prefix).docs],
            "timeField": time,
            "esQuery": json.dumps({"query": query}, sort_keys=True),
            "size": 0,
            "timeWindowSize": hours,
            "timeWindowUnit": "h",
            "threshold": [threshold],
            "thresholdComparator": comparator,
            "aggType": "count",
            "groupBy": "all",
            "excludeHitsFromPreviousRun": False,
        },
        "actions": [action],
    }


def _dashboard(board: Board) -> Json:
    made = [panel(spec, VIEW) for spec in board.panels]
    return {
        "id": board.id,
        "type": "dashboard",
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": DASHBOARD_VERSION,
        "managed": False,
        "references": [reference for _, references in made for reference in references],
        "attributes": {
            "title": board.title,
            "description": board.about,
            "version": 1,
            "timeRestore": True,
            "timeFrom": "now-7d/d",
            "timeTo": "now",
            "refreshInterval": {"pause": True, "value": 60000},
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "panelsJSON": json.dumps([one for one, _ in made], ensure_ascii=False),
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})
            },
        },
    }
