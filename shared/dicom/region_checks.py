"""Whether a drawn region can be measured in this study, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shared.dicom.drawing import Drawing
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.domain.images import RegionOrigin
from shared.imaging.body import Body, places_of, side_of_places
from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.placing import Placed, place_mask
from shared.imaging.region import Region
from shared.imaging.volume import Frame, Mask, Volume

SMALLEST_VOXELS = 27
"""A cube of three: in fewer voxels no voxel need have all its neighbours, and texture is noise."""
LEAST_DIMENSIONS = 2
"""Axes along which a region extends over more than one voxel: what pyradiomics demands (``minimumROIDimensions``)."""
MOST_OUTSIDE = 0.01
"""Of the drawn voxels may lie outside the images: rounding at a border."""
LEAST_IN_BODY = 0.5
_OTHER_FRAME = "The region was drawn in another frame of reference than the images have: it belongs to another study."


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A drawing on the measured grid that can be measured."""

    drawing: Drawing
    mask: Mask
    remarks: tuple[str, ...] = ()


Known = Mapping[Frame, FrameHeader]


def check_drawing(drawing: Drawing, early: Volume, body: Body, known: Known) -> Checked | ImageTrouble:
    """Return the drawing on the grid of ``early``, or why it cannot be measured there."""
    foreign = _foreign(drawing, early, known)
    if foreign:
        return ImageTrouble(ImageProblem.REGION_OF_ANOTHER_STUDY, foreign)
    try:
        placed = drawing.place(early.grid)
    except InvalidInputError as error:
        problem = ImageProblem.REGION_OF_ANOTHER_STUDY
        return ImageTrouble(problem, f"The region does not fit the images ({error.element}: {error.reason}).")
    return _trouble(placed, body) or Checked(drawing, placed.mask, _remarks(drawing, placed, known))


def check_confirmed(mask: Mask, early: Volume, body: Body) -> Region | ImageTrouble:
    """Return the region a person confirmed, on the grid of ``early``, or why it cannot be measured there."""
    ours, theirs = early.grid.frame_of_reference_uid, mask.grid.frame_of_reference_uid
    if ours and theirs and ours != theirs:
        return ImageTrouble(ImageProblem.REGION_OF_ANOTHER_STUDY, _OTHER_FRAME)
    placed = place_mask(mask, early.grid)
    remark = () if placed.exact else ("the confirmed region was brought onto the images by the nearest voxel",)
    region = Region(placed.mask, RegionOrigin.PERSON, "confirmed by a person", remarks=remark)
    return _trouble(placed, body) or region


def check_side(mask: Mask, body: Body, asked: Side | None, stated: Mapping[str, Side | None]) -> ImageTrouble | None:
    """Return the trouble where the region lies on another side than is asked about, or than a header says.

    ``stated`` maps who says it ("the images", "the segmentation") to the side they say. Where the field shows one
    breast, its place in the patient's system says little, so the statements are compared with what is asked.
    """
    says: list[tuple[str, Side | None]] = [*stated.items(), ("the question", asked)]
    if body.midline_mm is not None:
        says.insert(0, ("the region's place", side_of_places(places_of(mask)[:, 0], body.midline_mm)))
    sided = [(who, side) for who, side in says if side in (Side.LEFT, Side.RIGHT)]
    for who, side in sided[1:]:
        if side is not sided[0][1]:
            text = f"{sided[0][0]} says {sided[0][1]}, {who} says {side}: nothing is measured on the wrong side."
            return ImageTrouble(ImageProblem.SIDE_CONFLICT, text[0].upper() + text[1:])
    return None


def _foreign(drawing: Drawing, early: Volume, known: Known) -> str:
    """Return why the drawing belongs to another study; empty where it does not."""
    ours, theirs = early.grid.frame_of_reference_uid, drawing.frame_of_reference_uid
    if ours and theirs and ours != theirs:
        return _OTHER_FRAME
    refers = drawing.references & {frame.sop_instance_uid for frame in (*known, *early.grid.frames)}
    if drawing.references and not refers and not (ours and theirs):
        return "The region was drawn on images that are not in this study."
    return ""


def _trouble(placed: Placed, body: Body) -> ImageTrouble | None:
    if not placed.drawn:
        return ImageTrouble(ImageProblem.EMPTY_REGION, "The region that came with the study is empty.")
    if placed.outside > MOST_OUTSIDE:
        text = f"{placed.outside:.0%} of the region lies outside the images."
        return ImageTrouble(ImageProblem.REGION_OUTSIDE, text)
    count = placed.mask.count
    if count < SMALLEST_VOXELS or _dimensions(placed.mask) < LEAST_DIMENSIONS:
        text = f"The region has {count} voxels: nothing can be measured in fewer than {SMALLEST_VOXELS}, or in a line."
        return ImageTrouble(ImageProblem.REGION_TOO_SMALL, text)
    inside = float(body.covers(np.argwhere(placed.mask.bits)).mean())
    if inside < LEAST_IN_BODY:
        return ImageTrouble(
            ImageProblem.REGION_OUTSIDE, f"{1 - inside:.0%} of the region lies in the air, not in the body."
        )
    return None


def _dimensions(mask: Mask) -> int:
    start, stop = mask.box
    return sum(1 for a, b in zip(start, stop, strict=True) if b - a > 1)


def _remarks(drawing: Drawing, placed: Placed, known: Known) -> tuple[str, ...]:
    remarks = [*drawing.remarks, placed.remark]
    if not placed.exact:
        remarks.append("the region was drawn on another lattice than the images: each voxel took the nearest drawn one")
    there = {frame.sop_instance_uid for frame in (*known, *placed.mask.grid.frames)}
    if drawing.references and there and not drawing.references & there:
        remarks.append("the region was drawn on images of the same frame of reference that did not come with the study")
    return tuple(remark for remark in remarks if remark)
