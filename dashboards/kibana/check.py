"""What can be known of saved objects without a Kibana: pure. Each fault is a sentence for the developer."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from dashboards.kibana.lens import RECORDS, Json

_KQL_FIELD = re.compile(r"([A-Za-z_][\w.]*)\s*(?::|<=?|>=?)")
#: fields that Lens may cut into values or take the greatest of
_GROUPED = frozenset({"keyword", "boolean"})
_WIDTH = 48


def faults(objects: Sequence[Json], mapping: Mapping[str, Json], known: Collection[tuple[str, str]]) -> list[str]:
    """Everything wrong with saved objects: mapping is that of the documents, `known` are (type, id) beside them."""
    own = [(o.get("type", ""), o.get("id", "")) for o in objects]
    found = [f"{kind} {id} stands twice" for kind, id in sorted(set(own)) if own.count((kind, id)) > 1]
    for o in objects:
        where = f"{o.get('type')} {o.get('id')}"
        found += [f"{where}: {text}" for text in _of_object(o, mapping, {*own, *known})]
    return found


def unknown_fields(query: Json, mapping: Mapping[str, Json]) -> set[str]:
    """Fields named by a query DSL's leaf clauses that the documents do not have."""
    return {name for name in _leaves(query) if name not in mapping}


def _of_object(o: Json, mapping: Mapping[str, Json], known: Collection[tuple[str, str]]) -> Iterator[str]:
    for wanted in ("coreMigrationVersion", "typeMigrationVersion", "references", "attributes"):
        if wanted not in o:
            yield f"no {wanted}"
            return
    for reference in o["references"]:
        if (reference["type"], reference["id"]) not in known:
            yield f"reference {reference['name']} leads to nothing"
    try:
        inner = {name: json.loads(text) for name, text in _stringified(o["attributes"])}
    except ValueError as error:
        yield f"JSON inside JSON cannot be read: {error}"
        return
    yield from _of_panels(inner["panelsJSON"], [r["name"] for r in o["references"]], mapping)


def _of_panels(panels: Sequence[Json], names: Sequence[str], mapping: Mapping[str, Json]) -> Iterator[str]:
    indices = [p["panelIndex"] for p in panels]
    for one in panels:
        where, attributes = f"panel {one['panelIndex']}", one["embeddableConfig"]["attributes"]
        if indices.count(one["panelIndex"]) > 1 or one["gridData"]["i"] != one["panelIndex"]:
            yield f"{where}: the index is not its own"
        if one["gridData"]["x"] + one["gridData"]["w"] > _WIDTH:
            yield f"{where}: wider than the page"
        for reference in attributes["references"]:
            if f"{one['panelIndex']}:{reference['name']}" not in names:
                yield f"{where}: {reference['name']} is not among the dashboard's references"
        yield from (f"{where}: {text}" for text in _of_state(attributes["state"], mapping))
    yield from _overlaps(panels)


def _of_state(state: Json, mapping: Mapping[str, Json]) -> Iterator[str]:
    layers = state["datasourceStates"]["formBased"]["layers"]
    columns = {name: column for layer in layers.values() for name, column in layer["columns"].items()}
    for layer in layers.values():
        if sorted(layer["columnOrder"]) != sorted(layer["columns"]):
            yield "columnOrder and columns differ"
    for name in sorted(_accessors(state["visualization"]) - set(columns)):
        yield f"the picture asks for a column {name} that is not there"
    for column in columns.values():
        source, operation = column["sourceField"], column["operationType"]
        kind = mapping.get(source, {}).get("type")
        if source != RECORDS and kind is None:
            yield f"no field {source}"
        elif operation == "terms" and kind not in _GROUPED:
            yield f"{source} cannot be cut into values"
        elif operation in ("date_histogram", "max") and kind != "date":
            yield f"{source} is not a time"
        ordered = column.get("params", {}).get("orderBy", {}).get("columnId")
        if ordered is not None and ordered not in columns:
            yield f"{source} is ordered by {ordered}, which is not there"
    texts = [state["query"]["query"], *(c["filter"]["query"] for c in columns.values() if "filter" in c)]
    for name in sorted({name for text in texts for name in _KQL_FIELD.findall(text)} - set(mapping)):
        yield f"no field {name} (KQL)"


def _accessors(visualization: Json) -> set[str]:
    named = {visualization["metricAccessor"]} if "metricAccessor" in visualization else set()
    named |= {column["columnId"] for column in visualization.get("columns", ())}
    for layer in visualization.get("layers", ()):
        named |= {layer["xAccessor"], *layer["accessors"]}
        named |= {layer["splitAccessor"]} if "splitAccessor" in layer else set()
    return named


def _overlaps(panels: Sequence[Json]) -> Iterator[str]:
    for i, one in enumerate(panels):
        for other in panels[:i]:
            a, b = one["gridData"], other["gridData"]
            apart = a["x"] >= b["x"] + b["w"] or b["x"] >= a["x"] + a["w"]
            if not apart and not (a["y"] >= b["y"] + b["h"] or b["y"] >= a["y"] + a["h"]):
                yield f"panels {other['panelIndex']} and {one['panelIndex']} lie on each other"


def _stringified(attributes: Json) -> Iterator[tuple[str, str]]:
    for name in ("panelsJSON", "optionsJSON"):
        yield name, attributes[name]
    yield "searchSourceJSON", attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]


def _leaves(query: object) -> Iterator[str]:
    if isinstance(query, list):
        for part in query:
            yield from _leaves(part)
    elif isinstance(query, dict):
        for clause, body in query.items():
            if clause in ("term", "terms", "range", "match_phrase"):
                yield from body
            elif clause == "exists":
                yield body["field"]
            else:
                yield from _leaves(body)
