"""Functions that fill a window, or misbehave with it, for tests of the jail."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from shared.jail.window import Filling


def fill(count: int, *, window: Filling) -> dict[str, Any]:
    """Put a ramp made in the window and an array made elsewhere."""
    ramp = window.room((count // 100 or 1, min(count, 100)), np.int16)
    ramp[...] = np.arange(count).reshape(ramp.shape)
    return {"ramp": window.put(ramp), "copied": window.put(np.full((3, 3), 0.5, np.float32))}


def refill(count: int, *, window: Filling) -> dict[str, Any]:
    """Put the ramp downhill where another lay before."""
    window.clear()
    ramp = window.room((count // 100 or 1, min(count, 100)), np.int16)
    ramp[...] = -np.arange(count).reshape(ramp.shape)
    return {"ramp": window.put(ramp)}


def overfill(*, window: Filling) -> None:
    """Ask for more than there is."""
    window.room((1 << 30,), np.float32)


def shrink_the_window(*, window: Filling) -> None:
    """Take the memory away under the reader, through every descriptor that is left."""
    window.room((4,), np.int16)[...] = 1
    for number in range(3, 32):
        try:
            os.fstat(number)
        except OSError:
            continue
        os.ftruncate(number, 0)


def lie(spot: Any, *, window: Filling) -> Any:
    """Answer what the test says."""
    window.room((64,), np.int16)[...] = 1
    return spot


def die_after_filling(*, window: Filling) -> None:
    """End without a word."""
    window.room((64,), np.int16)[...] = 1
    os._exit(3)
