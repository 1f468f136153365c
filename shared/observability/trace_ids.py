"""Ids of spans: random, or chosen for the one span that stands for a case."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator


class ChosenIds(RandomIdGenerator):
    """Random ids, except within ``chosen`` on the same thread."""

    def __init__(self) -> None:
        super().__init__()
        self._own = threading.local()

    @contextmanager
    def chosen(self, ids: tuple[int, int]) -> Iterator[None]:
        """Give the next root span these ids (trace, span)."""
        self._own.ids = ids
        try:
            yield
        finally:
            self._own.ids = None

    def generate_trace_id(self) -> int:
        """Return the chosen trace id, or a random one."""
        ids = getattr(self._own, "ids", None)
        return int(ids[0]) if ids else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the chosen span id, or a random one."""
        ids = getattr(self._own, "ids", None)
        return int(ids[1]) if ids else super().generate_span_id()
