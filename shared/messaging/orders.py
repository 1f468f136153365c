"""The sender's end: put an order into the queue, and count what waits there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from kombu.exceptions import OperationalError

from shared.domain.errors import UnavailableError
from shared.messaging.celery_app import CONNECT_TIMEOUT_S, create_app
from shared.messaging.patience import one_more_try
from shared.messaging.task import CPU_QUEUE, TASK_NAME
from shared.observability import tracing

_UNACKED = "unacked"
"""Hash in which kombu's Redis transport keeps what workers hold and have not acknowledged."""

_SOCKET_SCHEME = "redis+socket://"


class OrderQueue:
    """Orders to run a case, on one queue of one Redis. Sending twice is harmless: the ledger lets one worker answer."""

    def __init__(self, redis_url: str, queue: str = CPU_QUEUE) -> None:
        self._queue = queue
        self._app = create_app(redis_url, (queue,))
        # One try: whoever sends has an outbox and comes back.
        self._app.conf.broker_transport_options |= {"max_retries": 0, "socket_timeout": CONNECT_TIMEOUT_S}
        self._redis: Any = redis.Redis.from_url(
            client_url(redis_url),
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=CONNECT_TIMEOUT_S,
            retry=one_more_try(),
        )

    def send(self, case_id: str, revision: int) -> None:
        """Put one order into the queue.

        Raises:
            UnavailableError: If Redis cannot be reached; nothing was sent, or the order may be there once.
        """
        with _unavailable():
            self._app.send_task(
                TASK_NAME, kwargs={"case_id": case_id, "revision": revision}, queue=self._queue, retry=False,
                headers=dict(tracing.outgoing()),
            )  # fmt: skip

    def waiting(self) -> int:
        """Return how many orders are queued or held by a worker.

        Raises:
            UnavailableError: If Redis cannot be reached.
        """
        with _unavailable():
            return int(self._redis.llen(self._queue)) + int(self._redis.hlen(_UNACKED))

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        self._app.close()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, redis.RedisError, OSError) as error:
        # The type only: the text of such an error may quote the URL with its password.
        raise UnavailableError(f"redis cannot be reached ({type(error).__name__})") from error


def client_url(redis_url: str) -> str:
    """Return the URL as redis-py spells it (kombu has its own scheme for sockets)."""
    if not redis_url.startswith(_SOCKET_SCHEME):
        return redis_url
    path, _, options = redis_url.removeprefix(_SOCKET_SCHEME).partition("?")
    return f"unix://{path}?{options.replace('virtual_host=', 'db=')}"
