"""Slices to a stack: their order along the normal, the matrix of the voxels, and every reason why there is none.

Plane geometry after PS3.3 C.7.6.2; positions are centres of voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.volume import Grid

SAME_PLACE_MM = 0.05
"""Closer than this, two slices are at one place; positions are written as decimals of about this precision."""
_UNEVEN = 0.03
"""Share of the slice distance by which single distances may differ."""
_SHEAR_DEGREES = 0.5
_OBLIQUE_DEGREES = 2.0
_Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Frames in slice order, with the grid they make."""

    frames: tuple[FrameHeader, ...]
    grid: Grid
    remarks: tuple[str, ...] = ()


def stacked(frames: Sequence[FrameHeader]) -> Stack | ImageTrouble:
    """Order the slices of one phase by their position along the normal and make the grid of their voxels."""
    if not frames:
        return _trouble(ImageProblem.NO_IMAGES, "The phase holds no slice.")
    unlike = _unlike(frames)
    if unlike:
        return unlike
    ordered = in_slice_order(frames)
    places = np.array([one.position for one in ordered], dtype=np.float64)
    normal = normal_of(frames[0])
    depths = places @ normal
    if len(ordered) == 1:
        return _single(ordered[0], normal)
    uneven = _uneven(np.diff(depths))
    if uneven:
        return uneven
    step = (places[-1] - places[0]) / (len(ordered) - 1)
    tilt = _degrees(step, normal)
    if tilt > _SHEAR_DEGREES:
        text = f"The slices are shifted against each other (gantry tilt of {tilt:.1f} degrees), so they make no box."
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, text)
    return Stack(ordered, _grid(ordered, step), _remarks(ordered[0], normal, float(np.linalg.norm(step))))


def in_slice_order(frames: Sequence[FrameHeader]) -> tuple[FrameHeader, ...]:
    """Return the frames by their position along the normal; as they came where they state none."""
    if any(one.position is None or one.orientation is None for one in frames):
        return tuple(frames)
    normal = normal_of(frames[0])
    return tuple(sorted(frames, key=lambda one: float(np.dot(one.position or (0, 0, 0), normal))))


def normal_of(frame: FrameHeader) -> _Vector:
    """Return the unit normal of the image plane: direction of a row times direction of a column (C.7.6.2.1.1).

    Raises:
        ValueError: If it has no orientation, or its directions lie on one line.
    """
    if frame.orientation is None:
        raise ValueError("the frame has no orientation")
    across = np.cross(frame.orientation[:3], frame.orientation[3:]).astype(np.float64)
    length = float(np.linalg.norm(across))
    if length < 1e-3:
        raise ValueError("the directions of rows and columns lie on one line")
    unit: _Vector = across / length
    return unit


def _unlike(frames: Sequence[FrameHeader]) -> ImageTrouble | None:
    """Say why these frames are not slices of one volume, if they are not."""
    first = frames[0]
    if any(one.position is None or one.orientation is None or one.pixel_spacing is None for one in frames):
        text = "Slices state no position, orientation or pixel spacing, so nobody knows where they lie."
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, text)
    if not _upright(first) or min(first.pixel_spacing or (0, 0)) <= 0:
        text = "The orientation or pixel spacing that the slices state cannot be one."
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, text)
    if any(not np.allclose(one.orientation or (), first.orientation or (), atol=2e-3) for one in frames):
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, "The slices of one phase are oriented differently.")
    if any((one.rows, one.columns) != (first.rows, first.columns) for one in frames):
        return _trouble(ImageProblem.MIXED_SPACING, "The slices of one phase differ in rows and columns.")
    if any(not np.allclose(one.pixel_spacing or (), first.pixel_spacing or (), rtol=1e-3) for one in frames):
        return _trouble(ImageProblem.MIXED_SPACING, "The slices of one phase differ in pixel spacing.")
    if len({one.frame_of_reference_uid for one in frames}) > 1:
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, "The slices of one phase lie in different frames of reference.")
    return None


def _upright(frame: FrameHeader) -> bool:
    """Tell whether the directions of rows and columns are unit vectors at right angles (C.7.6.2.1.1)."""
    axes = np.asarray(frame.orientation, dtype=np.float64).reshape(2, 3)
    return bool(np.allclose(axes @ axes.T, np.eye(2), atol=1e-2))


def _uneven(distances: _Vector) -> ImageTrouble | None:
    """Say what is wrong with the distances from slice to slice, if something is."""
    repeated = int((distances < SAME_PLACE_MM).sum())
    if repeated:
        text = f"{repeated} of {len(distances) + 1} slices lie at the place of another slice of the same phase."
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, text)
    usual = float(np.percentile(distances, 25, method="lower"))
    if np.abs(distances - usual).max() <= max(_UNEVEN * usual, SAME_PLACE_MM):
        return None
    steps = distances / usual
    whole = np.rint(steps)
    if (np.abs(steps - whole) <= _UNEVEN * whole + SAME_PLACE_MM / usual).all() and whole.min() >= 1:
        missing = int((whole - 1).sum())
        text = f"{missing} of {len(distances) + 1 + missing} slices are missing inside the stack."
        return _trouble(ImageProblem.SLICES_MISSING, text)
    text = f"The distance between slices varies from {distances.min():.2f} to {distances.max():.2f} mm."
    return _trouble(ImageProblem.MIXED_SPACING, text)


def _single(frame: FrameHeader, normal: _Vector) -> Stack | ImageTrouble:
    if not frame.slice_thickness or frame.slice_thickness <= 0:
        return _trouble(ImageProblem.GEOMETRY_UNCLEAR, "The phase is a single slice that states no thickness.")
    step = normal * frame.slice_thickness
    return Stack((frame,), _grid((frame,), step), ("the phase is a single slice",))


def _grid(frames: tuple[FrameHeader, ...], step: _Vector) -> Grid:
    first = frames[0]
    axes = np.asarray(first.orientation, dtype=np.float64).reshape(2, 3)
    between_rows, between_columns = first.pixel_spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = axes[1] / np.linalg.norm(axes[1]) * between_rows  # the next row lies along a column (C.7.6.2.1.1)
    affine[:3, 2] = axes[0] / np.linalg.norm(axes[0]) * between_columns
    affine[:3, 3] = first.position
    shape = (len(frames), first.rows, first.columns)
    return Grid(shape, affine, first.frame_of_reference_uid, tuple(one.frame for one in frames))


def _remarks(frame: FrameHeader, normal: _Vector, step: float) -> tuple[str, ...]:
    remarks = []
    oblique = min(_degrees(axis, normal) for axis in np.eye(3))
    if oblique > _OBLIQUE_DEGREES:
        remarks.append(f"the slices are oblique by {oblique:.0f} degrees")
    if frame.slice_thickness and step > 1.1 * frame.slice_thickness:
        gap = step - frame.slice_thickness
        remarks.append(f"between the slices, {frame.slice_thickness:.2g} mm thick, {gap:.2g} mm were not imaged")
    return tuple(remarks)


def _degrees(direction: _Vector, axis: _Vector) -> float:
    """Return the angle between two lines."""
    cosine = abs(float(direction @ axis)) / (float(np.linalg.norm(direction)) * float(np.linalg.norm(axis)))
    return float(np.degrees(np.arccos(min(1.0, cosine))))


def _trouble(problem: ImageProblem, text: str) -> ImageTrouble:
    return ImageTrouble(problem, text)
