"""Nuclei and cell outlines as small fields that are pressed onto the slide: a library drawn once, from a fixed seed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.phantoms.slides.optics import Field

SHAPES = 24
"""Different forms of each size."""
_STEP = 0.5
"""Sizes in the library, in pixels of radius."""


def press(onto: Field, stamp: Field, x: float, y: float, strength: float) -> None:
    """Press a stamp with its middle at ``x`` and ``y``: where both have something, the stronger stays."""
    half = stamp.shape[0] // 2
    top, left = round(y) - half, round(x) - half
    up, low = max(0, -top), min(stamp.shape[0], onto.shape[0] - top)
    before, after = max(0, -left), min(stamp.shape[1], onto.shape[1] - left)
    if up >= low or before >= after:
        return
    place = onto[top + up : top + low, left + before : left + after]
    np.maximum(place, stamp[up:low, before:after] * np.float32(strength), out=place)


def nucleus(radius: float, shape: int, long: float = 1.25) -> Field:
    """Return a nucleus: 1 about its middle, softly to 0 at its edge, with coarse chromatin.

    Args:
        radius: Root of length times width / 2, in pixels.
        shape: Which of ``SHAPES``.
        long: Length over width.
    """
    return _nucleus(round(radius / _STEP), shape % SHAPES, long)


def ring(radius: float, thickness: float, shape: int) -> Field:
    """Return a closed cell membrane: 1 on a line about ``radius`` pixels from the middle, ``thickness`` pixels wide."""
    return _ring(round(radius / _STEP), round(thickness / _STEP), shape % SHAPES)


@lru_cache(maxsize=4096)
def _nucleus(steps: int, shape: int, long: float) -> Field:
    rng = np.random.default_rng((7, shape))
    radius = max(1.0, steps * _STEP)
    distance, angle = _polar(rng, radius, long)
    edge = 1 + 0.1 * _waves(rng, angle)
    inside = np.clip((edge - distance) * radius / 1.6 + 0.5, 0, 1)
    chromatin = ndimage.gaussian_filter(rng.standard_normal(distance.shape), max(0.7, radius / 6))
    return np.asarray(inside * np.clip(0.85 + 0.12 * chromatin / chromatin.std(), 0.5, 1.2), dtype=np.float32)


@lru_cache(maxsize=4096)
def _ring(steps: int, wide: int, shape: int) -> Field:
    rng = np.random.default_rng((11, shape))
    radius = max(2.0, steps * _STEP)
    distance, angle = _polar(rng, radius, 1.08)
    away = (distance - 1 - 0.07 * _waves(rng, angle)) * radius / max(0.5, wide * _STEP / 2)
    return np.asarray(np.exp(-(away**2) / 2), dtype=np.float32)


def _polar(rng: np.random.Generator, radius: float, long: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance from the middle (1 at the edge of an ellipse) and the angle."""
    half = int(np.ceil(radius * long * 1.35)) + 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    turn, wide = rng.uniform(0, np.pi), np.sqrt(long)
    along = (x * np.cos(turn) + y * np.sin(turn)) / (radius * wide)
    across = (y * np.cos(turn) - x * np.sin(turn)) * wide / radius
    return np.hypot(along, across), np.arctan2(across, along)


def _waves(rng: np.random.Generator, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.zeros_like(angle)
    for wave in range(2, 6):
        found += rng.standard_normal() / wave * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    return found
