"""A volume: voxels with the matrix that takes an index to a place in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]
"""(4, 4): homogeneous index (slice, row, column, 1) -> place in the patient (x, y, z, 1), LPS, in millimetres."""
Voxels = NDArray[Any]
"""(slices, rows, columns)."""
Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between the centres of neighbouring voxels, in millimetres."""

    slices: float
    rows: float
    """From one row to the next."""
    columns: float
    """From one column to the next."""

    @property
    def voxel_mm3(self) -> float:
        """Return the volume of one voxel in cubic millimetres."""
        return self.slices * self.rows * self.columns


@dataclass(frozen=True, slots=True)
class Frame:
    """The stored object a slice comes from."""

    sop_instance_uid: str
    number: int = 1
    """Frame within the object, from 1; 1 for an object with a single frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where voxels lie, without the voxels: shape, matrix, frame of reference, and the stored frames of its slices."""

    shape: tuple[int, int, int]
    affine: Affine
    frame_of_reference_uid: str = ""
    """Frame of Reference UID (0020,0052); empty where the source has none."""
    frames: tuple[Frame, ...] = ()
    """One per slice, in slice order; empty where the slices are no stored frames (a resampled grid)."""

    def __post_init__(self) -> None:
        if self.affine.shape != (4, 4) or not np.isfinite(self.affine).all():
            raise ValueError("an affine is a finite 4 by 4 matrix")
        if min(self.shape) < 1:
            raise ValueError(f"a grid has voxels, got {self.shape}")
        if abs(np.linalg.det(self.affine[:3, :3])) < 1e-9:
            raise ValueError("the axes of the grid lie in one plane")
        if self.frames and len(self.frames) != self.shape[0]:
            raise ValueError(f"{len(self.frames)} frames for {self.shape[0]} slices")

    @property
    def spacing(self) -> Spacing:
        """Return the spacing: the lengths of the matrix's columns."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return Spacing(float(lengths[0]), float(lengths[1]), float(lengths[2]))

    def place(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where indices (..., 3) as (slice, row, column) lie, in LPS millimetres (..., 3)."""
        placed: NDArray[np.float64] = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        return placed

    def index(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (fractional) indices (slice, row, column) of places (..., 3) in LPS millimetres."""
        inverse = np.linalg.inv(self.affine[:3, :3])
        found: NDArray[np.float64] = (place - self.affine[:3, 3]) @ inverse.T
        return found

    def same_place(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Tell whether both have the same shape and every corner within ``tolerance_mm`` of the other's."""
        if self.shape != other.shape:
            return False
        ends = [(0.0, float(n - 1)) for n in self.shape]
        corners = np.array([[a, b, c] for a in ends[0] for b in ends[1] for c in ends[2]])
        return bool(np.abs(self.place(corners) - other.place(corners)).max() <= tolerance_mm)

    def part(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Grid:
        """Return the grid of the voxels from ``start`` to before ``stop``.

        Raises:
            ValueError: If that is not inside.
        """
        if any(a < 0 or b > n or b <= a for a, b, n in zip(start, stop, self.shape, strict=True)):
            raise ValueError(f"{start} to {stop} is not inside {self.shape}")
        affine = self.affine.copy()
        affine[:3, 3] = self.place(np.array(start, dtype=np.float64))
        shape = (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2])
        return Grid(shape, affine, self.frame_of_reference_uid, self.frames[start[0] : stop[0]])


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels on a grid. Values are those of the modality after rescaling (PS3.3 C.11.1.1)."""

    voxels: Voxels
    grid: Grid

    def __post_init__(self) -> None:
        if self.voxels.shape != self.grid.shape:
            raise ValueError(f"voxels {self.voxels.shape} on a grid of {self.grid.shape}")

    def part(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Volume:
        """Return the voxels from ``start`` to before ``stop``, without copying them.

        Raises:
            ValueError: If that is not inside.
        """
        grid = self.grid.part(start, stop)
        return Volume(self.voxels[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]], grid)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Which voxels of a grid belong to a region."""

    bits: Bits
    grid: Grid

    def __post_init__(self) -> None:
        if self.bits.shape != self.grid.shape or self.bits.dtype != np.bool_:
            raise ValueError(f"a mask of {self.bits.dtype} {self.bits.shape} on a grid of {self.grid.shape}")

    @property
    def count(self) -> int:
        """Return the number of voxels."""
        return int(self.bits.sum())

    @property
    def volume_mm3(self) -> float:
        """Return the volume in cubic millimetres."""
        return self.count * self.grid.spacing.voxel_mm3

    @property
    def box(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Return the smallest box around the region: first index and first index behind, per axis.

        Raises:
            ValueError: If the mask is empty.
        """
        if not self.bits.any():
            raise ValueError("an empty mask has no box")
        start, stop = [], []
        for axis in range(3):
            along = np.flatnonzero(self.bits.any(axis=tuple(other for other in range(3) if other != axis)))
            start.append(int(along[0]))
            stop.append(int(along[-1]) + 1)
        return (start[0], start[1], start[2]), (stop[0], stop[1], stop[2])
