"""NDJSON over HTTP: taken as it comes, answered by line, bounded."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class

from services.lab_consumer.adapters import ndjson_door
from shared.codes import loinc
from shared.domain.facts import FactName
from shared.testing.fhir_resources import observation, patient, quantity
from shared.testing.ports import wait_until
from tests.integration.lab_consumer.conftest import HEADERS

if TYPE_CHECKING:
    from tests.integration.lab_consumer.conftest import Running

NDJSON = HEADERS | {"content-type": "application/fhir+ndjson"}


def count(number: int, value: float = 3) -> dict[str, Any]:
    return observation(f"n{number}", loinc.NEUTROPHILS[0], quantity(value, "10*3/uL"))


def body(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in resources)


def post(lab: Running, content: Any, **headers: str) -> httpx.Response:
    return lab.http.post("/fhir", content=content, headers=NDJSON | headers)


@pytest.mark.parametrize(
    "kind", ["application/fhir+ndjson", "application/x-ndjson", "application/ndjson; charset=utf-8"]
)
def test_an_export_of_several_resources_becomes_facts(lab: Running, kind: str) -> None:
    answer = post(lab, body(patient(), count(1), count(2)), **{"content-type": kind})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+ndjson")
    assert len(lab.facts("MRN1").named(FactName.NEUTROPHILS)) == 2


def test_every_line_of_the_answer_is_an_operation_outcome(lab: Running) -> None:
    answer = post(lab, body(patient(), count(1, 9000), count(2)))

    rows = [json.loads(line) for line in answer.text.splitlines()]
    for row in rows:
        get_fhir_model_class("OperationOutcome").model_validate(row)
    assert [row.get("id") for row in rows] == [None, "line-2"]
    assert "impossible" in rows[1]["issue"][0]["diagnostics"]


def test_more_than_a_bundle_may_hold_goes_in_as_lines(lab: Running) -> None:
    answer = post(lab, iter([body(patient()), *(body(count(number)) for number in range(1500))]))

    assert answer.text.startswith('{"issue":[{"code":"informational","diagnostics":"1501 lines: 1501 accepted')
    assert len(lab.facts("MRN1").facts) == 1500


@pytest.mark.parametrize(
    ("headers", "status"), [({"content-encoding": "gzip"}, 415), ({"authorization": "Bearer wrong"}, 401)]
)
def test_it_opens_to_who_may_and_to_plain_text_only(lab: Running, headers: dict[str, str], status: int) -> None:
    assert post(lab, body(patient()), **headers).status_code == status
    assert lab.facts("MRN1").demographics.birth_date is None


def test_a_body_that_stalls_ends_and_says_how_far_it_was_taken(lab: Running) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in NDJSON.items())
    with socket.create_connection(("127.0.0.1", lab.service.http_port), timeout=15) as slow:
        slow.sendall(f"POST /fhir HTTP/1.1\r\nhost: x\r\n{head}content-length: 100000\r\n\r\n".encode())
        slow.sendall(body(patient(), count(1)))
        answer = b"".join(iter(lambda: slow.recv(4000), b""))

    assert b" 408 " in answer.splitlines()[0]
    assert b"2 lines: 2 accepted" in answer
    assert len(lab.facts("MRN1").facts) == 1


def test_a_body_larger_than_the_limit_is_kept_up_to_there(lab: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab.service._ndjson, "max_bytes", 3000)

    answer = post(lab, iter([body(patient()), *(body(count(number)) for number in range(50))]))

    assert answer.status_code == 413
    assert "larger than 3000 bytes" in answer.text


def test_a_few_bodies_at_once_and_the_next_is_told_to_come_again(lab: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow() -> Any:
        yield body(patient())
        release.wait(20)
        yield body(count(1))

    threads = [threading.Thread(target=post, args=(lab, slow())) for _ in range(ndjson_door.MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    wait_until(lambda: lab.service._ndjson._places._value == 0, "every place to be taken")
    answer = post(lab, body(patient()))
    release.set()
    for thread in threads:
        thread.join(20)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
