"""How the worker's parent notices that an acknowledgement did not reach Redis.

Celery logs such a failure and goes on; the order then keeps its place in the prefetch window for ever. With every
place taken the parent reads nothing from Redis any more, so it never sees that the connection is gone, and never
reconnects: a Redis that restarts between an answer and its acknowledgement leaves a worker that lives and works no
more (Celery 5.7, kombu 5.7; found by ``tests/integration/inference/test_outages.py``). Reconnecting empties the window.
"""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.worker.request import Request
from kombu.asynchronous import get_event_loop


class OrderRequest(Request):
    """A request that makes the worker reconnect when its message could be neither acknowledged nor rejected."""

    def acknowledge(self) -> None:
        """Acknowledge, or reconnect."""
        try:
            super().acknowledge()
        finally:
            _reconnect_unless_settled(self.message)

    def reject(self, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - Celery's signature
        """Reject, or reconnect."""
        try:
            super().reject(requeue=requeue)
        finally:
            _reconnect_unless_settled(self.message)


class OrderTask(Task):  # type: ignore[type-arg]  # generic in its stubs only
    """The base of our task: Celery's, with our request."""

    Request = f"{__name__}:OrderRequest"


def _reconnect_unless_settled(message: Any) -> None:
    hub = get_event_loop()
    if not message.acknowledged and hub is not None:
        # Raised in the event loop, where Celery answers it as it answers every lost connection.
        hub.call_soon(_lose_connection)


def _lose_connection() -> None:
    raise ConnectionResetError("an acknowledgement did not reach Redis")
