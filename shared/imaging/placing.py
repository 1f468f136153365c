"""Bring what was drawn somewhere onto the grid that is measured: exactly where the lattices agree, else the nearest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Affine, Bits, Grid, Mask

EXACT_VOXELS = 0.1
"""Lattices agree where no voxel centre is farther than this from the other's: headers round to a few digits."""
MOST_PLANES = 8192
_MOST_VOXELS = 1 << 29


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One drawn plane, wherever it lies."""

    matrix: NDArray[np.float64]
    """(3, 3): (row, column, 1) -> place in LPS millimetres."""
    rows: int
    columns: int
    pixels: Callable[[], Bits]
    """Gives what is drawn, (rows, columns); called when needed, perhaps twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A mask on the measured grid."""

    mask: Mask
    drawn: int
    """Voxels that were drawn, on the lattice they were drawn on."""
    outside: float
    """Share of them that lies outside the measured grid."""
    exact: bool
    """False: the lattices differ and each voxel took the nearest drawn one."""
    remark: str = ""
    """What else a reader should know of it."""


def plane_matrix(
    position: Sequence[float], orientation: Sequence[float], spacing: Sequence[float]
) -> NDArray[np.float64]:
    """Return a plane's matrix from Image Position, Image Orientation and Pixel Spacing (PS3.3 C.7.6.2.1.1).

    Raises:
        InvalidInputError: If these place no plane.
    """
    if (len(position), len(orientation), len(spacing)) != (3, 6, 2):
        raise InvalidInputError("plane", "its position, orientation and spacing place no plane")
    along_row, along_column = np.array(orientation[:3], dtype=float), np.array(orientation[3:], dtype=float)
    matrix = np.column_stack((along_column * spacing[0], along_row * spacing[1], np.array(position, dtype=float)))
    area = np.linalg.norm(np.cross(matrix[:, 0], matrix[:, 1]))
    if not np.isfinite(matrix).all() or area < 1e-6 or np.abs(matrix).max() > 1e5:
        raise InvalidInputError("plane", "its position, orientation and spacing place no plane")
    return matrix


def planes_of(mask: Mask) -> tuple[Plane, ...]:
    """Return the slices of a mask as planes."""
    planes = []
    for index in range(mask.grid.shape[0]):
        affine = mask.grid.affine[:3]
        matrix = np.column_stack((affine[:, 1], affine[:, 2], affine[:, 0] * index + affine[:, 3]))
        planes.append(Plane(matrix, *mask.grid.shape[1:], lambda index=index: mask.bits[index]))  # type: ignore[misc]
    return tuple(planes)


def place_planes(planes: Sequence[Plane], grid: Grid, thickness_mm: float | None = None) -> Placed:
    """Return the planes on ``grid``.

    ``thickness_mm`` is the distance between planes where there is only one of them.

    Raises:
        InvalidInputError: If the planes are neither on the grid's lattice nor a lattice of their own.
    """
    if len(planes) > MOST_PLANES:
        raise InvalidInputError("planes", f"more than {MOST_PLANES} planes are drawn")
    if not planes:
        return Placed(Mask(np.zeros(grid.shape, dtype=np.bool_), grid), 0, 0.0, exact=True)
    return _on_the_lattice(planes, grid) or place_mask(_stacked(planes, thickness_mm), grid)


def place_mask(mask: Mask, grid: Grid) -> Placed:
    """Return a mask that lies on another grid on ``grid``: exactly where the lattices agree, else the nearest voxel."""
    nearest = Placed(mask, mask.count, _outside(mask, grid), exact=False)
    return _on_the_lattice(planes_of(mask), grid) or replace(nearest, mask=Mask(_gathered(mask, grid), grid))


def _on_the_lattice(planes: Sequence[Plane], grid: Grid) -> Placed | None:
    """Return the planes on the grid where every pixel centre lies on a voxel centre; else None."""
    inverse = np.linalg.inv(grid.affine)
    onto = [inverse[:3, :3] @ plane.matrix + np.outer(inverse[:3, 3], (0, 0, 1)) for plane in planes]
    exact = all(_exact(matrix, plane) for matrix, plane in zip(onto, planes, strict=True))
    return _scattered(planes, onto, grid) if exact else None


def _exact(onto: NDArray[np.float64], plane: Plane) -> bool:
    """Tell whether every pixel centre lies on a voxel centre, and neighbours on neighbours."""
    steps = np.rint(onto[:, :2])
    if not (np.array_equal(np.abs(steps).sum(axis=0), (1, 1)) and np.abs(steps).sum(axis=1).max() == 1):
        return False
    corners = np.array([(r, c, 1.0) for r in (0, plane.rows - 1) for c in (0, plane.columns - 1)])
    lattice = np.column_stack((steps, np.rint(onto[:, 2])))
    return bool(np.abs(corners @ (onto - lattice).T).max() <= EXACT_VOXELS)


def _scattered(planes: Sequence[Plane], onto: Iterable[NDArray[np.float64]], grid: Grid) -> Placed:
    bits = np.zeros(grid.shape, dtype=np.bool_)
    drawn = kept = 0
    for plane, matrix in zip(planes, onto, strict=True):
        set_ = np.argwhere(plane.pixels())
        if not len(set_):
            continue
        index = np.rint(set_ @ matrix[:, :2].T + matrix[:, 2]).astype(np.intp)
        inside = ((index >= 0) & (index < np.array(grid.shape))).all(axis=1)
        bits[tuple(index[inside].T)] = True
        drawn, kept = drawn + len(set_), kept + int(inside.sum())
    return Placed(Mask(bits, grid), drawn, 1 - kept / drawn if drawn else 0.0, exact=True)


def _stacked(planes: Sequence[Plane], thickness_mm: float | None) -> Mask:
    """Return planes of one lattice as a mask; a plane that is missing between two is empty (sparse objects)."""
    normal = np.cross(planes[0].matrix[:, 0], planes[0].matrix[:, 1])
    normal /= np.linalg.norm(normal)
    positions = np.array([plane.matrix[:, 2] for plane in planes])
    along = positions @ normal
    step = _step(along, thickness_mm)
    places = np.rint((along - along.min()) / step).astype(np.intp)
    shape = (int(places.max()) + 1, planes[0].rows, planes[0].columns)
    if shape[0] > MOST_PLANES or int(np.prod(shape)) > _MOST_VOXELS:
        raise InvalidInputError("planes", "they span more than a volume can hold")
    origin, advance = positions[along.argmin()], normal * step
    if shape[0] > 1:
        advance = (positions[along.argmax()] - origin) / (shape[0] - 1)
    if not (_alike(planes) and np.abs(positions - origin - np.outer(places, advance)).max() <= EXACT_VOXELS * step):
        raise InvalidInputError("planes", "they do not lie on one lattice")
    bits = np.zeros(shape, dtype=np.bool_)
    for plane, at in zip(planes, places, strict=True):
        bits[at] |= plane.pixels()
    affine: Affine = np.eye(4)
    affine[:3] = np.column_stack((advance, planes[0].matrix[:, :2], origin))
    return Mask(bits, Grid(shape, affine))


def _step(along: NDArray[np.float64], thickness_mm: float | None) -> float:
    gaps = np.diff(np.unique(along.round(3)))
    gaps = gaps[gaps > 1e-2]
    step = float(gaps.min()) if gaps.size else thickness_mm
    if step is None or not 1e-2 < step < 1e3:
        raise InvalidInputError("planes", "nothing says how far they lie apart")
    return step


def _alike(planes: Sequence[Plane]) -> bool:
    first = planes[0]
    return all(
        (plane.rows, plane.columns) == (first.rows, first.columns)
        and np.allclose(plane.matrix[:, :2], first.matrix[:, :2], atol=1e-3)
        for plane in planes
    )


def _gathered(mask: Mask, grid: Grid) -> Bits:
    """Return, for every voxel of ``grid``, the nearest voxel of ``mask``; nothing outside it."""
    bits = np.zeros(grid.shape, dtype=np.bool_)
    onto = np.linalg.inv(mask.grid.affine) @ grid.affine
    row, column = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in grid.shape[1:]), indexing="ij")
    limits = np.array(mask.grid.shape)[:, None, None]
    for index in range(grid.shape[0]):
        at = np.rint(onto[:3, :1, None] * index + onto[:3, 1:2, None] * row + onto[:3, 2:3, None] * column
                     + onto[:3, 3:, None]).astype(np.intp)  # fmt: skip
        inside = ((at >= 0) & (at < limits)).all(axis=0)
        bits[index][inside] = mask.bits[at[0][inside], at[1][inside], at[2][inside]]
    return bits


def _outside(mask: Mask, grid: Grid) -> float:
    where = np.argwhere(mask.bits)
    if not len(where):
        return 0.0
    index = grid.index(mask.grid.place(where.astype(np.float64)))
    inside = ((index >= -0.5) & (index <= np.array(grid.shape) - 0.5)).all(axis=1)
    return float(1 - inside.mean())
