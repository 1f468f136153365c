"""How the worker's parent tells Redis that an order is done, and what it does when Redis did not hear it.

Celery logs such a failure and goes on; the order then keeps its place in the prefetch window for ever. With every
place taken the parent reads nothing from Redis any more, so it never sees that the connection is gone, and never
reconnects: a Redis that restarts between an answer and its acknowledgement leaves a worker that lives and works no
more (Celery 5.7, kombu 5.7; ``tests/integration/inference/test_outages.py``). Reconnecting empties the window.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import structlog
from billiard.exceptions import WorkerLostError
from celery import Task
from celery.worker.request import Request
from kombu.asynchronous import get_event_loop

from services.inference.adapters.operations import order_ended

log = structlog.get_logger("oncorelay.inference")


class OrderRequest(Request):
    """A request whose acknowledgement arrives, or makes the worker reconnect."""

    _connection_errors: tuple[type[Exception], ...]
    """Set by Celery: what its transport raises when a connection is lost."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Celery makes one subclass per task, with an ``on_success`` of its own: that one is counted."""
        super().__init_subclass__(**options)
        cls.on_success = _counted(cls.on_success)  # type: ignore[method-assign]

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - Celery's signature
        """Count an order whose child broke, or died."""
        order_ended("worker_died" if isinstance(exc_info.exception, WorkerLostError) else "broken")
        super().on_failure(exc_info, send_failed_event, return_ok)

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


def _counted(on_success: Callable[..., None]) -> Callable[..., None]:
    """Count what a child says about an order that it finished: one word, and how long it took."""

    @wraps(on_success)
    def counted(self: Request, failed__retval__runtime: tuple[Any, ...], **options: Any) -> None:
        failed, said, seconds = failed__retval__runtime
        if not failed:  # else Celery calls on_failure
            order_ended(str(said).strip("'"), seconds)
        on_success(self, failed__retval__runtime, **options)

    return counted


class OrderTask(Task):  # type: ignore[type-arg]  # generic in its stubs only
    """The base of our task: Celery's, with our request."""

    Request = f"{__name__}:OrderRequest"
