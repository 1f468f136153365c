"""What an operator sees of a running system: health, metrics, and one trace per case."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.observability.metrics import CATALOGUE
from shared.testing.otlp_collector import Span
from shared.testing.ports import wait_until
from tests.e2e.conftest import Watched
from tests.patients import Someone
from tests.system import OPERATED, SERVICES, System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def samples(system: System) -> dict[str, float]:
    """Return every sample of every service, summed over its labels, by the name of its sample."""
    found: dict[str, float] = defaultdict(float)
    for service in OPERATED:
        for family in text_string_to_metric_families(system.ops(service, "/metrics").text):
            for sample in family.samples:
                found[sample.name] += sample.value
    return found


def test_every_service_is_ready_and_says_what_it_checked(system: System) -> None:
    for service in OPERATED:
        answer = system.ops(service, "/health/ready")
        assert (answer.status_code, answer.json()["problems"]) == (200, {}), service
        assert answer.json()["checked"]
        assert system.ops(service, "/health/live").json() == {"service": service, "live": True}


def test_every_metric_of_the_catalogue_is_shown_and_a_case_moves_them(system: System, someone: Someone) -> None:
    before = samples(system)
    system.record(*someone.facts())
    system.route(someone.images())
    system.settled(someone.study_uid, "predicted")
    wait_until(lambda: samples(system)["oncorelay_dispatch_cases"] > before["oncorelay_dispatch_cases"], "the look")
    after = samples(system)

    missing = [one.name for one in CATALOGUE if not {one.name, f"{one.name}_count"} & after.keys()]
    assert not missing
    moved = {name.removeprefix("oncorelay_") for name, value in after.items() if value > before.get(name, 0.0)}
    assert moved >= {
        "dicom_listener_associations_total", "dicom_listener_objects_total", "dicom_listener_object_bytes_total",
        "dicom_listener_studies_complete_total", "lab_consumer_resources_total", "rpc_call_seconds_count",
        "dispatch_cases", "dispatch_orders_sent_total", "deliver_tries_total", "deliver_try_seconds_count",
        "inference_orders_total", "inference_order_seconds_count",
    }  # fmt: skip


def test_the_trace_of_a_case_leads_from_its_association_to_its_deliveries(watched: Watched, someone: Someone) -> None:
    watched.system.record(*someone.facts())
    watched.system.route(someone.images())
    case_id = watched.system.settled(someone.study_uid, "predicted").case.case_id
    wanted = {
        "association", "study.complete", "study.submit", "rpc SubmitCase", "case", "case.evaluate", "rpc GetFacts",
        "case.order", "case.attempt", "rpc ClaimAttempt", "rpc ReportPrediction", "delivery",
    }  # fmt: skip

    def whole() -> bool:
        names = [one.name for one in _connected(watched, case_id)]
        return wanted <= set(names) and names.count("delivery") == 2

    wait_until(whole, "the whole trace")
    chain = _connected(watched, case_id)

    assert {one.service for one in chain} >= {f"oncorelay.{service}" for service in SERVICES}
    assert sorted(one.attributes["sink"] for one in chain if one.name == "delivery") == ["ehr", "pacs"]
    attempt = next(one for one in chain if one.name == "case.attempt")
    assert attempt.parent in [one.own for one in chain if one.name == "case.order"]
    said = json.dumps([one.attributes for one in watched.collector.spans()])
    assert someone.study_uid not in said
    assert someone.identifier not in said


def test_changed_facts_lead_from_the_fhir_request_to_the_case(watched: Watched, someone: Someone) -> None:
    watched.system.record(*someone.facts())
    watched.system.route(someone.images())
    watched.system.settled(someone.study_uid, "predicted")
    watched.system.record({**someone.ehr.estrogen_receptor("negative", "2026-01-10"), "status": "corrected"})
    case_id = watched.system.settled(someone.study_uid, "predicted", findings=2).case.case_id
    wanted = {"fhir.request", "facts.changed", "facts.announce", "rpc AnnounceFacts", "case.facts_announced", "case"}

    wait_until(lambda: wanted <= {one.name for one in _connected(watched, case_id)}, "the whole trace")


def _connected(watched: Watched, case_id: str) -> list[Span]:
    """Return the spans that lead from the case's own span over parents and links, in whatever direction."""
    spans = watched.collector.spans()
    beside: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for one in spans:
        for other in [*one.links, *([one.parent] if one.parent else [])]:
            beside[one.own].add(other)
            beside[other].add(one.own)
    reached: set[tuple[str, str]] = set()
    rest = [one.own for one in spans if one.name == "case" and one.attributes["case_id"] == case_id]
    while rest:
        here = rest.pop()
        if here not in reached:
            reached.add(here)
            rest += beside[here]
    return [one for one in spans if one.own in reached]
