"""One breast or two, prone: outline, skin, fat, fibroglandular tissue, muscle, vessels, axillary nodes, and a marker.

Weights of tissues per voxel, in the patient coordinate system of DICOM (x to the left, y to the back, z to the head).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.domain.identity import Side
from shared.imaging.volume import Grid
from shared.phantoms.dce.kinetics import Curve

Field = NDArray[np.float32]
BREAST_MM = (58.0, 78.0, 66.0)
"""Half axes of a breast along z, y (from the chest wall forward) and x."""
BREAST_X_MM = 85.0
"""Middle of each breast from the middle of the body."""


class Tissue(StrEnum):
    """What a voxel is made of."""

    FAT = "fat"
    GLAND = "gland"
    MUSCLE = "muscle"
    SKIN = "skin"
    VESSEL = "vessel"
    NODE = "node"
    MARKER = "marker"
    """A capsule of oil on the skin of one breast, that no flip goes unseen."""


@dataclass(frozen=True, slots=True)
class Properties:
    """Relative proton density, T1 in milliseconds at 1.5 T, and how the tissue enhances."""

    density: float
    t1_ms: float
    curve: Curve


PROPERTIES: dict[Tissue, Properties] = {
    Tissue.FAT: Properties(0.9, 300.0, Curve(0.004, 0.5)),
    Tissue.GLAND: Properties(0.8, 1250.0, Curve(0.018, 0.18)),
    Tissue.MUSCLE: Properties(0.75, 1050.0, Curve(0.03, 0.4)),
    Tissue.SKIN: Properties(0.6, 900.0, Curve(0.03, 0.3)),
    Tissue.VESSEL: Properties(0.9, 1500.0, Curve(0.0, 0.5, 0.45)),
    Tissue.NODE: Properties(0.85, 1300.0, Curve(0.17, 0.6, 0.02)),
    Tissue.MARKER: Properties(1.0, 250.0, Curve(0.0, 0.5)),
}
"""Orders of magnitude from the literature of breast MRI; the simulation's own."""
FAT_LEFT = 0.2
"""Share of fat's signal that fat suppression leaves."""


def axes_mm(grid: Grid) -> tuple[Field, Field, Field]:
    """Return z, y, x of an axial grid's voxels, shaped to broadcast."""
    a, b, c = (np.arange(n, dtype=np.float32) for n in grid.shape)
    origin, steps = grid.affine[:3, 3], np.diag(grid.affine[[2, 1, 0]][:, :3])
    z = (a * np.float32(steps[0]) + np.float32(origin[2]))[:, None, None]
    y = (b * np.float32(steps[1]) + np.float32(origin[1]))[None, :, None]
    x = (c * np.float32(steps[2]) + np.float32(origin[0]))[None, None, :]
    return z, y, x


def breast_middle(side: Side) -> float:
    """Return x of the middle of a breast: the patient's left is positive."""
    return BREAST_X_MM if side is Side.LEFT else -BREAST_X_MM


def inside_breast(grid: Grid, side: Side) -> Field:
    """Return the squared distance from the middle of the chest side of a breast; 1 at its surface."""
    z, y, x = axes_mm(grid)
    half = BREAST_MM
    squared = (z / half[0]) ** 2 + (y / half[1]) ** 2 + ((x - np.float32(breast_middle(side))) / half[2]) ** 2
    return np.asarray(squared, dtype=np.float32)


def tissues(
    rng: np.random.Generator, grid: Grid, sides: tuple[Side, ...], density: float, nodes: Side | None
) -> dict[Tissue, Field]:
    """Return the weight of each tissue per voxel; together 1 in the body and 0 in air.

    Args:
        rng: Source of the pattern of gland and of vessels.
        grid: Axial.
        sides: Breasts that are imaged.
        density: Share of fibroglandular tissue, about 0.1 to 0.6.
        nodes: Side whose axilla has enlarged nodes.
    """
    y = axes_mm(grid)[1]
    wall = np.broadcast_to(y > 0, grid.shape)
    found: dict[Tissue, Field] = {
        one: np.zeros(grid.shape, dtype=np.float32) for one in Tissue if one is not Tissue.MARKER
    }
    found[Tissue.MUSCLE][wall] = 1.0
    gland = _gland(rng, grid, density)
    for side in sides:
        q = inside_breast(grid, side)
        front = (q < 1) & (y <= 0)
        skin = front & (q > 0.93)
        core = front & (q < 0.72)
        found[Tissue.SKIN][skin] = 1.0
        found[Tissue.GLAND][core] = gland[core]
        found[Tissue.FAT][front] = 1.0 - found[Tissue.SKIN][front] - found[Tissue.GLAND][front]
        _add(found, Tissue.VESSEL, _vessels(rng, grid, side) * (front & ~skin))
    if nodes is not None:
        _add(found, Tissue.NODE, _nodes(grid, nodes) * (y > 0))
    return found


def place_marker(found: dict[Tissue, Field], grid: Grid, side: Side) -> None:
    """Put a capsule of 5 mm radius on the skin of one breast: outer, lower, in front."""
    z, y, x = axes_mm(grid)
    outward = 1.0 if side is Side.LEFT else -1.0
    place = (-12.0, -62.0, breast_middle(side) + outward * 38.0)
    ball = (z - place[0]) ** 2 + (y - place[1]) ** 2 + (x - np.float32(place[2])) ** 2 < 25.0
    found[Tissue.MARKER] = np.zeros(grid.shape, dtype=np.float32)
    _add(found, Tissue.MARKER, ball.astype(np.float32))


def _add(found: dict[Tissue, Field], tissue: Tissue, weight: Field) -> None:
    """Give ``tissue`` its weight and leave the rest to the others."""
    for name in found:
        found[name] *= 1.0 - weight
    found[tissue] += weight


def _gland(rng: np.random.Generator, grid: Grid, density: float) -> Field:
    """Return a smooth pattern between 0 and 1 that is above a half in ``density`` of the voxels."""
    low = tuple(max(2, math.ceil(n / 6)) for n in grid.shape)
    drawn = ndimage.gaussian_filter(rng.standard_normal(low), 1.0, mode="wrap").astype(np.float32)
    drawn = drawn / drawn.std()
    wide = _enlarged(drawn, grid.shape)
    cut = np.quantile(wide[::2, ::4, ::4], 1 - density)
    return np.asarray(np.clip(0.5 + 2.5 * (wide - cut), 0.0, 1.0), dtype=np.float32)


def _enlarged(field: Field, shape: tuple[int, int, int]) -> Field:
    """Interpolate linearly to ``shape``, axis by axis."""
    for axis, size in enumerate(shape):
        place = np.linspace(0.0, field.shape[axis] - 1.0, size)
        below = np.minimum(place.astype(np.intp), max(field.shape[axis] - 2, 0))
        share = (place - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        field = np.take(field, below, axis) * (1 - share) + np.take(field, below + 1, axis) * share
    return field


def _vessels(rng: np.random.Generator, grid: Grid, side: Side) -> Field:
    """Return a few winding tubes from the chest wall towards the nipple."""
    found = np.zeros(grid.shape, dtype=np.float32)
    for _ in range(3):
        start = np.array([rng.uniform(-25, 25), -4.0, breast_middle(side) + rng.uniform(-40, 40)])
        heading = np.array([0.0, -1.0, 0.0]) + 0.25 * rng.standard_normal(3)
        bends = np.cumsum(0.12 * rng.standard_normal((90, 3)), axis=0)
        path = start + np.cumsum(0.8 * (heading + bends), axis=0)
        index = np.round(grid.index(path[:, ::-1])).astype(np.intp)
        kept = index[((index >= 0) & (index < np.array(grid.shape))).all(axis=1)]
        found[tuple(kept.T)] = 1.0
    spacing = grid.spacing
    widths = [0.9 / step for step in (spacing.slices, spacing.rows, spacing.columns)]
    return np.asarray(np.clip(2.5 * ndimage.gaussian_filter(found, widths), 0, 1), dtype=np.float32)


def _nodes(grid: Grid, side: Side) -> Field:
    """Return two enlarged nodes behind and outside the breast."""
    z, y, x = axes_mm(grid)
    outward = 1.0 if side is Side.LEFT else -1.0
    found = np.zeros(grid.shape, dtype=np.bool_)
    for place, radius in (((14.0, 18.0, 48.0), 7.0), ((4.0, 27.0, 58.0), 5.0)):
        middle = np.float32(breast_middle(side) + outward * place[2])
        found |= (z - place[0]) ** 2 + (y - place[1]) ** 2 + (x - middle) ** 2 < radius**2
    return found.astype(np.float32)
