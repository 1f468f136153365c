"""Free ports and waiting for servers, for peers that tests and the demonstration start."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable

_LOWEST = 15000
_FIRST_OUTGOING = 32768
"""Linux: net.ipv4.ip_local_port_range."""
_given: set[int] = set()
"""What this process was given before: its server may not have bound it yet, or may come back to it after a stop."""
_WORKERS = 2
"""So many test workers share the ports without meeting: a port is given long before its server binds it."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago, below those the system gives to outgoing connections.

    No port is given twice in one process, nor by two workers of pytest-xdist. A port the system would choose may
    become somebody's outgoing port before its server binds it.
    """
    choose = random.SystemRandom()
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    while True:
        port = choose.randrange(_LOWEST + worker, _FIRST_OUTGOING, _WORKERS)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


def accepts_connections(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something listens on ``port``."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], what: str, *, timeout_s: float = 20.0, poll_s: float = 0.05) -> None:
    """Return once ``condition`` holds.

    Raises:
        TimeoutError: If it does not within ``timeout_s``; names ``what``.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        time.sleep(poll_s)
