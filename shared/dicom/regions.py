"""The region of interest of a breast study: drawn by somebody where there is such a thing, else automatic.

In this order: DICOM segmentation, RT structure set, mask file beside the study, automatic. What was drawn and cannot be
used is refused with its reason: nothing else is measured silently in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path

from shared.dicom.drawing import Drawing, Meaning
from shared.dicom.drawn_in_study import Drawings, drawings_of
from shared.dicom.region_checks import Checked, check_confirmed, check_drawing, check_side
from shared.dicom.stored_object import StoredObject
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.automatic import OTHER_SIDE_MM3, OTHER_SIDE_SHARE, Phases, automatic_region
from shared.imaging.body import Body, body_in, places_of, side_of_places, sided_parts
from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.implants import implant_sign
from shared.imaging.region import Region
from shared.imaging.volume import Frame, Mask, Volume

SAME_TUMOUR = 0.3
"""Dice coefficient from which two masks are of the same tumour, drawn twice."""
_DRAWN = (RegionOrigin.SEG, RegionOrigin.RTSTRUCT, RegionOrigin.MASK_FILE)
"""In the order of preference."""


@dataclass(frozen=True, slots=True, eq=False)
class RegionSearch:
    """What of a study its region is found in and checked against."""

    early: Volume
    objects: Sequence[StoredObject] = ()
    """Any objects of the study; those without regions are passed over."""
    pre: Volume | None = None
    late: Volume | None = None
    headers: Sequence[FrameHeader] = ()
    """Of all its images: what masks may refer to, which side they show, what series are called."""
    mask_files: Sequence[Path] = ()
    device_uid: str = ""
    """Of this system: what it wrote itself is never read (system rule 8)."""
    known: dict[Frame, FrameHeader] = field(init=False, repr=False)
    body: Body = field(init=False, repr=False)
    drawings: Drawings = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = {header.frame: header for header in self.headers}
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "body", body_in(self.early))
        found = drawings_of(self.objects, self.mask_files, known, self.device_uid)
        object.__setattr__(self, "drawings", found)

    def with_phases(self, pre: Volume | None, late: Volume | None) -> RegionSearch:
        """Return the search with the phases an automatic region is found in; what was read of the study stays read."""
        other = copy(self)
        object.__setattr__(other, "pre", pre)
        object.__setattr__(other, "late", late)
        return other

    @property
    def laterality(self) -> Side | None:
        """Return the side that the headers of the measured phase name; None where they name none, or several."""
        sides = {self.known[frame].laterality for frame in self.early.grid.frames if frame in self.known}
        return {"L": Side.LEFT, "R": Side.RIGHT}.get(sides.pop()) if len(sides) == 1 else None

    def side_of(self, mask: Mask) -> Side | None:
        """Return the side of the midline on which a mask lies; None where the field shows one breast."""
        middle = self.body.midline_mm
        return None if middle is None else side_of_places(places_of(mask)[:, 0], middle)

    def other_side_mm3(self, mask: Mask) -> float:
        """Return how much of a mask lies in the breast that holds less of it; 0 where the field shows one breast."""
        middle = self.body.midline_mm
        if middle is None:
            return 0.0
        volumes = {Side.LEFT: 0.0, Side.RIGHT: 0.0}
        for volume, side in sided_parts(mask, middle):
            volumes[side] += volume
        return min(volumes.values())


def find_region(
    search: RegionSearch, *, automatic: AutomaticRegion, confirmed: Mask | None = None, side: Side | None = None
) -> Region | ImageTrouble:
    """Return the region on the grid of the early phase, or why there is none.

    ``confirmed`` is a mask that a person confirmed: it is used whatever else there is. ``side`` is the breast that is
    asked about. With ``AutomaticRegion.CONFIRM`` an automatic region is returned as one: the caller has it confirmed.
    """
    if confirmed is not None:
        region = check_confirmed(confirmed, search.early, search.body)
        return _side_trouble(search, region, side) or region
    return _drawn(search, side) or _automatic(search, automatic, side)


def find_second_mask(search: RegionSearch, region: Region) -> Mask | None:
    """Return another drawn mask of the same tumour (a second reader's); None where there is none."""
    if region.origin not in _DRAWN:
        return None
    drawings = [one for one in search.drawings.found if one.meaning is not Meaning.ORGAN]
    looked = (check_drawing(one, search.early, search.body, search.known) for one in _by_preference(drawings))
    others = (one for one in looked if isinstance(one, Checked) and not _is_it(one.drawing, one.mask, region))
    return next((one.mask for one in others if _dice(one.mask, region.mask) >= SAME_TUMOUR), None)


def _drawn(search: RegionSearch, side: Side | None) -> Region | ImageTrouble | None:
    """Return the region somebody drew, or why it cannot be used; None where nobody drew one."""
    troubles = list(search.drawings.unreadable)
    for origin in _DRAWN:
        drawings = [one for one in search.drawings.found if one.origin is origin and one.meaning is not Meaning.ORGAN]
        looked = [check_drawing(one, search.early, search.body, search.known) for one in _by_preference(drawings)]
        troubles += [one for one in looked if isinstance(one, ImageTrouble)]
        usable = [one for one in looked if isinstance(one, Checked)]
        if usable:
            return _with_troubles(_chosen(search, usable, side), troubles)
    return troubles[0] if troubles else None


def _by_preference(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Return the drawings by origin, then the newest object first, then tumours before what says nothing."""
    order = sorted(drawings, key=lambda one: (one.source_instance_uid, one.number or 0))
    order.sort(key=lambda one: one.moment, reverse=True)
    order.sort(key=lambda one: one.meaning is not Meaning.FINDING)
    order.sort(key=lambda one: _DRAWN.index(one.origin))
    return order


def _chosen(search: RegionSearch, usable: list[Checked], side: Side | None) -> Region | ImageTrouble:
    """Return the one of several drawn regions that is measured: all are of the newest object with a tumour."""
    newest = usable[0].drawing
    rivals = [one for one in usable if _of_one_object(one.drawing, newest) and one.drawing.meaning is newest.meaning]
    rivals.sort(key=lambda one: (not one.drawing.is_first, -one.mask.count))
    if side in (Side.LEFT, Side.RIGHT):
        there = [one for one in rivals if search.side_of(one.mask) in (side, None)]
        rivals = there or rivals
    elif _both_sides(search, rivals):
        text = "Tumours are drawn in both breasts: say which is meant."
        return ImageTrouble(ImageProblem.BILATERAL, text)
    chosen = rivals[0]
    if search.other_side_mm3(chosen.mask) >= OTHER_SIDE_MM3:
        text = "One region is drawn over both breasts: a region of the tumour that is meant is needed."
        return ImageTrouble(ImageProblem.BILATERAL, text)
    stated = {"the header of the images": search.laterality, "the object of the region": chosen.drawing.side}
    return check_side(chosen.mask, search.body, side, stated) or _region(search, chosen, rivals, len(usable))


def _both_sides(search: RegionSearch, rivals: list[Checked]) -> bool:
    largest = max(one.mask.volume_mm3 for one in rivals)
    least = max(OTHER_SIDE_MM3, OTHER_SIDE_SHARE * largest)
    sides = {search.side_of(one.mask) for one in rivals if one.mask.volume_mm3 >= least}
    return {Side.LEFT, Side.RIGHT} <= sides


def _region(search: RegionSearch, chosen: Checked, rivals: list[Checked], usable: int) -> Region:
    drawing, remarks = chosen.drawing, list(chosen.remarks)
    if len(rivals) > 1:
        why = (
            "named as the first" if drawing.is_first and not all(one.drawing.is_first for one in rivals) else "largest"
        )
        remarks.append(f"{len(rivals)} regions are drawn in one object: the {why} of them is measured")
    if usable > len(rivals):
        remarks.append(f"{usable} regions came with the study: one of the newest object is measured")
    sign = implant_sign(search.headers)
    if sign:
        remarks.append(f"implants are likely: {sign}")
    return Region(
        chosen.mask, drawing.origin, drawing.how, drawing.author, drawing.source_instance_uid, drawing.number,
        tuple(remarks),
    )  # fmt: skip


def _automatic(search: RegionSearch, automatic: AutomaticRegion, side: Side | None) -> Region | ImageTrouble:
    """Return the automatic region where the site allows one, or why there is none."""
    if automatic is AutomaticRegion.NEVER:
        organs = " What came outlines an organ, not a finding." if search.drawings.found else ""
        text = f"Nobody drew a region, and the site allows no automatic one.{organs}"
        return ImageTrouble(ImageProblem.NO_REGION, text)
    if search.pre is None:
        text = "There is no phase before contrast, without which no region can be found; nobody drew one."
        return ImageTrouble(ImageProblem.NO_PRE_CONTRAST, text)
    sign = implant_sign(search.headers)
    if sign:
        return ImageTrouble(
            ImageProblem.IMPLANT, f"{sign}: enhancement beside an implant is not outlined automatically"
        )
    found = automatic_region(
        Phases(search.pre, search.early, search.late), side=side, limits=_limits(search), body=search.body
    )
    return _side_trouble(search, found, side) or found


def _side_trouble(search: RegionSearch, region: Region | ImageTrouble, side: Side | None) -> ImageTrouble | None:
    if isinstance(region, ImageTrouble):
        return region
    return check_side(region.mask, search.body, side, {"the header of the images": search.laterality})


def _limits(search: RegionSearch) -> Mask | None:
    """Return the breast or the volume of interest somebody outlined, where it can be placed."""
    for drawing in _by_preference(search.drawings.found):
        checked = check_drawing(drawing, search.early, search.body, search.known)
        if drawing.limits and isinstance(checked, Checked):
            return checked.mask
    return None


def _with_troubles(found: Region | ImageTrouble, troubles: list[ImageTrouble]) -> Region | ImageTrouble:
    if isinstance(found, ImageTrouble) or not troubles:
        return found
    unused = (f"another region was not used: {one.text[0].lower()}{one.text[1:].rstrip('.')}" for one in troubles)
    return replace(found, remarks=(*found.remarks, *unused))


def _of_one_object(first: Drawing, second: Drawing) -> bool:
    return (first.source_instance_uid, first.group) == (second.source_instance_uid, second.group)


def _is_it(drawing: Drawing, mask: Mask, region: Region) -> bool:
    if drawing.source_instance_uid or region.source_instance_uid:
        return (drawing.source_instance_uid, drawing.number) == (region.source_instance_uid, region.segment_number)
    return bool((mask.bits == region.mask.bits).all())


def _dice(first: Mask, second: Mask) -> float:
    return 2 * float((first.bits & second.bits).sum()) / max(first.count + second.count, 1)
