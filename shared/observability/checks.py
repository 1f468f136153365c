"""Checks that several services share, see ``health.Check``."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from shared.observability.health import Check
from shared.observability.loops import Loop

_MIB = 1024 * 1024
_CONNECT_S = 1.0


def disk(folder: Path, min_free_mb: int) -> Check:
    """Return a check of the free space of the file system ``folder`` lies on, in MiB."""

    def look() -> str:
        there = next(one for one in (folder, *folder.parents) if one.exists())
        free = shutil.disk_usage(there).free // _MIB
        if free >= min_free_mb:
            return ""
        return f"{free} MiB free, at least {min_free_mb} are needed: make room, or lower min_free_mb in site.toml"

    return look


def listens(address: str, who: str) -> Check:
    """Return a check that somebody accepts connections at host:port (no gRPC: this may run before a fork)."""
    host, _, port = address.rpartition(":")

    def look() -> str:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
        except (OSError, ValueError) as error:
            return f"nobody answers at {address} ({type(error).__name__}): start {who}, or correct its address"
        return ""

    return look


def succeeds(call: Callable[[], object]) -> Check:
    """Return a check that a call raises nothing; our own errors say what is wrong."""

    def look() -> str:
        call()
        return ""

    return look


def alive(loops: Iterable[Loop]) -> Check:
    """Return a check that none of our own loops has ended."""
    watched = tuple(loops)

    def look() -> str:
        ended = [loop.name for loop in watched if not loop.alive]
        return f"ended: {', '.join(ended)}; restart this service and look into its log" if ended else ""

    return look


def at_most(count: Callable[[], int], limit: int, what: str, remedy: str) -> Check:
    """Return a check that no more than ``limit`` of something waits."""

    def look() -> str:
        waiting = count()
        return f"{waiting} {what} (more than {limit}): {remedy}" if waiting > limit else ""

    return look
