"""Kibana as code: all that can be checked without one, and `kibana apply` against a server that answers as Kibana does.

No live Kibana took part: see docs/operations.md.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from engines import empty_elastic, search_server
from typer.testing import CliRunner, Result

from app.cli import build
from dashboards.kibana import bundle
from dashboards.kibana.check import faults, unknown_fields
from dashboards.kibana.lens import LABELS, fields_of
from storage.documents.elastic_schema import FIELDS
from storage.ports import DocumentQuery

KNOWN = [("index-pattern", bundle.VIEW)]


def objects() -> list[dict[str, Any]]:
    return deepcopy(bundle.saved_objects())


def test_the_bundle_has_no_fault() -> None:
    assert faults(objects(), FIELDS, KNOWN) == []
    assert len(objects()) == 4
    assert set(LABELS) <= set(FIELDS)
    assert fields_of([panel for board in bundle.BOARDS for panel in board.panels]) <= set(FIELDS)
    assert bundle.data_view()["timeFieldName"] in FIELDS


def panels_of(board: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(board["attributes"]["panelsJSON"])
    return found


def with_panels(board: dict[str, Any], panels: list[dict[str, Any]]) -> None:
    board["attributes"]["panelsJSON"] = json.dumps(panels)


def columns(panel: dict[str, Any]) -> dict[str, Any]:
    layers = panel["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
    found: dict[str, Any] = layers["layer1"]["columns"]
    return found


def spoil_field(panel: dict[str, Any]) -> None:
    columns(panel)["split"]["sourceField"] = "mood"


def spoil_kind(panel: dict[str, Any]) -> None:
    columns(panel)["split"]["sourceField"] = "text"


def spoil_accessor(panel: dict[str, Any]) -> None:
    del columns(panel)["count"]


def spoil_kql(panel: dict[str, Any]) -> None:
    panel["embeddableConfig"]["attributes"]["state"]["query"]["query"] = "mood : bad"


def spoil_reference(panel: dict[str, Any]) -> None:
    panel["embeddableConfig"]["attributes"]["references"][0]["name"] = "other"


def spoil_place(panel: dict[str, Any]) -> None:
    panel["gridData"]["x"] = 40


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_field, "no field mood"),
        (spoil_kind, "text cannot be cut"),
        (spoil_accessor, "asks for a column count"),
        (spoil_kql, "mood (KQL)"),
        (spoil_reference, "not among the dashboard's references"),
        (spoil_place, "wider than the page"),
    ],
)
def test_a_fault_is_found(spoil: Callable[[dict[str, Any]], None], told: str) -> None:
    boards = objects()
    panels = panels_of(boards[0])
    spoil(next(p for p in panels if p["panelIndex"] == "mood"))
    with_panels(boards[0], panels)
    assert any(told in fault for fault in faults(boards, FIELDS, KNOWN))


def test_faults_of_whole_objects_are_found() -> None:
    boards = objects()
    assert any("leads to nothing" in fault for fault in faults(boards, FIELDS, []))
    assert any("stands twice" in fault for fault in faults([*boards, boards[0]], FIELDS, KNOWN))
    boards[1]["attributes"]["panelsJSON"] += "}"
    assert any("cannot be read" in fault for fault in faults(boards, FIELDS, KNOWN))
    panels = panels_of(boards[2])
    panels[1]["gridData"]["x"] = panels[0]["gridData"]["x"]
    with_panels(boards[2], panels)
    assert any("lie on each other" in fault for fault in faults(boards, FIELDS, KNOWN))


def test_rules_ask_for_fields_that_exist_and_queries_that_the_server_understands() -> None:
    store = empty_elastic(lambda text: text)
    assert store.count(DocumentQuery()) == 0
    for rule in bundle.rules("contract"):
        asked = json.loads(rule["params"]["esQuery"])
        assert unknown_fields(asked, FIELDS) == set()
        assert FIELDS[rule["params"]["timeField"]]["type"] == "date"
        answer = search_server().ask("POST", f"/{rule['params']['index'][0]}/_search?ignore_unavailable=true", asked)
        assert isinstance(answer, dict)
        assert answer["timed_out"] is False
    assert unknown_fields({"bool": {"must": [{"exists": {"field": "x"}}, {"term": {"kind": 1}}]}}, FIELDS) == {"x"}
    store.close()


def test_the_file_is_the_same_every_time_and_one_object_a_line() -> None:
    printed = CliRunner().invoke(build("kibana"), ["kibana", "bundle"])
    assert printed.stdout.encode() == bundle.ndjson(bundle.saved_objects())
    assert [json.loads(line)["id"] for line in printed.stdout.splitlines()] == [board.id for board in bundle.BOARDS]
    assert "民声" in printed.stdout


def test_the_role_can_only_read() -> None:
    role = bundle.role()
    assert role["elasticsearch"]["cluster"] == []
    assert role["elasticsearch"]["indices"] == [
        {"names": ["minsheng-docs*"], "privileges": ["read", "view_index_metadata"]}
    ]
    assert [grant["base"] for grant in role["kibana"]] == [["read"]]


class FakeKibana(BaseHTTPRequestHandler):
    """Answers the calls that `apply` makes as Kibana 9.4 does, refuses every other one, and remembers."""

    kept: dict[str, Any]
    version = "9.4.2"
    failing = False

    def do_GET(self) -> None:
        self.handle_call("GET")

    def do_POST(self) -> None:
        self.handle_call("POST")

    def do_PUT(self) -> None:
        self.handle_call("PUT")

    def handle_call(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        self.kept.setdefault("calls", []).append(f"{method} {self.path}")
        if self.headers.get("authorization") != "Basic " + base64.b64encode(b"admin:p@ss").decode():
            return self.answer(401, {"statusCode": 401, "error": "Unauthorized", "message": "no"})
        if method != "GET" and "kbn-xsrf" not in self.headers:
            return self.answer(400, {"statusCode": 400, "error": "Bad Request", "message": "no kbn-xsrf"})
        for pattern, call in self.ROUTES.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return call(self, *found.groups(), body)
        return self.answer(404, {"statusCode": 404, "error": "Not Found", "message": f"no route {path}"})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def status(self, _: bytes) -> None:
        self.answer(200, {"version": {"number": self.version}, "status": {"overall": {"level": "available"}}})

    def get(self, kind: str, id: str, _: bytes) -> None:
        found = self.kept.get(kind, {}).get(id)
        missing = {"statusCode": 404, "error": "Not Found", "message": f"{kind} {id}"}
        self.answer(200 if found else 404, found or missing)

    def space(self, body: bytes) -> None:
        given = json.loads(body)
        if given["id"] in self.kept.setdefault("spaces/space", {}):
            return self.answer(409, {"statusCode": 409, "error": "Conflict", "message": "space exists"})
        return self.put("spaces/space", given["id"], body)

    def put(self, kind: str, id: str, body: bytes) -> None:
        self.kept.setdefault(kind, {})[id] = json.loads(body)
        self.answer(200, json.loads(body) | {"id": id})

    def create(self, kind: str, id: str, body: bytes) -> None:
        if id in self.kept.setdefault(kind, {}):
            return self.answer(409, {"statusCode": 409, "error": "Conflict", "message": id})
        return self.put(kind, id, body)

    def change_rule(self, id: str, body: bytes) -> None:
        if {"rule_type_id", "consumer"} & set(json.loads(body)):
            return self.answer(400, {"statusCode": 400, "error": "Bad Request", "message": "definition for this key"})
        return self.put("alerting/rule", id, json.dumps(self.kept["alerting/rule"][id] | json.loads(body)).encode())

    def view(self, body: bytes) -> None:
        given = json.loads(body)
        assert set(given["data_view"]) <= {"id", "title", "name", "timeFieldName"}
        if given["data_view"]["id"] in self.kept.get("views", {}) and not given.get("override"):
            return self.answer(400, {"statusCode": 400, "error": "Bad Request", "message": "Duplicate data view"})
        self.kept.setdefault("views", {})[given["data_view"]["id"]] = given["data_view"]
        return self.answer(200, given)

    def load(self, body: bytes) -> None:
        """Multipart with one file; a reference to a view that is not there fails that object, with status 200."""
        assert b'filename="minsheng.ndjson"' in body
        assert "overwrite=true" in self.path
        found = [json.loads(line) for line in body.splitlines() if line.startswith(b"{")]
        bad = [o for o in found if self.failing or any(r["id"] not in self.kept["views"] for r in o["references"])]
        for o in found:
            self.kept.setdefault("objects", {})[o["id"]] = o
        errors = [{"id": o["id"], "type": o["type"], "error": {"type": "missing_references"}} for o in bad]
        done = {"success": not bad, "successCount": len(found) - len(bad)}
        self.answer(200, done | ({"errors": errors} if bad else {}))

    ROUTES: ClassVar[dict[str, Callable[..., None]]] = {
        "GET /api/status": status,
        "POST /api/spaces/space": space,
        r"GET /api/(spaces/space)/(\w+)": get,
        r"PUT /api/(spaces/space)/(\w+)": put,
        "POST /s/minsheng/api/data_views/data_view": view,
        "POST /s/minsheng/api/saved_objects/_import": load,
        r"PUT /api/(security/role)/(\w+)": put,
        r"GET /s/minsheng/api/(actions/connector|alerting/rule)/([\w-]+)": get,
        r"POST /s/minsheng/api/(actions/connector|alerting/rule)/([\w-]+)": create,
        r"PUT /s/minsheng/api/alerting/rule/([\w-]+)": change_rule,
    }

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def kibana() -> Iterator[tuple[str, type[FakeKibana]]]:
    handler = type("Handler", (FakeKibana,), {"kept": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://admin:p%40ss@127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def call(url: str) -> Result:
    return CliRunner().invoke(build("kibana"), ["kibana", "apply", "--url", url])


def test_apply_brings_everything_and_again_changes_nothing(kibana: tuple[str, type[FakeKibana]]) -> None:
    url, handler = kibana
    first = call(url)
    assert first.exit_code == 0, first.output
    state = {k: deepcopy(v) for k, v in handler.kept.items() if k != "calls"}
    assert set(state["objects"]) == {board.id for board in bundle.BOARDS}
    assert list(state["spaces/space"]) == ["minsheng"]
    assert state["views"][bundle.VIEW]["title"] == "minsheng-docs"
    assert list(state["security/role"]) == ["minsheng_viewer"]
    assert len(state["alerting/rule"]) == 2
    second = call(url)
    assert second.exit_code == 0, second.output
    assert {k: v for k, v in handler.kept.items() if k != "calls"} == state
    assert second.output == first.output


def test_a_failure_inside_a_good_answer_is_seen(kibana: tuple[str, type[FakeKibana]]) -> None:
    url, handler = kibana
    handler.failing = True
    result = call(url)
    assert result.exit_code == 1
    assert "minsheng-trend（missing_references）" in result.output


def test_an_old_kibana_is_refused_before_anything_is_written(kibana: tuple[str, type[FakeKibana]]) -> None:
    url, handler = kibana
    handler.version = "8.19.3"
    result = call(url)
    assert result.exit_code == 1
    assert "太旧" in result.output
    assert [c for c in handler.kept["calls"] if not c.startswith("GET")] == []


def test_a_wrong_password_and_a_kibana_that_is_away(kibana: tuple[str, type[FakeKibana]]) -> None:
    url, _ = kibana
    result = call(url.replace("p%40ss", "wrong-secret"))
    assert result.exit_code == 1
    assert "不认" in result.output
    assert "secret" not in result.output
    assert "连不上" in call("http://u:secret@127.0.0.1:9").output
    assert "无法识别" in call("nonsense").output
