"""Lens panels (kept inside their dashboard, "by value"): pure functions from fields to Kibana's saved state.

Only operations that have been the same since Kibana 8.0 are used; a newer Kibana migrates the rest on import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
LAYER = "layer1"
COUNT = "count"
#: what Lens calls the number of documents
RECORDS = "___records___"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One figure. `by` cuts into values of a field, `split` colours or nests by a second one.

    filter: KQL of this panel only. latest: a time field of which the newest value stands beside the number.
    """

    id: str
    title: str
    shape: Literal["trend", "bars", "table", "number"]
    by: str | None = None
    split: str | None = None
    size: int = 10
    filter: str = ""
    latest: str | None = None
    share: tuple[str, str] | None = None  #: (label, KQL): a second number, of documents that also match
    place: tuple[int, int, int, int] = (0, 0, 24, 12)  #: x, y, width, height on Kibana's grid of 48


@dataclass(frozen=True, slots=True)
class Layer:
    """Columns of a Lens layer, in order."""

    columns: dict[str, Json] = field(default_factory=dict)

    def state(self) -> Json:
        return {"columns": self.columns, "columnOrder": list(self.columns), "incompleteColumns": {}, "sampling": 1}


def panel(spec: Panel, view: str) -> tuple[Json, list[Json]]:
    """The panel as `panelsJSON` holds it, and the references that the dashboard must carry for it."""
    name = f"indexpattern-datasource-layer-{LAYER}"
    layer = _layer(spec)
    x, y, width, height = spec.place
    attributes = {
        "title": spec.title,
        "type": "lens",
        "visualizationType": _KINDS[spec.shape],
        "references": [{"type": "index-pattern", "id": view, "name": name}],
        "state": {
            "visualization": _visualization(spec, layer),
            "query": {"query": spec.filter, "language": "kuery"},
            "filters": [],
            "datasourceStates": {"formBased": {"layers": {LAYER: layer.state()}}},
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }
    made = {
        "type": "lens",
        "title": spec.title,
        "panelIndex": spec.id,
        "gridData": {"x": x, "y": y, "w": width, "h": height, "i": spec.id},
        "embeddableConfig": {"attributes": attributes, "enhancements": {}},
    }
    return made, [{"type": "index-pattern", "id": view, "name": f"{spec.id}:{name}"}]


_KINDS = {"trend": "lnsXY", "bars": "lnsXY", "table": "lnsDatatable", "number": "lnsMetric"}


def _layer(spec: Panel) -> Layer:
    layer = Layer()
    if spec.split:
        layer.columns["split"] = _terms(spec.split, spec.size)
    if spec.shape == "trend":
        layer.columns["time"] = _time()
    elif spec.by:
        layer.columns["by"] = _terms(spec.by, spec.size)
    layer.columns[COUNT] = _count("条数", None)
    if spec.share:
        layer.columns["share"] = _count(*spec.share)
    if spec.latest:
        layer.columns["latest"] = _newest(spec.latest)
    return layer


def _visualization(spec: Panel, layer: Layer) -> Json:
    if spec.shape == "number":
        return {"layerId": LAYER, "layerType": "data", "metricAccessor": COUNT}
    if spec.shape == "table":
        return {"layerId": LAYER, "layerType": "data", "columns": [{"columnId": c} for c in layer.columns]}
    figures = [name for name in (COUNT, "share") if name in layer.columns]
    series: Mapping[str, str] = {"trend": "bar_stacked", "bars": "bar_horizontal"}
    drawn: Json = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": series[spec.shape],
        "xAccessor": "time" if spec.shape == "trend" else "by",
        "accessors": figures,
    }
    if spec.split:
        drawn["splitAccessor"] = "split"
    return {
        "layers": [drawn],
        "preferredSeriesType": drawn["seriesType"],
        "legend": {"isVisible": bool(spec.split or spec.share), "position": "bottom"},
        "valueLabels": "hide",
    }


def _time() -> Json:
    return _column("时间", "date", "date_histogram", "interval", "at") | {
        "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False}
    }


def _terms(name: str, size: int) -> Json:
    return _column(LABELS[name], "string", "terms", "ordinal", name) | {
        "params": {
            "size": size,
            "orderBy": {"type": "column", "columnId": COUNT},
            "orderDirection": "desc",
            "otherBucket": False,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
        }
    }


def _count(label: str, kql: str | None) -> Json:
    column = _column(label, "number", "count", "ratio", RECORDS) | {"params": {"emptyAsNull": False}}
    return column if kql is None else column | {"filter": {"query": kql, "language": "kuery"}}


def _newest(name: str) -> Json:
    return _column("最近一条", "date", "max", "ratio", name) | {"params": {}}


def _column(label: str, kind: str, operation: str, scale: str, source: str) -> Json:
    return {
        "label": label,
        "customLabel": True,
        "dataType": kind,
        "operationType": operation,
        "isBucketed": operation in ("terms", "date_histogram"),
        "scale": scale,
        "sourceField": source,
    }


LABELS: Mapping[str, str] = {
    "kind": "种类",
    "source": "信源",
    "topic": "主题",
    "sentiment": "情感",
    "department": "承办单位",
    "area": "地区",
    "flag": "标记",
    "event": "事件",
    "text_kind": "诉求类型",
    "keyword": "关键词",
}


def fields_of(panels: Sequence[Panel]) -> set[str]:
    """Every field that panels draw on, but for those in KQL."""
    return {name for spec in panels for name in (spec.by, spec.split, spec.latest) if name} | {"at"}
