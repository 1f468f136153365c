"""One Celery application for those who send orders and those who take them (settings measured on real Redis).

What Celery cannot give is the ledger's: truth, leases, limits of attempts, retries with backoff. So no result backend,
no ETA, no countdown; a task that is lost with Redis, or goes round because it kills its worker, is the ledger's to end.
"""

from __future__ import annotations

from celery import Celery
from kombu import Queue

from shared.messaging.task import CPU_QUEUE

VISIBILITY_TIMEOUT_S = 3600
"""Longer than the longest task: Redis gives a task to a second worker after this time, finished or not."""

TASK_LIMIT_S = 1800
"""A task is killed after this time, well before it would be given to a second worker."""

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 10.0


def create_app(redis_url: str, queues: tuple[str, ...] = (CPU_QUEUE,)) -> Celery:
    """Return an application bound to ``redis_url``; nothing is connected yet."""
    app = Celery("oncorelay", broker=redis_url, set_as_current=False)
    app.conf.update(
        task_queues=tuple(Queue(name) for name in queues),
        task_default_queue=queues[0],
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        event_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=TASK_LIMIT_S,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(),
        enable_utc=True,
    )
    return app


def _transport_options() -> dict[str, float | bool]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": ANSWER_TIMEOUT_S,
        "socket_keepalive": True,
    }
