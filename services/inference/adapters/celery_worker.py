"""The Celery worker: a parent that talks to Redis, and forked children that each answer one case at a time.

Prefork, not threads: a case that kills its process (an out-of-memory kill, a crash inside a runtime) takes one child
with it; Celery starts another and the worker goes on. Everything with threads of its own (gRPC channel, ONNX Runtime
session) is made in the child, after the fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_ready

from services.inference.adapters.requests import OrderTask
from shared.messaging.celery_app import create_app
from shared.messaging.task import TASK_NAME
from shared.observability import tracing

log = structlog.get_logger("oncorelay.inference")

Handler = Callable[[str, int], str]
"""Answers one order and says how that ended (one word, which the parent counts)."""

MAX_CASE_ID_CHARACTERS = 128
START_LIMIT_S = 60.0
"""A child may take this long to load its models (Celery's default of 4 s is too short on a busy machine)."""


class _PerProcess:
    """A handler built once in each process that uses it."""

    def __init__(self, build: Callable[[], Handler]) -> None:
        self._build = build
        self._handler: Handler | None = None
        self._process_id = 0

    def prepare(self, **_: Any) -> None:
        """Build it now."""
        self()

    def __call__(self) -> Handler:
        if self._handler is None or self._process_id != os.getpid():
            self._handler, self._process_id = self._build(), os.getpid()
        return self._handler


def worker_app(redis_url: str, queues: tuple[str, ...], build: Callable[[], Handler]) -> Celery:
    """Return the application with its one task; ``build`` is called in each child, after the fork."""
    app = create_app(redis_url, queues)
    app.conf.worker_proc_alive_timeout = START_LIMIT_S
    handler = _PerProcess(build)
    worker_process_init.connect(handler.prepare, weak=False)
    worker_process_shutdown.connect(_send_spans, weak=False)
    # Connected, so that Celery leaves the logging of this process as it is.
    setup_logging.connect(_keep_logging, weak=False)
    worker_ready.connect(_say_ready, weak=False)

    @app.task(name=TASK_NAME, base=OrderTask, bind=True)
    def run_case(task: Any, case_id: object = None, revision: object = None) -> str:
        if not _is_case_id(case_id) or not _is_revision(revision):
            log.error("order_refused", reason="case id or revision is not one")
            return "refused"
        answer, case = handler(), str(case_id)
        with tracing.span("case.attempt", about=("case", case), parent=_parent(task), case_id=case):
            return answer(case, int(str(revision)))

    return app


def run(app: Celery, name: str, concurrency: int) -> int:
    """Work until SIGTERM (running cases are finished first); return the exit status."""
    worker = app.Worker(
        hostname=name,
        concurrency=concurrency,
        pool_cls="prefork",
        optimization="fair",
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _keep_logging(**_: Any) -> None:
    """Do nothing: the process has configured its logging."""


def _send_spans(**_: Any) -> None:
    """In a child that ends in order: send what is left."""
    tracing.stop()


def _say_ready(**_: Any) -> None:
    log.info("ready", service="inference")


def _parent(task: Any) -> str:
    """Return the traceparent among the order's headers; empty where there is none."""
    return str((task.request.headers or {}).get(tracing.TRACEPARENT) or "")


def _is_case_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CASE_ID_CHARACTERS


def _is_revision(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
