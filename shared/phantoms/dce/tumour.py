"""A tumour: its shape, and how unevenly it takes up the agent. The image factor is here and nowhere else.

What the image factor (standard normal) moves: how the same amount of unevenness is split between a fine and a coarse
pattern, whether the rim or the core takes up more, and how spiculated the outline is. What it does not move: the number
of voxels (exact), the mean uptake (exact), and the spread of uptake (the patterns are standardised within the tumour).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.imaging.volume import Spacing

Field = NDArray[np.float32]
Steps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Distance from the centre in mm along slices, rows and columns, shaped to broadcast."""
UNEVENNESS = 0.34
"""Spread of Ktrans within the tumour, relative to its mean: the patterns together."""
RIM = 0.14
"""Of it, per standard deviation of the rim's own factor."""
_RIM_CORRELATION = 0.95
_SPICULATION_CORRELATION = 0.7
_LEAST = 0.15
"""No voxel takes up less than this share of the mean."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """What is to be simulated."""

    image_factor: float
    """Standard normal; its effect on the outcome is ``truth.IMAGE_EFFECT``."""
    diameter_mm: float
    """Of the ball with the same volume."""
    rim_factor: float = 0.0
    spiculation: float = 0.2
    """0 smooth, above 0.4 long spicules: height relative to the radius."""
    ktrans: float = 0.20
    """Mean transfer constant, 1/min."""
    kep: float = 0.75
    """1/min: about 0.3 persistent, 0.5 plateau, 0.8 washout."""
    vp: float = 0.02


def draw_lesion(rng: np.random.Generator, image_factor: float, diameter_mm: float) -> Lesion:
    """Draw everything else about a lesion whose image factor and size are given."""
    rim = _mixed(rng, image_factor, _RIM_CORRELATION)
    spikes = _mixed(rng, image_factor, _SPICULATION_CORRELATION)
    return Lesion(
        image_factor, diameter_mm, rim, float(np.clip(0.24 + 0.10 * spikes, 0.0, 0.5)),
        float(np.clip(0.20 * math.exp(0.22 * rng.standard_normal()), 0.11, 0.36)), float(rng.uniform(0.45, 0.9)),
        float(rng.uniform(0.01, 0.04)),
    )  # fmt: skip


def _mixed(rng: np.random.Generator, factor: float, correlation: float) -> float:
    return correlation * factor + math.sqrt(1 - correlation**2) * float(rng.standard_normal())


def outline(rng: np.random.Generator, steps: Steps, lesion: Lesion) -> Field:
    """Return the distance from the centre in units of the outline's own (below 1: inside, before it is calibrated)."""
    z, y, x = steps
    radius = lesion.diameter_mm / 2
    distance = np.sqrt(z**2 + y**2 + x**2) + np.float32(1e-3)
    axes = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    body = np.sqrt((z / axes[0]) ** 2 + (y / axes[1]) ** 2 + (x / axes[2]) ** 2) / np.float32(radius)
    reach = np.ones_like(distance)
    for direction, sharpness, height in _bumps(rng, lesion.spiculation):
        along = (z * direction[0] + y * direction[1] + x * direction[2]) / distance
        reach += np.float32(height) * np.exp(np.float32(sharpness) * (along - 1))
    return np.asarray(body / reach, dtype=np.float32)


def _bumps(rng: np.random.Generator, spiculation: float) -> list[tuple[NDArray[np.float32], float, float]]:
    """Return a few lobes, broad and low, and many spicules, narrow and high."""
    lobes = [(_direction(rng), 4.0, float(rng.uniform(-0.1, 0.15))) for _ in range(4)]
    spicules = [(_direction(rng), 60.0, spiculation * float(rng.uniform(0.5, 1.5))) for _ in range(14)]
    return lobes + spicules


def _direction(rng: np.random.Generator) -> NDArray[np.float32]:
    drawn = rng.standard_normal(3)
    return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float32)


def cut(shape: Field, voxels: int) -> tuple[float, NDArray[np.bool_]]:
    """Return (level, mask) so that exactly ``voxels`` voxels lie below the level."""
    voxels = min(max(voxels, 1), shape.size - 1)
    order = np.argpartition(shape, voxels, axis=None)
    inside = np.zeros(shape.size, dtype=np.bool_)
    inside[order[:voxels]] = True
    return float(shape.flat[order[voxels]]), inside.reshape(shape.shape)


def uptake(
    rng: np.random.Generator, inside: NDArray[np.bool_], spacing: Spacing, depth: Field, lesion: Lesion
) -> Field:
    """Return the uptake relative to the tumour's mean: mean 1 within ``inside``, defined around it too.

    Args:
        rng: Source of the two patterns.
        inside: The tumour.
        spacing: Of the voxels.
        depth: ``outline`` divided by its level: 0 in the centre, 1 at the edge.
        lesion: Whose factors decide.
    """
    fine_mm, coarse_mm = scales_mm(lesion.diameter_mm)
    coarse = _standard(_noise(rng, inside.shape, coarse_mm, spacing), inside)
    fine = _standard(_noise(rng, inside.shape, fine_mm, spacing), inside, coarse)
    rim = _standard(np.minimum(depth, np.float32(1.2)) ** 2, inside, coarse, fine)
    share = fine_share(lesion.image_factor)
    pattern = np.float32(math.sqrt(1 - share)) * coarse + np.float32(math.sqrt(share)) * fine
    total = 1 + np.float32(UNEVENNESS) * pattern + np.float32(RIM * lesion.rim_factor) * rim
    total = np.maximum(total, np.float32(_LEAST))
    return np.asarray(total / total[inside].mean(), dtype=np.float32)


def fine_share(image_factor: float) -> float:
    """Return the share of the unevenness (as variance) that is fine, for an image factor: 0.33 at 0, 0.63 at 1."""
    return 1 / (1 + math.exp(0.7 - 1.25 * image_factor))


def scales_mm(diameter_mm: float) -> tuple[float, float]:
    """Return the widths (standard deviation of the smoothing) of the fine and the coarse pattern.

    The fine one is the same in every tumour, so that neighbouring voxels say the same of small and large ones; the
    coarse one grows, so that a crop that is scaled to the tumour shows them as far apart.
    """
    return 1.0, 3.6 * math.sqrt(diameter_mm / 20.0)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], width_mm: float, spacing: Spacing) -> Field:
    widths = [width_mm / step for step in (spacing.slices, spacing.rows, spacing.columns)]
    drawn = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(ndimage.gaussian_filter(drawn, widths, mode="wrap"), dtype=np.float32)


def _standard(field: Field, inside: NDArray[np.bool_], *others: Field) -> Field:
    """Return the field with mean 0 and spread 1 within the tumour, uncorrelated with ``others`` there."""
    field = field - field[inside].mean()
    for other in others:
        field = field - np.float32((field[inside] * other[inside]).mean()) * other
    return np.asarray(field / (field[inside].std() + np.float32(1e-6)), dtype=np.float32)
