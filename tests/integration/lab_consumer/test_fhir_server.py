"""The EHR's FHIR server (Medplum) asked: what notifications name, what changed, what it holds about a new case."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sql

from services.lab_consumer.adapters.erasure import SqlErasure
from services.lab_consumer.config import FhirServerSettings
from shared.codes import loinc
from shared.domain.facts import FactName
from shared.domain.identity import PatientIdentity
from shared.testing import fhir_server
from shared.testing.fhir_resources import ER, condition, medication_request, observation, patient, quantity
from shared.testing.fhir_server import FhirServer, start_fhir_server
from shared.testing.ports import free_port, wait_until
from tests.integration.lab_consumer.conftest import HEADERS, ListeningResults, Running, make_settings, open_doors

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not fhir_server.installed(), reason="no Node: apt-get install nodejs npm"),
]
NEUTROPHILS = loinc.NEUTROPHILS[0]
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"


@dataclass
class Site:
    """A lab consumer beside an EHR's FHIR server."""

    lab: Running
    ehr: FhirServer

    def counts(self, mrn: str = "MRN1") -> list[str]:
        return sorted(fact.value for fact in self.lab.facts(mrn).named(FactName.NEUTROPHILS))

    def notify(self, body: Any = None, path: str = "/notifications", method: str = "POST") -> httpx.Response:
        content = b"" if body is None else json.dumps(body).encode()
        headers = HEADERS if body is not None else {"authorization": HEADERS["authorization"]}
        return self.lab.http.request(method, path, content=content, headers=headers)

    def refusals(self) -> list[str]:
        return [row["reason"] for row in self.lab.grpc.list_refusals()]

    def asked(self, *parts: str) -> int:
        return len([row for row in self.ehr.asked() if all(part in row for part in parts)])

    def settles(self) -> None:
        pulling = self.lab.service._pulling
        assert pulling
        wait_until(lambda: pulling.queue.waiting() == 0, "nothing to be left to ask", timeout_s=20)

    def waits_for(self, *values: str, mrn: str = "MRN1") -> None:
        wait_until(lambda: self.counts(mrn) == list(values), f"{values}", timeout_s=20)


def count(number: int, value: float = 3, whose: str = "p1", **elements: Any) -> dict[str, Any]:
    subject = {"reference": f"Patient/{whose}"}
    return observation(f"n{number}", NEUTROPHILS, quantity(value, "10*3/uL"), subject=subject, **elements)


@pytest.fixture
def ehr(tmp_path: Path) -> Iterator[FhirServer]:
    with start_fhir_server(tmp_path / "ehr") as server:
        yield server


Opened = Callable[..., Site]


@pytest.fixture
def open_site(tmp_path: Path, ehr: FhirServer) -> Iterator[Opened]:
    address, results = f"127.0.0.1:{free_port()}", ListeningResults()
    listening = results.start(address)
    running: list[Iterator[Running]] = []

    def opened(**changed: Any) -> Site:
        close()
        values: dict[str, Any] = {"url": ehr.url, "poll_s": 3600.0, "retry_s": 0.05, "longest_retry_s": 0.2} | changed
        running.append(open_doors(make_settings(tmp_path, address, fhir_server=FhirServerSettings(**values)), results))
        return Site(next(running[-1]), ehr)

    def close() -> None:
        while running:
            next(running.pop(), None)

    yield opened
    close()
    listening.stop(None).wait()


@pytest.fixture
def fresh(open_site: Opened) -> Site:
    """Its polls are over before the test begins."""
    opened = open_site()
    wait_until(lambda: opened.asked("GET /fhir/Procedure?") == 1, "the first poll")
    return opened


@pytest.fixture
def site(fresh: Site) -> Site:
    """It has been asked about MRN1 before: now only a hint has anything asked of the FHIR server."""
    assert fresh.counts() == []
    fresh.settles()
    return fresh


def status(kind: str, last: int, *events: tuple[int, str], entries: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A notification as the backport's R4 profile has it."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": "https://ehr.example.org/fhir/Subscription/s1"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(last)},
    ]
    for number, focus in events:
        part = [{"name": "event-number", "valueString": str(number)},
                {"name": "focus", "valueReference": {"reference": focus}}]  # fmt: skip
        parameters.append({"name": "notification-event", "part": part})
    resource = {"resourceType": "Parameters", "meta": {"profile": [BACKPORT]}, "parameter": parameters}
    return {"resourceType": "Bundle", "type": "history", "entry": [{"resource": resource}, *entries]}


def test_a_classic_notification_without_payload_has_changes_polled_for(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1))

    assert site.notify().status_code == 200
    site.waits_for("3")


def test_a_classic_notification_is_a_hint_and_its_content_is_not_believed(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))

    assert site.notify(count(1, 9)).status_code == 200

    site.waits_for("4")  # and the Patient it refers to was fetched, too
    assert site.asked("GET /fhir/Observation?") == 1  # nothing was polled


def test_a_put_of_the_payload_names_the_resource_by_its_url(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))

    assert site.notify(count(1, 9), "/notifications/Observation/n1", "PUT").status_code == 200

    site.waits_for("4")


def test_a_backport_notification_with_ids_has_just_these_fetched(site: Site) -> None:
    site.ehr.put(patient())
    for number in (1, 2):
        site.ehr.put(count(number, number))
    assert site.notify(status("handshake", 0)).status_code == 200

    answer = site.notify(status("event-notification", 1, (1, "https://evil.example.org/fhir/Observation/n2")))

    assert answer.status_code == 200
    site.waits_for("2")
    assert site.asked("GET /fhir/Observation/") == 1


def test_a_full_resource_in_a_backport_notification_is_a_hint_too(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    entry = {"fullUrl": "https://x.example.org/fhir/Observation/n1", "resource": count(1, 9)}

    site.notify(status("event-notification", 1, (1, "Observation/n1"), entries=(entry,)))

    site.waits_for("4")


def test_a_gap_in_event_numbers_is_told_and_closed_by_polling(site: Site) -> None:
    site.ehr.put(patient())
    for number in (1, 2, 3):
        site.ehr.put(count(number, number))
    site.notify(status("handshake", 0))
    site.notify(status("event-notification", 1, (1, "Observation/n1")))
    site.waits_for("1")

    answer = site.notify(status("event-notification", 3, (3, "Observation/n3")))

    assert "events were missed" in answer.json()["issue"][0]["diagnostics"]
    site.waits_for("1", "2", "3")
    assert "events 2 to 2 of a subscription did not come; what changed is polled for" in site.refusals()


def test_a_heartbeat_shows_that_events_were_missed(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    site.notify(status("handshake", 0))
    site.notify(status("heartbeat", 0))
    assert site.counts() == []

    site.notify(status("heartbeat", 1))

    site.waits_for("4")
    assert site.refusals() == ["events 1 to 1 of a subscription did not come; what changed is polled for"]


def test_a_deleted_resource_ends_what_it_said(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    site.notify(count(1))
    site.waits_for("4")

    httpx.delete(f"{site.ehr.url}/Observation/n1", trust_env=False).raise_for_status()
    site.notify(count(1))

    site.waits_for()


def test_a_notification_names_nobody_s_server_but_ours(site: Site) -> None:
    site.notify(status("event-notification", 1, (1, f"http://127.0.0.1:{free_port()}/fhir/Observation/n77")))

    wait_until(lambda: site.asked("GET /fhir/Observation/n77") == 1, "the id to be asked of the configured server")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"resourceType": "Bundle", "type": "history", "entry": []}, "begins with Parameters"),
        (status("nonsense", 1), "not a type of notification we know"),
        ([], "not a JSON object"),
    ],
)
def test_what_is_no_notification_is_refused_with_its_reason(site: Site, body: Any, reason: str) -> None:
    answer = site.notify(body)

    assert answer.status_code == 400
    assert reason in answer.json()["issue"][0]["diagnostics"]


def test_strangers_notify_nobody(site: Site) -> None:
    url = f"http://127.0.0.1:{site.lab.service.http_port}/notifications"

    assert httpx.post(url).status_code == 401
    assert httpx.put(f"{url}/Observation/n1", json=count(1)).status_code == 401


def test_without_a_fhir_server_notifications_are_refused_and_say_what_to_configure(lab: Running) -> None:
    answer = lab.http.post("/notifications", headers=HEADERS)

    assert answer.status_code == 404
    assert "[lab_consumer.fhir_server]" in answer.json()["issue"][0]["diagnostics"]


def test_changes_are_polled_for_without_any_notification(open_site: Opened) -> None:
    site = open_site(poll_s=0.2)
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    site.waits_for("4")

    site.ehr.put(count(1, 5))
    site.waits_for("5")


def test_what_changed_while_we_were_away_is_found_by_the_durable_cursor(open_site: Opened) -> None:
    site = open_site(poll_s=0.2)
    site.ehr.put(patient())
    site.waits_for()
    wait_until(lambda: site.asked("GET /fhir/Procedure?") >= 1, "a poll")
    close = open_site(poll_s=3600.0)  # its first poll finds nothing new
    wait_until(lambda: close.asked("GET /fhir/Procedure?") >= 2, "a poll")
    close.ehr.put(count(1, 4))
    assert close.counts() == []

    site = open_site(poll_s=3600.0)

    site.waits_for("4")


def test_many_changes_come_page_after_page_and_a_poll_of_the_same_writes_nothing(open_site: Opened) -> None:
    site = open_site(poll_s=0.3, page_size=7)
    assert site.counts() == []
    site.settles()
    site.ehr.put(patient())
    for number in range(20):
        site.ehr.put(count(number, number + 1))
    wait_until(lambda: len(site.counts()) == 20, "twenty facts")
    site.ehr.put(count(99, 9000))  # refused, and not again with every poll
    wait_until(lambda: site.refusals() != [], "the refusal")
    polls = site.asked("GET /fhir/Procedure?")

    wait_until(lambda: site.asked("GET /fhir/Procedure?") >= polls + 3, "more polls")

    assert len(site.refusals()) == 1


def test_a_server_that_fails_is_asked_again(open_site: Opened) -> None:
    site = open_site(poll_s=0.2)
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    site.ehr.fail_next(500, 5)
    site.waits_for("4")


def test_a_busy_server_says_when_it_is_asked_again(site: Site) -> None:
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    site.ehr.fail_next(503, 1)

    site.notify(count(1))

    wait_until(lambda: "asked again in 1 s" in site.lab.service.operations.checks["fhir_server"](), "the pause")
    site.waits_for("4")
    wait_until(lambda: site.lab.service.operations.checks["fhir_server"]() == "", "all to be well")


def test_a_new_case_has_the_patient_s_record_asked_and_announced(fresh: Site) -> None:
    site = fresh
    for resource in (
        patient(), condition(), count(1, 4), observation("er", ER, loinc.POSITIVE), medication_request("m1"),
        patient("MRN2", found="p2"), count(2, 7, "p2"),
    ):  # fmt: skip
        site.ehr.put(resource)

    first = site.lab.facts("MRN1")

    assert first.facts == ()  # answered at once with what is known
    site.waits_for("4")
    wait_until(lambda: len(site.lab.facts("MRN1").facts) == 3, "the whole record")
    assert site.lab.results.wait_for(1)[0][1] == PatientIdentity("hospital", "MRN1")
    asked = [row for row in site.ehr.asked() if "_search" in row]
    assert not [row for row in asked if "MRN1" in row]  # identifiers stand in no URL
    searches = len(asked)
    assert [site.lab.facts("MRN1").identity for _ in range(3)]
    assert site.asked("_search") == searches  # nobody is asked about twice


def test_a_wish_for_a_record_survives_a_restart(open_site: Opened) -> None:
    site = open_site(retry_s=30.0, longest_retry_s=30.0)
    site.ehr.put(patient())
    site.ehr.put(count(1, 4))
    wait_until(lambda: site.asked("GET /fhir/Procedure?") == 1, "the first poll")
    site.ehr.fail_next(500, 1)
    assert site.counts() == []
    wait_until(lambda: "500" in site.lab.service.operations.checks["fhir_server"](), "the failure")
    with site.lab.service._engine.begin() as connection:
        connection.execute(sql.text("UPDATE pull SET due_time = '2000-01-01T00:00:00.000000+00:00'"))

    site = open_site()

    site.waits_for("4")


def test_a_patient_the_server_does_not_know_is_asked_about_once(fresh: Site) -> None:
    site = fresh
    assert site.counts("MRN404") == []
    wait_until(lambda: site.asked("POST /fhir/Patient/_search") == 1, "the question")
    site.settles()
    site.counts("MRN404")

    assert site.asked("POST /fhir/Patient/_search") == 1


def test_an_erased_patient_leaves_no_wish_behind(fresh: Site) -> None:
    site = fresh
    site.counts("MRN404")
    site.settles()

    SqlErasure(site.lab.service._engine)(PatientIdentity("hospital", "MRN404"))

    with site.lab.service._engine.begin() as connection:
        assert connection.execute(sql.text("SELECT count(*) FROM pull")).scalar() == 0
