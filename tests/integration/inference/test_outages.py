"""Peers that go away and come back while a worker runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.messaging.orders import OrderQueue
from shared.testing.ports import free_port, wait_until
from shared.testing.redis import start_redis

pytestmark = pytest.mark.integration


def until(condition: Callable[[], Any], what: str) -> None:
    wait_until(lambda: bool(condition()), what, timeout_s=40)


def test_an_order_taken_while_results_is_away_is_answered_when_it_comes_back(
    queue: OrderQueue, start_ledger: Any, workers: Any
) -> None:
    workers.start(first_retry_s="0.1", longest_retry_s="0.2", claim_patience_s="60")
    queue.send("case-a", 1)
    until(lambda: queue._redis.hlen("unacked") == 1, "the worker to take the order")
    ledger = start_ledger("case-a")
    until(lambda: ledger.answers, "the answer")

    assert len(ledger.answers) == 1


def test_a_worker_whose_patience_ends_lets_the_order_go_to_the_ledgers_reconciler(
    queue: OrderQueue, workers: Any
) -> None:
    worker = workers.start(first_retry_s="0.1", claim_patience_s="0.3")
    queue.send("case-a", 1)
    until(lambda: "claim_given_up" in worker.log, "the worker to give up")
    until(lambda: queue.waiting() == 0, "the acknowledgement")

    assert worker.process.poll() is None


def test_a_worker_survives_a_redis_that_is_killed_and_comes_back_empty(
    tmp_path: Path, ledger: Any, workers: Any
) -> None:
    port, first, second = free_port(), tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with start_redis(first, port) as url:
        workers.redis_url = url
        ledger.add("case-a")
        workers.start()
        orders = OrderQueue(url)
        orders.send("case-a", 1)
        until(lambda: ledger.answers, "the first answer")
        orders.close()
    with start_redis(second, port) as url:
        ledger.add("case-b")
        orders = OrderQueue(url)
        orders.send("case-b", 1)
        until(lambda: len(ledger.answers) == 2, "the second answer")
        orders.close()

    assert [case_id for case_id, _, _ in ledger.answers] == ["case-a", "case-b"]


def test_a_redis_that_dies_between_an_answer_and_its_acknowledgement_does_not_leave_a_deaf_worker(
    tmp_path: Path, ledger: Any, workers: Any
) -> None:
    port, first, second = free_port(), tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    ledger.add("case-a")
    ledger.add("case-b")
    ledger.open_door.clear()
    with start_redis(first, port) as url:
        workers.redis_url = url
        worker = workers.start()
        orders = OrderQueue(url)
        orders.send("case-a", 1)
        until(ledger.reporting.is_set, "the worker in mid-task")
        orders.close()
    ledger.open_door.set()
    until(lambda: "order_not_acknowledged" in worker.log, "the failed acknowledgement")
    with start_redis(second, port) as url:
        orders = OrderQueue(url)
        orders.send("case-b", 1)
        until(lambda: len(ledger.answers) == 2, "the second answer")
        orders.close()

    assert worker.process.poll() is None
