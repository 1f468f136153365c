"""Slices make a box in the patient, or it is said why they do not."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin
from typing import Any

import numpy as np
import pytest

from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.stack import Stack, stacked
from shared.testing.dynamic_frames import volume_frames


def _stack(frames: list[FrameHeader]) -> Stack:
    stack = stacked(frames)
    assert isinstance(stack, Stack), stack
    return stack


def _trouble(frames: list[FrameHeader]) -> ImageTrouble:
    trouble = stacked(frames)
    assert isinstance(trouble, ImageTrouble)
    return trouble


def _at(frames: list[FrameHeader], *heights: float) -> list[FrameHeader]:
    return [replace(one, position=(0.0, 0.0, height)) for one, height in zip(frames, heights, strict=True)]


def test_slices_are_ordered_by_position_whatever_order_they_come_in() -> None:
    frames = volume_frames("1.2.4", slices=5)
    stack = _stack([frames[at] for at in (3, 0, 4, 2, 1)])
    assert stack.frames == tuple(frames)
    assert stack.grid.frames == tuple(one.frame for one in frames)
    assert stack.grid.spacing.slices == pytest.approx(2.0)


def test_an_index_is_taken_to_where_the_headers_put_the_pixel() -> None:
    turn = radians(20)
    row, column = (cos(turn), sin(turn), 0.0), (-sin(turn) * cos(turn), cos(turn) * cos(turn), sin(turn))
    normal = np.cross(row, column)
    frames = [
        replace(one, position=tuple(np.array([5, -3, 8]) + 3 * n * normal))
        for n, one in enumerate(volume_frames("1.2.4", slices=3, orientation=(*row, *column), pixel_spacing=(0.7, 0.9)))
    ]
    stack = _stack(frames)
    # PS3.3 C.7.6.2.1.1: column index along the direction of a row, times the distance of columns
    expected = np.array([5, -3, 8]) + 3 * 2 * normal + np.array(row) * 0.9 * 7 + np.array(column) * 0.7 * 4
    assert np.allclose(stack.grid.place(np.array([2.0, 4.0, 7.0])), expected, atol=1e-9)
    assert any("oblique" in one for one in stack.remarks)


def test_slices_from_head_to_feet_are_the_same_box() -> None:
    frames = volume_frames("1.2.4", slices=5)
    numbered = [replace(one, instance_number=5 - n) for n, one in enumerate(frames)]
    assert _stack(list(reversed(numbered))).grid.same_place(_stack(frames).grid)


def test_a_missing_slice_is_counted() -> None:
    frames = volume_frames("1.2.4", slices=20)
    trouble = _trouble([*frames[:7], *frames[9:]])
    assert trouble.problem is ImageProblem.SLICES_MISSING
    assert trouble.text == "2 of 20 slices are missing inside the stack."


def test_mixed_distances_are_named() -> None:
    trouble = _trouble(_at(volume_frames("1.2.4", slices=5), 0.0, 2.0, 4.0, 6.5, 9.0))
    assert trouble.problem is ImageProblem.MIXED_SPACING
    assert "2.00 to 2.50 mm" in trouble.text


def test_two_slices_at_one_place_are_named() -> None:
    trouble = _trouble(_at(volume_frames("1.2.4", slices=4), 0.0, 2.0, 2.0, 4.0))
    assert trouble.problem is ImageProblem.GEOMETRY_UNCLEAR
    assert "place of another slice" in trouble.text


def test_a_sheared_stack_is_refused_and_an_oblique_one_is_not() -> None:
    frames = [replace(one, position=(0.0, 0.2 * n, 2.0 * n)) for n, one in enumerate(volume_frames("1.2.4"))]
    trouble = _trouble(frames)
    assert trouble.problem is ImageProblem.GEOMETRY_UNCLEAR
    assert "gantry tilt of 5.7 degrees" in trouble.text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"position": None}, ImageProblem.GEOMETRY_UNCLEAR),
        ({"orientation": None}, ImageProblem.GEOMETRY_UNCLEAR),
        ({"pixel_spacing": None}, ImageProblem.GEOMETRY_UNCLEAR),
        ({"orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)}, ImageProblem.GEOMETRY_UNCLEAR),
        ({"frame_of_reference_uid": "1.8"}, ImageProblem.GEOMETRY_UNCLEAR),
        ({"rows": 16}, ImageProblem.MIXED_SPACING),
        ({"pixel_spacing": (0.8, 0.9)}, ImageProblem.MIXED_SPACING),
    ],
)
def test_a_slice_unlike_the_others_is_named(changes: dict[str, object], problem: ImageProblem) -> None:
    frames = volume_frames("1.2.4")
    frames[2] = replace(frames[2], **changes)  # type: ignore[arg-type]
    assert _trouble(frames).problem is problem


@pytest.mark.parametrize(
    "changes",
    [
        {"orientation": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)},
        {"orientation": (0.0,) * 6},
        {"orientation": (1.0, 0.0, 0.0, 0.5, 0.9, 0.0)},
        {"pixel_spacing": (0.0, 0.8)},
        {"pixel_spacing": (-0.8, 0.8)},
    ],
)
def test_what_cannot_be_a_geometry_is_refused(changes: dict[str, Any]) -> None:
    assert _trouble(volume_frames("1.2.4", **changes)).problem is ImageProblem.GEOMETRY_UNCLEAR


def test_a_single_slice_needs_a_thickness() -> None:
    assert _stack(volume_frames("1.2.4", slices=1)).grid.spacing.slices == pytest.approx(2.0)
    assert _trouble(volume_frames("1.2.4", slices=1, slice_thickness=None)).problem is ImageProblem.GEOMETRY_UNCLEAR


def test_space_between_slices_that_was_not_imaged_is_said() -> None:
    remarks = _stack(volume_frames("1.2.4", slice_thickness=1.5)).remarks
    assert remarks == ("between the slices, 1.5 mm thick, 0.5 mm were not imaged",)


def test_no_slices_make_no_box() -> None:
    assert _trouble([]).problem is ImageProblem.NO_IMAGES
