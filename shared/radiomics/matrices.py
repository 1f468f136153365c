"""Texture matrices of one filter image: how often grey levels meet, run, cover zones, depend, and differ.

All at distance 1 with 26 neighbours in 13 directions; what lies outside of the region has level 0 and is never counted.
Definitions: Haralick 1973 (GLCM), Galloway 1975 (GLRLM), Thibault 2009 (GLSZM), Sun & Wee 1983 (GLDM), Amadasun & King
1989 (NGTDM), as pyradiomics 3.0.1 counts them. Counts are whole numbers, so they are the same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.imaging.volume import Bits, Voxels
from shared.radiomics.levels import Levels, Whole
from shared.radiomics.prepared import Floats

NEIGHBOURS = 26


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What only the region decides, worked out once for all its images."""

    bits: Bits
    """The region in its box."""

    @cached_property
    def angles(self) -> Whole:
        """Return the 13 directions in pyradiomics' order."""
        from radiomics import cMatrices

        _, angles = cMatrices.calculate_glcm(self.bits.astype(np.int32), self.bits, np.array([1]), 1, False, 0)  # noqa: FBT003
        found: Whole = angles
        return found

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Return how far each direction goes in the flat, framed box; its sign does not matter."""
        _, rows, columns = (n + 2 for n in self.bits.shape)
        return tuple(abs(int((z * rows + y) * columns + x)) for z, y, x in self.angles)

    @cached_property
    def counts(self) -> Whole:
        """Return how many of the 26 neighbours of each voxel belong to the region."""
        return _sums(np.pad(self.bits.astype(np.uint8), 1), self.bits) - 1

    @cached_property
    def lined(self) -> tuple[bool, ...]:
        """Tell for each direction whether a line along it holds two of its voxels; pyradiomics drops the others."""
        return tuple(self._lined(angle, step) for angle, step in zip(self.angles, self.steps, strict=True))

    def _lined(self, angle: Whole, step: int) -> bool:
        flat = np.pad(self.bits, 1).ravel()
        if (flat[step:] & flat[:-step]).any():
            return True
        places = np.argwhere(self.bits)
        axis = int(np.flatnonzero(angle)[0])
        lines = places - np.outer(places[:, axis] * angle[axis], angle)
        return len(np.unique(lines, axis=0)) < len(places)


def glcm(levels: Levels) -> Floats:
    """Return (1, levels, levels, directions): probabilities of neighbouring levels, symmetrical, of what is present."""
    from radiomics import cMatrices

    found, _ = cMatrices.calculate_glcm(levels.boxed, levels.bits, np.array([1]), levels.highest, False, 0)  # noqa: FBT003
    rows = levels.present - 1
    counts: Floats = found[:, rows][:, :, rows]
    counts += counts.transpose(0, 2, 1, 3).copy()
    totals = counts.sum((1, 2))
    if counts.shape[3] > 1:
        met = totals[0] > 0
        counts, totals = counts[..., met], totals[:, met]
    totals[totals == 0] = np.nan
    counts /= totals[:, None, None, :]
    return counts


def glrlm(levels: Levels, around: Neighbourhood) -> tuple[Floats, Floats]:
    """Return (1, levels, lengths, directions) and the lengths that occur.

    In the flat, framed box one step along a direction is a fixed distance: written as a table that many columns wide, a
    line of voxels stands in a column, and the frame's zeros end every run.
    """
    longest = max(levels.bits.shape)
    tables = [
        _runs(levels.framed.ravel(), step, levels.highest, longest)
        for step, lined in zip(around.steps, around.lined, strict=True)
        if lined
    ]
    counts = np.stack(tables, axis=-1)[levels.present]
    occurring = np.flatnonzero(counts.sum(axis=(0, 2)))
    return np.ascontiguousarray(counts[None, :, occurring], dtype=np.float64), occurring.astype(np.float64)


def _runs(flat: Voxels, step: int, highest: int, longest: int) -> Whole:
    """Return (levels, lengths) of the runs ``step`` apart, both from 0."""
    rows = -(-len(flat) // step) + 1
    table = np.zeros(rows * step, dtype=flat.dtype)
    table[: len(flat)] = flat
    line = np.ascontiguousarray(table.reshape(rows, step).T).ravel()
    begins = np.flatnonzero(line[1:] != line[:-1]) + 1
    level = line[begins[:-1]].astype(np.int64)
    length = np.diff(begins)
    inside = level > 0
    flat_counts = np.bincount(level[inside] * (longest + 1) + length[inside], minlength=(highest + 1) * (longest + 1))
    return flat_counts.reshape(highest + 1, longest + 1)


def glszm(levels: Levels) -> tuple[Floats, Floats]:
    """Return (1, levels, sizes) and the sizes that occur: connected zones of one level."""
    import skimage.measure

    label: Any = skimage.measure.label
    zones: Any = label(levels.framed, connectivity=3, background=0).ravel()
    size = np.bincount(zones)[1:]
    level = np.empty(len(size) + 1, dtype=np.int64)
    level[zones] = levels.framed.ravel()
    occurring, column = np.unique(size, return_inverse=True)
    row = np.searchsorted(levels.present, level[1:])
    shape = len(levels.present), len(occurring)
    counts = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape)
    return counts[None].astype(np.float64), occurring.astype(np.float64)


def gldm(levels: Levels, around: Neighbourhood) -> tuple[Floats, Floats]:
    """Return (1, levels, dependences) and those that occur: 1 + the number of neighbours of the same level."""
    flat = levels.framed.ravel()
    same = np.zeros(len(flat), dtype=np.uint8)
    for step in around.steps:
        equal = (flat[step:] == flat[:-step]).view(np.uint8)
        same[step:] += equal
        same[:-step] += equal
    own = same.reshape(levels.framed.shape)[1:-1, 1:-1, 1:-1][levels.bits]
    width = NEIGHBOURS + 1
    counts = np.bincount(levels.levels * width + own, minlength=(levels.highest + 1) * width)
    counts = counts.reshape(-1, width)[levels.present]
    occurring = np.flatnonzero(counts.sum(axis=0))
    return counts[None, :, occurring].astype(np.float64), (occurring + 1).astype(np.float64)


def ngtdm(levels: Levels, around: Neighbourhood) -> Floats:
    """Return (1, levels, 3): voxels of a level, sum of their differences to the mean around them, and the level."""
    beside = _sums(levels.framed, levels.bits) - levels.levels
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.abs(levels.levels - beside / around.counts)
    difference[around.counts == 0] = 0.0
    sums = np.bincount(levels.levels, weights=difference)[levels.present]
    return np.stack([levels.counts, sums, levels.present], axis=1).astype(np.float64)[None]


def _sums(framed: Voxels, bits: Bits) -> NDArray[np.int64]:
    """Return the sum over 3 x 3 x 3 voxels around each voxel of the region; whole numbers."""
    kind = np.uint16 if int(framed.max()) * 27 < 2**16 else np.int64
    found: Voxels = framed.astype(kind)
    for axis in range(3):
        found = _three(found, axis)
    return found[bits].astype(np.int64)


def _three(x: Voxels, axis: int) -> Voxels:
    """Return the sums of three in a row."""
    moved = np.moveaxis(x, axis, 0)
    summed: Voxels = np.moveaxis(np.add(np.add(moved[:-2], moved[1:-1]), moved[2:]), 0, axis)
    return summed
