"""How the worker's parent tells Redis that an order is done, and what it does when Redis did not hear it.

Celery logs such a failure and goes on; the order then keeps its place in the prefetch window for ever. With every
place taken the parent reads nothing from Redis any more, so it never sees that the connection is gone, and never
reconnects: a Redis that restarts between an answer and its acknowledgement leaves a worker that lives and works no
more (Celery 5.7, kombu 5.7; ``tests/integration/inference/test_outages.py``). Reconnecting empties the window.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
from celery import Task
from celery.worker.request import Request
from kombu.asynchronous import get_event_loop

log = structlog.get_logger("oncorelay.inference")


class OrderRequest(Request):
    """A request whose acknowledgement arrives, or makes the worker reconnect."""

    _connection_errors: tuple[type[Exception], ...]
    """Set by Celery: what its transport raises when a connection is lost."""

    def acknowledge(self) -> None:
        """Acknowledge in the event loop, as Celery does."""
        self._settle(self.message.ack)

    def reject(self, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - Celery's signature
        """Reject in the event loop, as Celery does."""
        self._settle(partial(self.message.reject, requeue=requeue))

    def _settle(self, tell: Callable[[], None]) -> None:
        if self.acknowledged:
            return
        self.acknowledged = True
        hub = get_event_loop()
        if hub is None:
            self._tell(tell)
        else:
            hub.call_soon(partial(self._tell, tell))

    def _tell(self, tell: Callable[[], None]) -> None:
        """Raise in the event loop, where Celery answers it as it answers every lost connection."""
        try:
            tell()
        except self._connection_errors as error:
            log.warning("order_not_acknowledged", error=type(error).__name__)
            # The channel of a connection that was given up already holds nobody back.
            if not self.message.channel.closed:
                raise ConnectionResetError("an acknowledgement did not reach Redis") from error


class OrderTask(Task):  # type: ignore[type-arg]  # generic in its stubs only
    """The base of our task: Celery's, with our request."""

    Request = f"{__name__}:OrderRequest"
