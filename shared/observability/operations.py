"""What surrounds every service process: its ops server, the numbers it looks up by its own clock, its traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.observability import metrics, tracing
from shared.observability.health import Check, Health
from shared.observability.loops import Loop
from shared.observability.ops_server import OpsServer

SAMPLE_S = 5.0
"""Pause between two looks at the numbers of a database or a queue: a scrape never waits for either."""


@dataclass(frozen=True, slots=True)
class Operations:
    """What an operator may look at."""

    service: str
    address: str
    """host:port of the ops server; empty: none."""
    otlp_endpoint: str = ""
    checks: Mapping[str, Check] = field(default_factory=dict)
    sample: Callable[[], object] | None = None
    """Looks up numbers and sets gauges."""


@contextmanager
def watched(operations: Operations) -> Iterator[None]:
    """Serve health and metrics, and send traces, while the block runs.

    Raises:
        OSError: If the address cannot be bound.
        InvalidInputError: If it is not one.
    """
    tracing.configure(operations.service, operations.otlp_endpoint)
    server = ops_server(operations)
    loop = Loop("sample", operations.sample, SAMPLE_S) if operations.sample and server else None
    for part in (server, loop):
        if part:
            part.start()
    try:
        yield
    finally:
        if loop:
            loop.ask_to_stop()
        if server:
            server.stop()
        tracing.stop()


def ops_server(operations: Operations) -> OpsServer | None:
    """Return the server, not yet started; None where no address is given."""
    if not operations.address:
        return None
    metrics.start(operations.service)
    return OpsServer(operations.service, operations.address, Health(operations.checks))
