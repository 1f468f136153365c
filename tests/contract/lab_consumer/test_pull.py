"""What the FHIR server is asked, and what its answers do, over a real database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from services.lab_consumer.adapters.pull_queue import SqlPullQueue
from services.lab_consumer.handlers.pages import TakePages
from services.lab_consumer.handlers.pull import Bounds, Pull
from services.lab_consumer.ports.pulling import Wish
from shared.domain.errors import PermanentError
from shared.domain.facts import FactName
from shared.domain.identity import PatientIdentity
from shared.domain.pauses import Pauses
from shared.fhir.reading.json_text import JsonLimits
from shared.testing.fhir_resources import patient
from tests.contract.lab_consumer.conftest import MRN1, Laboratory
from tests.contract.lab_consumer.test_patient_changes import receptor

pytestmark = pytest.mark.contract

SERVER = "https://ehr.example.org/fhir"


@dataclass
class Ehr:
    """A FHIR server that holds resources by ``Type/id``, and remembers what was searched for."""

    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    searches: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    offers: tuple[str, ...] = ()
    trouble: PermanentError | None = None
    looks: int = 0

    def read(self, resource_type: str, resource_id: str) -> bytes | None:
        """Return a resource."""
        found = self.holds.get(f"{resource_type}/{resource_id}")
        return json.dumps(found).encode() if found else None

    def changed(self, resource_type: str, since: str, page_size: int) -> bytes:
        """Return every resource of the type."""
        return self.search(resource_type, [])

    def search(self, resource_type: str, parameters: Sequence[tuple[str, str]]) -> bytes:
        """Return every resource of the type."""
        self.searches.append((resource_type, dict(parameters)))
        found = [{"resource": row} for row in self.holds.values() if row["resourceType"] == resource_type]
        return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": found}).encode()

    def capability(self) -> bytes:
        """Return which parameters Observations are searched by."""
        self.looks += 1
        if self.trouble:
            raise self.trouble
        offered = [{"name": name, "type": "token"} for name in self.offers]
        row = {"type": "Observation", "searchParam": offered}
        rests = [{"mode": "client", "resource": []}, {"mode": "server", "resource": [{"type": "Patient"}, row]}]
        return json.dumps({"resourceType": "CapabilityStatement", "rest": rests}).encode()

    def page(self, link: str) -> bytes:
        """Return nothing."""
        raise AssertionError(link)


@pytest.fixture
def ehr() -> Ehr:
    return Ehr()


@pytest.fixture
def pull(lab: Laboratory, ehr: Ehr) -> Pull:
    take = TakePages(lab.receive, JsonLimits(100_000, 20, 1000), 100, SERVER)
    bounds = Bounds(100, 10, timedelta(seconds=60))
    queue = SqlPullQueue(lab.engine, SERVER)
    return Pull(ehr, queue, take, lab.receive.identities, bounds, Pauses(0.1, 1.0), lab.now, lambda *_: None)


def look_up(pull: Pull, *wishes: Wish) -> None:
    pull.queue.want(wishes, pull.now())
    assert pull.wishes() == len(wishes)


def test_a_resource_we_hold_that_the_server_does_not_know_any_more_is_told_once(
    lab: Laboratory, ehr: Ehr, pull: Pull
) -> None:
    held = receptor()
    wish = Wish("Observation", held["id"])
    lab.post(patient(), held)

    look_up(pull, wish)
    look_up(pull, wish)

    (refusal,) = lab.store.refusals(10)
    assert (refusal.source, refusal.code) == (f"Observation/{held['id']}", "not-found")
    assert refusal.reason.startswith("the FHIR server does not know it any more (404), and did not say that it was del")
    assert lab.values(FactName.ESTROGEN_RECEPTOR) == ["positive"]

    ehr.holds[refusal.source] = held | {"status": "corrected"}
    look_up(pull, wish)
    ehr.holds.clear()
    look_up(pull, wish)
    assert len(lab.store.refusals(10)) == 2  # it came again, and is missing again


def test_what_we_never_held_or_know_to_be_deleted_is_missed_by_nobody(lab: Laboratory, pull: Pull) -> None:
    held = receptor()
    lab.post(patient(), held)
    pull.take.gone(("Observation", held["id"]))

    look_up(pull, Wish("Observation", held["id"]), Wish("Observation", "never-here"))

    assert lab.store.refusals(10) == ()


def by_code(ehr: Ehr) -> list[str]:
    """Return the parameters that hold codes, of the searches for Observations."""
    return [name for kind, row in ehr.searches if kind == "Observation" for name in row if name.endswith("code")]


@pytest.mark.parametrize(
    ("offers", "asked"),
    [
        (("code", "combo-code", "component-code"), ["combo-code"]),
        (("code", "component-code"), ["code", "component-code"]),
        (("code",), ["code"]),
        ((), ["code"]),
    ],
)
def test_a_new_case_asks_for_codes_of_components_too_where_the_server_can(
    ehr: Ehr, pull: Pull, offers: tuple[str, ...], asked: list[str]
) -> None:
    ehr.offers, ehr.holds = offers, {"Patient/p1": patient()}

    look_up(pull, Wish(identity=MRN1))

    assert by_code(ehr) == asked
    look_up(pull, Wish(identity=PatientIdentity("hospital", "MRN2")))
    assert (by_code(ehr), ehr.looks) == (asked * 2, 1)  # the statement is read once


def test_a_server_that_does_not_say_what_it_can_is_asked_by_code(ehr: Ehr, pull: Pull) -> None:
    ehr.trouble, ehr.holds = PermanentError("the FHIR server answered 404"), {"Patient/p1": patient()}

    look_up(pull, Wish(identity=MRN1))

    assert by_code(ehr) == ["code"]
