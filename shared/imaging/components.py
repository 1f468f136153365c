"""The connected parts of an enhancing volume, and which of them can be a tumour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.domain.identity import Side
from shared.imaging.body import Body, side_of_places
from shared.imaging.volume import Bits, Grid, Mask

SMALLEST_MM3 = 30.0
"""A ball of 4 mm: a smaller enhancement is a focus, not a mass (ACR BI-RADS MRI: a focus is below 5 mm)."""
LARGEST_MM3 = 600_000.0
"""A ball of about 10 cm; more is the heart, the liver, or both breasts."""
SKIN_MM = 3.0
"""Half of a part lies nearer to the air than this: skin or nipple (skin of the breast is 0.5 to 3 mm thick)."""
VESSEL_LENGTH_TO_WIDTH = 4.0
VESSEL_WIDTH_MM = 6.0
"""Longer than four times its width and nowhere wider than this: a vessel."""
CHEST_DEPTH_MM = 35.0
"""So far behind the skin over the breastbone begins the chest: skin, fat and breastbone together are thinner."""
CHEST_HALF_WIDTH_MM = 90.0
"""To each side of the midline; breast tissue farther to the side reaches farther back."""
BRIDGE_MM = 8.0
"""Tumours hang together with enhancing glandular tissue and vessels by what is thinner than this."""
_TOO_LARGE, _CUT = "too large", "cut by the edge of the field"
_MERGED = (_TOO_LARGE, _CUT)
_MOST_PARTS = 64
"""The largest parts are looked at; a tumour is among them or no volume is meaningful."""
_EVERY_NEIGHBOUR = np.ones((3, 3, 3), dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A connected part of the enhancing volume."""

    where: NDArray[np.intp]
    """(n, 3): its voxels."""
    volume_mm3: float
    side: Side | None
    """None where the field shows one breast, or the part crosses the midline."""
    doubt: str = ""
    """Why it is no tumour; empty where it can be one."""
    parted: bool = False
    """It hung together with more, by bridges thinner than ``BRIDGE_MM``, and was parted from that."""

    def mask(self, grid: Grid) -> Mask:
        """Return the part as a mask."""
        bits = np.zeros(grid.shape, dtype=np.bool_)
        bits[tuple(self.where.T)] = True
        return Mask(bits, grid)


def parts_of(enhancing: Mask, body: Body) -> tuple[Part, ...]:
    """Return the parts (26 neighbours connect), largest first, each with what speaks against it.

    A part that is too large, or runs to the edge of the field, may be a tumour in enhancing glandular tissue: its
    compact cores are parts as well.
    """
    if not enhancing.count:
        return ()
    (start, stop), judge = enhancing.box, _Judge(enhancing.grid, body, body.depth_mm, _chest_front(body))
    cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    parts = [judge(where + np.array(start)) for where in _connected(enhancing.bits[cut])]
    merged = [part for part in parts if part.doubt in _MERGED]
    cores = [judge(where, parted=True) for part in merged for where in _cores(part.where, enhancing.grid)]
    parts += [core for core in cores if not core.doubt]
    return tuple(sorted(parts, key=lambda part: -len(part.where)))


def _connected(bits: Bits) -> list[NDArray[np.intp]]:
    labels, count = ndimage.label(bits, structure=_EVERY_NEIGHBOUR)
    sizes = np.bincount(labels[bits], minlength=count + 1)[1:]
    boxes = ndimage.find_objects(labels)
    largest = np.argsort(-sizes, kind="stable")[:_MOST_PARTS]
    return [np.argwhere(labels[boxes[n]] == n + 1) + np.array([one.start for one in boxes[n]]) for n in largest]


def _cores(where: NDArray[np.intp], grid: Grid) -> list[NDArray[np.intp]]:
    """Return what is left of a part where nothing thinner than the bridges counts (an opening by a ball)."""
    start = where.min(axis=0) - 1
    bits = np.zeros(where.max(axis=0) - start + 2, dtype=np.bool_)
    bits[tuple((where - start).T)] = True
    spacing = grid.spacing
    sampling = (spacing.slices, spacing.rows, spacing.columns)
    inner = ndimage.distance_transform_edt(bits, sampling=sampling) > BRIDGE_MM / 2
    if not inner.any():
        return []
    opened = bits & (ndimage.distance_transform_edt(~inner, sampling=sampling) <= BRIDGE_MM / 2)
    return [core + start for core in _connected(opened)]


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    grid: Grid
    body: Body
    depth: NDArray[np.float64]
    chest: float | None

    def __call__(self, where: NDArray[np.intp], *, parted: bool = False) -> Part:
        """Return the voxels as a part, with the first thing that speaks against it."""
        places = self.grid.place(where.astype(np.float64))
        side = None if self.body.midline_mm is None else side_of_places(places[:, 0], self.body.midline_mm)
        volume = len(where) * self.grid.spacing.voxel_mm3
        doubt = (
            _size_doubt(volume)
            or _place_doubt(where, self.grid.shape, self.body, self.depth)
            or _chest_doubt(places, self.body, self.chest)
            or _vessel_doubt(where, places, self.grid)
        )
        return Part(where, volume, side, doubt, parted)


def _size_doubt(volume_mm3: float) -> str:
    if volume_mm3 < SMALLEST_MM3:
        return "too small"
    return _TOO_LARGE if volume_mm3 > LARGEST_MM3 else ""


def _place_doubt(where: NDArray[np.intp], shape: tuple[int, int, int], body: Body, depth: NDArray[np.float64]) -> str:
    if body.covers(where).mean() < 0.5:
        return "outside the body"
    if _cut_by_the_field(where, shape):
        return _CUT
    return "skin" if float(np.median(depth[tuple(body.coarse(where).T)])) < SKIN_MM else ""


def _cut_by_the_field(where: NDArray[np.intp], shape: tuple[int, int, int]) -> bool:
    """Tell whether it touches a face of the volume; a face of an axis of fewer than three voxels cuts nothing."""
    return any(
        n > 2 and bool(((where[:, axis] == 0) | (where[:, axis] == n - 1)).any()) for axis, n in enumerate(shape)
    )


def _chest_doubt(places: NDArray[np.float64], body: Body, chest: float | None) -> str:
    if chest is None or body.midline_mm is None:
        return ""
    x, y, _ = places.mean(axis=0)
    inside = y > chest and abs(x - body.midline_mm) < CHEST_HALF_WIDTH_MM
    return "inside the chest" if inside else ""


def _chest_front(body: Body) -> float | None:
    """Return y behind which the chest begins, measured from the skin between the breasts; None for one breast."""
    if body.midline_mm is None:
        return None
    places = body.grid.place(np.argwhere(body.bits).astype(np.float64))
    middle = places[np.abs(places[:, 0] - body.midline_mm) < 20.0]
    if not len(middle):
        return None
    levels = np.rint(middle[:, 2] / 5.0)  # every 5 mm along the body
    fronts = [middle[levels == level, 1].min() for level in np.unique(levels)]
    return float(np.median(fronts)) + CHEST_DEPTH_MM


def _vessel_doubt(where: NDArray[np.intp], places: NDArray[np.float64], grid: Grid) -> str:
    if len(where) < 8 or min(grid.shape) < 3:
        return ""
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(places.T)), 0))
    if spread[2] < VESSEL_LENGTH_TO_WIDTH * max(spread[1], 0.1):
        return ""
    return "a vessel" if _width_mm(where, grid) <= VESSEL_WIDTH_MM else ""


def _width_mm(where: NDArray[np.intp], grid: Grid) -> float:
    """Return the diameter of the largest ball inside."""
    start = where.min(axis=0) - 1
    bits = np.zeros(where.max(axis=0) - start + 2, dtype=np.bool_)
    bits[tuple((where - start).T)] = True
    spacing = grid.spacing
    radius = ndimage.distance_transform_edt(bits, sampling=(spacing.slices, spacing.rows, spacing.columns)).max()
    return 2 * float(radius) - min(spacing.slices, spacing.rows, spacing.columns)


def counted(parts: Sequence[Part]) -> str:
    """Return how many parts were set aside and why, as a clause: "3 set aside (skin, a vessel)"; empty without any."""
    doubts = sorted({part.doubt for part in parts if part.doubt and part.doubt != "too small"})
    count = sum(1 for part in parts if part.doubt and part.doubt != "too small")
    return f"{count} other enhancing parts set aside ({', '.join(doubts)})" if count else ""
