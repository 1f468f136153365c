"""What hostile slides may make of the functions that read them, for tests of the jail."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import numpy as np

from shared.jail.window import Filling


def hang(**_: Any) -> None:
    """Never answer."""
    time.sleep(3600)


def crash(**_: Any) -> None:
    """End as a fault in native code does."""
    os.abort()


def grow(**_: Any) -> None:
    """Take all memory there is."""
    np.ones(1 << 34, np.uint8)


def burn(**_: Any) -> None:
    """Take all the processor's time."""
    while True:
        pass


def connect(**_: Any) -> None:
    """Talk to somebody."""
    socket.create_connection(("127.0.0.1", 9))


def say_nothing(**_: Any) -> Any:
    """Answer what is no answer."""
    return []


def repeat_a_patch(*, window: Filling, **_: Any) -> Any:
    """Answer the first patch twice."""
    return {"kept": [0, 0], "pixels": window.put(np.zeros((2, 32, 32, 3), np.uint8))}


def invent_a_patch(*, window: Filling, **_: Any) -> Any:
    """Answer a patch that was not asked for."""
    return {"kept": [10_000], "pixels": window.put(np.zeros((1, 32, 32, 3), np.uint8))}


def resize_a_patch(*, window: Filling, **_: Any) -> Any:
    """Answer a patch of another size."""
    return {"kept": [0], "pixels": window.put(np.zeros((1, 64, 32, 3), np.uint8))}


def point_outside(**_: Any) -> Any:
    """Answer a patch that lies beyond the window."""
    return {"kept": [0], "pixels": {"offset": 1 << 40, "shape": [1, 32, 32, 3], "kind": "uint8"}}


def leave_no_numbers(*, window: Filling, **_: Any) -> Any:
    """Answer a patch of no numbers, as the network takes them."""
    return {"kept": [0], "pixels": window.put(np.full((1, 3, 32, 32), np.nan, np.float32))}
