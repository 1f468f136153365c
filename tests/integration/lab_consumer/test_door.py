"""The FHIR door over HTTP: who may, what is refused and how, what is announced."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class

from shared.codes import loinc
from shared.domain.facts import FactName
from shared.domain.identity import PatientIdentity
from shared.testing.fhir_resources import ER, bundle, observation, patient
from shared.testing.postgresql import postgresql_folder, start_postgresql
from tests.integration.lab_consumer.conftest import HEADERS, ListeningResults, make_settings, open_doors

if TYPE_CHECKING:
    from tests.integration.lab_consumer.conftest import Running

ER_POSITIVE = observation("er", ER, loinc.POSITIVE)


def send(lab: Running, body: bytes | Iterator[bytes], path: str = "/fhir/Observation") -> httpx.Response:
    return lab.http.post(path, content=body, headers=HEADERS)


def issue(answer: httpx.Response) -> dict[str, Any]:
    outcome = answer.json()
    get_fhir_model_class("OperationOutcome").model_validate(outcome)
    first: dict[str, Any] = outcome["issue"][0]
    return first


def test_a_fact_goes_in_by_http_and_comes_out_by_grpc(lab: Running) -> None:
    assert lab.post(patient()).status_code == 201
    answer = lab.post(ER_POSITIVE)

    assert (answer.status_code, answer.headers["location"]) == (201, "/fhir/Observation/er")
    assert [fact.value for fact in lab.facts("MRN1").named(FactName.ESTROGEN_RECEPTOR)] == ["positive"]


def test_a_change_is_announced_to_results(lab: Running) -> None:
    lab.post(patient())

    assert lab.results.wait_for(1)[0][1] == PatientIdentity("hospital", "MRN1")


def test_put_takes_the_same_resource(lab: Running) -> None:
    lab.post(patient())

    assert lab.http.put("/fhir/Observation/er", json=ER_POSITIVE, headers=HEADERS).status_code == 201
    assert lab.http.put("/fhir/Observation/other", json=ER_POSITIVE, headers=HEADERS).status_code == 400


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic YTpi", "Bearer é"])
def test_strangers_are_refused_before_their_body_is_read(lab: Running, authorization: str | None) -> None:
    headers = {"content-type": "application/fhir+json"}
    headers |= {"authorization": authorization} if authorization else {}
    url = f"http://127.0.0.1:{lab.service.http_port}/fhir/Observation"

    answer = httpx.post(url, content=b"{", headers={key.encode(): value.encode() for key, value in headers.items()})

    assert (answer.status_code, issue(answer)["code"]) == (401, "login")
    assert lab.grpc.list_refusals() == ()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"resourceType":"Observation","note":"' + b"x" * 200_000 + b'"}', 413, "too-long"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, 400, "structure"),
        (b"[" * 100_000, 400, "structure"),
        (b'{"resourceType":"Observation","id":"\xff"}', 400, "structure"),
        (b'{"resourceType":"Observation","status":"final","status":"cancelled"}', 400, "structure"),
        (b'{"resourceType":"Observation","valueQuantity":{"value":1e400}}', 400, "value"),
        (b'{"resourceType":"Observation","valueQuantity":{"value":NaN}}', 400, "value"),
        (b'{"resourceType":"Patient"}', 400, "structure"),
        (b'{"resourceType":"Observation"}', 400, "required"),
        (b'{"resourceType":"Nonsense"}', 400, "structure"),
        (b'"Observation"', 400, "structure"),
        (b"", 400, "structure"),
    ],
)
def test_a_bad_body_is_refused_with_a_reason_and_recorded(lab: Running, body: bytes, status: int, code: str) -> None:
    answer = send(lab, body)

    assert (answer.status_code, issue(answer)["code"]) == (status, code)
    assert len(lab.grpc.list_refusals()) == 1
    assert lab.grpc.list_refusals()[0]["reason"] == issue(answer)["diagnostics"]


def test_a_body_without_announced_length_is_bounded_too(lab: Running) -> None:
    chunks = (b"x" * 10_000 for _ in range(100))

    assert send(lab, chunks).status_code == 413


def test_a_body_that_dawdles_is_refused(lab: Running) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    with socket.create_connection(("127.0.0.1", lab.service.http_port), timeout=15) as slow:
        slow.sendall(f"POST /fhir/Observation HTTP/1.1\r\nhost: x\r\n{head}content-length: 10\r\n\r\n{{".encode())
        assert b"408" in slow.recv(1000)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/fhir/Observation", {"content-type": "text/plain"}, 415),
        ("POST", "/fhir/Observation", {"content-encoding": "gzip"}, 415),
        ("POST", "/fhir/Nonsense", {}, 404),
        ("PUT", "/fhir/Observation/not%20an%20id", {}, 404),
        ("GET", "/fhir/Observation/er", {}, 405),
        ("DELETE", "/fhir/Observation/er", {}, 405),
        ("GET", "/nowhere", {}, 404),
    ],
)
def test_what_this_door_does_not_do_is_said(
    lab: Running, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = lab.http.request(method, path, content=json.dumps(ER_POSITIVE), headers=HEADERS | headers)

    assert answer.status_code == status
    assert issue(answer)["severity"] == "error"


@pytest.mark.parametrize(
    ("tree", "expression"),
    [
        ({"resourceType": "Bundle", "type": "document"}, "Bundle.type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "Bundle.entry"),
        ({"resourceType": "Bundle", "type": "batch", "entry": [{}] * 101}, "Bundle.entry"),
        (bundle("transaction", patient(), patient()), "Bundle.entry[0].resource"),
        (bundle("transaction", {"resourceType": "Nonsense"}), "Bundle.entry[0].resource.resourceType"),
    ],
)
def test_a_bad_bundle_is_refused_by_element(lab: Running, tree: dict[str, Any], expression: str) -> None:
    answer = lab.post(tree, "/fhir")

    assert answer.status_code in (400, 409, 413)
    assert issue(answer)["expression"] == [expression]


def test_a_response_bundle_is_fhir(lab: Running) -> None:
    answer = lab.post(bundle("batch", patient(), ER_POSITIVE, {"resourceType": "Practitioner", "id": "x"}), "/fhir")

    get_fhir_model_class("Bundle").model_validate(answer.json())
    rows = [entry["response"] for entry in answer.json()["entry"]]
    assert [row["status"] for row in rows] == ["201 Created", "201 Created", "200 OK"]
    assert "not used" in rows[2]["outcome"]["issue"][0]["diagnostics"]


def test_the_capability_statement_is_fhir_and_open(lab: Running) -> None:
    answer = httpx.get(f"http://127.0.0.1:{lab.service.http_port}/fhir/metadata")

    get_fhir_model_class("CapabilityStatement").model_validate(answer.json())
    assert answer.headers["content-type"] == "application/fhir+json"


def test_health_says_ok(lab: Running) -> None:
    assert lab.http.get("/health").json() == {"status": "ok"}
    assert lab.grpc.healthy()


@pytest.mark.integration
@pytest.mark.skipif(postgresql_folder() is None, reason="PostgreSQL is not installed: apt-get install postgresql")
def test_a_database_that_went_away_is_a_temporary_refusal(tmp_path: Path) -> None:
    with start_postgresql(tmp_path) as url:
        running = open_doors(make_settings(tmp_path, "127.0.0.1:1", url), ListeningResults())
        lab = next(running)
        assert lab.post(patient()).status_code == 201
    answer = lab.post(ER_POSITIVE)

    assert (answer.status_code, issue(answer)["code"]) == (503, "transient")
    assert answer.headers["retry-after"]
    assert lab.http.get("/health").status_code == 503
    assert next(running, None) is None
