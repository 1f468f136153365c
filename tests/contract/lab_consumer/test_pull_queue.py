"""What is to be asked of the FHIR server: durable, once, and never lost because it was wished again meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.lab_consumer.adapters.erasure import SqlErasure
from services.lab_consumer.adapters.pull_queue import SqlPullQueue
from services.lab_consumer.ports.pulling import Wish
from tests.contract.lab_consumer.conftest import MRN1, Laboratory

pytestmark = pytest.mark.contract

SERVER = "https://ehr.example.org/fhir"
O1, P1 = Wish("Observation", "o1"), Wish("Patient", "p1")


@pytest.fixture
def queue(lab: Laboratory) -> SqlPullQueue:
    """An empty one."""
    return SqlPullQueue(lab.engine, SERVER)


def test_a_wish_is_due_at_once_and_gone_when_fulfilled(lab: Laboratory, queue: SqlPullQueue) -> None:
    assert queue.want([O1, P1], lab.now()) == 2
    due = queue.due(lab.now(), 10)
    assert [(row.resource_type, row.resource_id) for row in due] == [("Observation", "o1"), ("Patient", "p1")]

    queue.settle(due[0], lab.now())

    assert [row.resource_type for row in queue.due(lab.now(), 10)] == ["Patient"]


def test_the_same_wish_twice_is_one(lab: Laboratory, queue: SqlPullQueue) -> None:
    queue.want([O1, O1], lab.now())

    assert queue.want([O1], lab.now()) == 0
    assert queue.waiting() == 1


def test_a_wish_that_comes_again_while_it_is_asked_stays_open(lab: Laboratory, queue: SqlPullQueue) -> None:
    queue.want([O1], lab.now())
    asked = queue.due(lab.now(), 1)[0]
    queue.want([O1], lab.now())

    queue.settle(asked, lab.now())

    assert queue.waiting() == 1


def test_a_postponed_wish_comes_later_and_at_once_where_it_is_wished_again(
    lab: Laboratory, queue: SqlPullQueue
) -> None:
    queue.want([O1], lab.now())
    queue.postpone(queue.due(lab.now(), 1)[0], lab.now() + timedelta(hours=1))
    assert queue.due(lab.now(), 1) == ()
    assert queue.due(lab.now() + timedelta(hours=2), 1)[0].tries == 1

    queue.want([O1], lab.now())

    assert queue.due(lab.now(), 1)[0].tries == 0


def test_a_patient_is_asked_about_once(lab: Laboratory, queue: SqlPullQueue) -> None:
    assert queue.want([Wish(identity=MRN1)], lab.now()) == 1
    queue.settle(queue.due(lab.now(), 1)[0], lab.now())

    assert queue.want([Wish(identity=MRN1)], lab.now()) == 0
    assert queue.waiting() == 0


def test_everything_is_there_after_a_restart(open_laboratory: Callable[[], Laboratory]) -> None:
    lab = open_laboratory()
    queue = SqlPullQueue(lab.engine, SERVER)
    queue.want([O1], lab.now())
    for since in ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"):
        queue.advance("Observation", since)
    for number in (1, 5):
        queue.heard("Subscription/1", number)

    again = SqlPullQueue(open_laboratory().engine, SERVER + "/")

    assert (again.waiting(), again.cursor("Observation"), again.event("Subscription/1")) == (
        1, "2026-01-02T00:00:00.000Z", 5,
    )  # fmt: skip


def test_another_server_is_polled_from_its_own_beginning(lab: Laboratory, queue: SqlPullQueue) -> None:
    queue.advance("Observation", "2026-01-01T00:00:00.000Z")

    assert SqlPullQueue(lab.engine, "https://other.example.org/fhir").cursor("Observation") == ""


def test_an_erased_patient_is_wished_for_no_longer(lab: Laboratory, queue: SqlPullQueue) -> None:
    queue.want([Wish(identity=MRN1)], lab.now())

    SqlErasure(lab.engine)(MRN1)

    assert queue.waiting() == 0
    assert queue.want([Wish(identity=MRN1)], lab.now()) == 1
