"""The one task and its queue, as both ends name them; who only reads settings loads no Celery for it."""

from __future__ import annotations

TASK_NAME = "inference.run_case"
"""Its arguments are ``case_id`` and ``revision`` and nothing else."""

CPU_QUEUE = "cpu"
