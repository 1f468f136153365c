"""The worker as a process: real Celery, real Redis, real gRPC."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from services.inference.handlers.predict_by_hand import predict_from_command_line
from shared.domain.prediction import Prediction
from shared.messaging.orders import OrderQueue
from shared.messaging.task import TASK_NAME
from shared.testing.ports import wait_until

pytestmark = pytest.mark.integration

BUNDLE = "ln_pcr-clinical-published"


def until(condition: Callable[[], Any], what: str) -> None:
    wait_until(lambda: bool(condition()), what, timeout_s=40)


def test_an_order_becomes_one_answer_with_the_number_of_the_command_line(
    queue: OrderQueue, ledger: Any, workers: Any
) -> None:
    ledger.add("case-a")
    workers.start()
    queue.send("case-a", 1)
    until(lambda: ledger.answers, "the answer")

    (case_id, attempt, answer) = ledger.answers[0]
    by_hand = predict_from_command_line(BUNDLE, {"er": "positive", "her2": "0", "t": "3"})
    assert (case_id, attempt) == ("case-a", 1)
    assert isinstance(answer, Prediction)
    assert answer.probability == by_hand.probability
    assert answer.bundle == by_hand.bundle
    assert answer.outcome.positive_class == "axillary_pcr"
    assert answer.precision == "float64"
    until(lambda: queue.waiting() == 0, "the acknowledgement")


def test_a_task_that_comes_twice_reports_once(queue: OrderQueue, ledger: Any, workers: Any) -> None:
    ledger.add("case-a")
    workers.start(concurrency="2")
    queue.send("case-a", 1)
    queue.send("case-a", 1)
    until(lambda: ledger.answers and ledger.stale, "one answer and one refusal")
    until(lambda: queue.waiting() == 0, "both acknowledgements")

    assert len(ledger.answers) == 1
    assert len(ledger.claims) == 1


def test_a_killed_child_costs_one_attempt_and_the_next_order_is_answered_once(
    queue: OrderQueue, ledger: Any, workers: Any
) -> None:
    ledger.add("case-a")
    ledger.open_door.clear()
    worker = workers.start()
    queue.send("case-a", 1)
    until(ledger.reporting.is_set, "the worker in mid-task")
    [child] = worker.children
    os.kill(child, signal.SIGKILL)
    # Celery gives the lost task to the next child at once; the ledger refuses it, because the lease still runs.
    until(lambda: ledger.stale, "the redelivered order to be refused")
    ledger.open_door.set()
    ledger.requeue("case-a")
    queue.send("case-a", 1)
    until(lambda: ledger.answers, "the answer")
    until(lambda: queue.waiting() == 0, "the acknowledgement")

    assert [(case_id, attempt) for case_id, attempt, _ in ledger.answers] == [("case-a", 2)]
    assert worker.process.poll() is None
    assert worker.children != [child]


def test_a_killed_worker_is_replaced_by_the_next_and_the_case_is_answered_once(
    queue: OrderQueue, ledger: Any, workers: Any
) -> None:
    ledger.add("case-a")
    ledger.open_door.clear()
    first = workers.start()
    queue.send("case-a", 1)
    until(ledger.reporting.is_set, "the worker in mid-task")
    first.kill()
    ledger.open_door.set()
    ledger.requeue("case-a")
    workers.start()
    queue.send("case-a", 1)
    until(lambda: ledger.answers, "the answer")

    assert [(case_id, attempt) for case_id, attempt, _ in ledger.answers] == [("case-a", 2)]


def test_orders_that_wait_while_no_worker_runs_are_answered_when_one_starts(
    queue: OrderQueue, ledger: Any, workers: Any
) -> None:
    for name in ("case-a", "case-b"):
        ledger.add(name)
        queue.send(name, 1)
    assert queue.waiting() == 2
    workers.start()
    until(lambda: len(ledger.answers) == 2, "both answers")

    assert {case_id for case_id, _, _ in ledger.answers} == {"case-a", "case-b"}


def test_a_worker_told_to_stop_finishes_its_case_first(queue: OrderQueue, ledger: Any, workers: Any) -> None:
    ledger.add("case-a")
    ledger.open_door.clear()
    worker = workers.start()
    queue.send("case-a", 1)
    until(ledger.reporting.is_set, "the worker in mid-task")
    worker.process.send_signal(signal.SIGTERM)
    ledger.open_door.set()

    assert worker.process.wait(timeout=40) == 0
    assert len(ledger.answers) == 1


def test_the_lease_is_renewed_while_a_report_takes_long(queue: OrderQueue, ledger: Any, workers: Any) -> None:
    ledger.add("case-a")
    ledger.lease_s = 0.6
    ledger.open_door.clear()
    workers.start()
    queue.send("case-a", 1)
    until(lambda: ledger.renewals >= 3, "three renewals")
    ledger.open_door.set()
    until(lambda: ledger.answers, "the answer")


def test_a_bundle_nobody_installed_is_reported_as_a_failure_with_its_name(
    queue: OrderQueue, ledger: Any, workers: Any
) -> None:
    ledger.add("case-a", bundle_id="ln_pcr-elsewhere")
    workers.start()
    queue.send("case-a", 1)
    until(lambda: ledger.answers, "the failure")

    assert "no installed bundle ln_pcr-elsewhere" in ledger.answers[0][2]


def test_an_order_that_is_none_is_refused_and_the_worker_goes_on(queue: OrderQueue, ledger: Any, workers: Any) -> None:
    ledger.add("case-a")
    worker = workers.start()
    for payload in ({"case_id": 7, "revision": 1}, {"case_id": "x" * 999, "revision": 1}, {"revision": True}):
        queue._app.send_task(TASK_NAME, kwargs=payload, queue="cpu")
    queue.send("case-a", 1)
    until(lambda: ledger.answers, "the answer")
    until(lambda: queue.waiting() == 0, "the acknowledgements")

    assert worker.log.count("order_refused") == 3
    assert len(ledger.claims) == 1


def test_a_worker_that_starts_before_redis_password_is_known_logs_no_secret(
    queue: OrderQueue, redis_url: str, workers: Any
) -> None:
    worker = workers.start(redis_url=redis_url.replace("redis://", "redis://:hunter2-secret@"))
    until(lambda: "bundle_verified" in worker.log and len(worker.log.splitlines()) > 1, "the refused connection")

    assert "hunter2-secret" not in worker.log
