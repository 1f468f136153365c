"""Orders: what the application promises, and what the sender does without Redis."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import UnavailableError
from shared.messaging.celery_app import TASK_LIMIT_S, VISIBILITY_TIMEOUT_S, create_app
from shared.messaging.orders import OrderQueue, client_url
from shared.messaging.task import TASK_NAME
from shared.testing.ports import free_port
from shared.testing.redis import start_redis


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[OrderQueue]:
    with start_redis(tmp_path) as url:
        orders = OrderQueue(url)
        yield orders
        orders.close()


def test_the_application_acknowledges_late_and_keeps_no_results() -> None:
    conf = create_app("redis://127.0.0.1:1/0").conf

    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"
    assert conf.result_backend is None


def test_no_task_outlives_the_visibility_timeout() -> None:
    assert TASK_LIMIT_S < VISIBILITY_TIMEOUT_S


@pytest.mark.integration
def test_orders_wait_in_the_queue_and_carry_case_and_revision_only(queue: OrderQueue) -> None:
    queue.send("case-a", 3)
    queue.send("case-b", 1)
    message: dict[str, Any] = json.loads(queue._redis.lindex("cpu", -1))

    assert queue.waiting() == 2
    assert message["headers"]["task"] == TASK_NAME
    assert message["headers"]["eta"] is None
    assert "case-a" in message["headers"]["kwargsrepr"]
    assert message["content-type"] == "application/json"


@pytest.mark.integration
def test_an_empty_queue_counts_none(queue: OrderQueue) -> None:
    assert queue.waiting() == 0


def test_without_redis_sending_and_counting_say_so_at_once_and_quote_no_password() -> None:
    orders = OrderQueue(f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(UnavailableError) as sending:
        orders.send("case-a", 1)
    with pytest.raises(UnavailableError) as counting:
        orders.waiting()
    orders.close()

    assert "secret" not in f"{sending.value} {counting.value}"


def test_a_redis_that_accepts_and_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        orders = OrderQueue(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with pytest.raises(UnavailableError):
            orders.send("case-a", 1)
        with pytest.raises(UnavailableError):
            orders.waiting()
        orders.close()


def test_a_socket_url_is_spelt_for_the_client() -> None:
    assert client_url("redis+socket:///run/redis.sock?virtual_host=2") == "unix:///run/redis.sock?db=2"
    assert client_url("rediss://h:1/0") == "rediss://h:1/0"
