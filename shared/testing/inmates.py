"""Functions that misbehave for real, for tests of the jail; each is harmless inside it."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import time
from pathlib import Path
from typing import Any

from shared.domain.errors import InvalidInputError


def echo(value: Any) -> Any:
    """Return what came."""
    return value


def environment() -> list[str]:
    """Return the names of the environment's variables."""
    return sorted(os.environ)


def open_descriptors() -> int:
    """Return how many descriptors are open, without the one that looks."""
    return len(list(Path("/proc/self/fd").iterdir())) - 1


def refuse() -> None:
    """Refuse the input by our own error."""
    raise InvalidInputError("PixelData", "is not there")


def break_down() -> None:
    """Raise what is not declared, with a text that must not leave the jail."""
    raise RuntimeError("Canary^Name")


def print_and_answer() -> int:
    """Write to standard output, as foreign libraries do."""
    print("noise" * 1000, flush=True)  # noqa: T201
    return 7


def allocate() -> int:
    """Take all memory there is."""
    taken = []
    while True:
        taken.append(bytearray(1 << 24))


def loop() -> None:
    """Use the processor for ever."""
    while True:
        pass


def wait() -> None:
    """Do nothing for ever."""
    while True:
        time.sleep(3600)


def crash() -> None:
    """Read address zero."""
    ctypes.string_at(0)


def leave() -> None:
    """End the process without a word."""
    os._exit(0)


def answer_much() -> str:
    """Answer more than anybody may."""
    return "x" * (1 << 25)


def fork() -> None:
    """Make another process."""
    if os.fork() == 0:
        time.sleep(3600)


def run_a_program() -> None:
    """Start a shell."""
    os.execv("/bin/sh", ["/bin/sh", "-c", "true"])  # noqa: S606


def reach_the_network() -> None:
    """Make a socket."""
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))


def write(path: str) -> None:
    """Write a file."""
    Path(path).write_bytes(b"written")


def remove(path: str) -> None:
    """Remove a file."""
    Path(path).unlink()


def kill_the_parent() -> None:
    """Signal the parent; 0 only asks whether it may be signalled."""
    os.kill(os.getppid(), 0)


def raise_a_limit() -> None:
    """Take a limit back, past Python's own wording of the refusal."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setrlimit(resource.RLIMIT_NOFILE, (ctypes.c_ulong * 2)(16, 16)):
        raise OSError(ctypes.get_errno(), "setrlimit")


def read(path: str) -> str:
    """Read a file."""
    return Path(path).read_text()
