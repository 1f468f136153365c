"""One reading of a breast MRI study, for serving (in a jail) and for training alike.

The headers of all objects are read, the dynamic series is chosen from them, and only then are pixels decoded: those of
the measured phase, and of the phases before contrast and late where a region has to be found in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shared.dicom.brightening import brightened_in
from shared.dicom.frame_headers import frame_headers
from shared.dicom.opened import opened
from shared.dicom.region_object import REGION_CLASSES
from shared.dicom.regions import RegionSearch, find_region, find_second_mask
from shared.dicom.stored_object import StoredObject
from shared.dicom.volumes import Room, read_volume
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, PhaseRole
from shared.imaging.choice import choose_dynamic
from shared.imaging.dynamic import DynamicChoice, FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.region import Acquisition, BreastImages, Region
from shared.imaging.stack import stacked
from shared.imaging.volume import Mask, Volume

MOST_OBJECTS = 20_000
"""Objects of one study whose headers are read; a dynamic study of 2,000 slices with everything else stays below it."""
MOST_FRAMES = 40_000
_ELSEWHERE = (
    "The phase without contrast lies elsewhere than the measured one, or has other slices: no region is found so."
)


def read_breast_images(
    objects: Sequence[StoredObject],
    *,
    automatic: AutomaticRegion,
    confirmed: Mask | None,
    side: Side | None,
    mask_files: Sequence[Path] = (),
    device_uid: str = "",
    room: Room = np.empty,
) -> BreastImages | ImageTrouble:
    """Return the images of a study a predictor needs, or why they cannot be measured; ``room`` gives the arrays.

    ``confirmed`` is the region a person confirmed: it is used, and none is looked for. ``device_uid`` is ours: a
    segmentation that it wrote itself is not read.
    """
    try:
        return _Reading(tuple(objects), automatic, confirmed, side, tuple(mask_files), device_uid, room).read()
    except MemoryError:
        text = "The phases to be measured have more voxels than this system reads."
        return ImageTrouble(ImageProblem.TOO_LARGE, text)


@dataclass(frozen=True, slots=True)
class StudyFrames:
    """What the objects of a study say of themselves."""

    frames: tuple[FrameHeader, ...]
    sources: dict[str, StoredObject]
    """SOP Instance UID -> object."""
    unreadable: int = 0
    """Objects that are no DICOM files, or are broken."""


def read_headers(objects: Sequence[StoredObject]) -> StudyFrames | ImageTrouble:
    """Return the headers of all images among ``objects``; segmentations are none."""
    if len(objects) > MOST_OBJECTS:
        return _too_many(len(objects))
    frames: list[FrameHeader] = []
    sources: dict[str, StoredObject] = {}
    unreadable = 0
    for one in objects:
        try:
            with opened(one) as at:
                found = frame_headers(at.view, start=at.start, implicit=at.implicit, blob_uri=one.blob_uri)
        except (InvalidInputError, OSError):
            unreadable += 1
            continue
        if not found or found[0].sop_class_uid in REGION_CLASSES:
            continue
        if found[0].frame.sop_instance_uid not in sources:  # an object that came twice is read once
            sources[found[0].frame.sop_instance_uid] = one
            frames += found
        if len(frames) > MOST_FRAMES:
            return _too_many(len(frames))
    return StudyFrames(tuple(frames), sources, unreadable)


def _too_many(count: int) -> ImageTrouble:
    text = f"The study holds {count} images and more; so many are not read."
    return ImageTrouble(ImageProblem.TOO_LARGE, text)


@dataclass(frozen=True, slots=True)
class _Reading:
    objects: tuple[StoredObject, ...]
    automatic: AutomaticRegion
    confirmed: Mask | None
    side: Side | None
    mask_files: tuple[Path, ...]
    device_uid: str
    room: Room

    def read(self) -> BreastImages | ImageTrouble:
        study = read_headers(self.objects)
        if isinstance(study, ImageTrouble):
            return study
        choice = choose_dynamic(study.frames, brightened=brightened_in(study.sources), side=self.side)
        if isinstance(choice, ImageTrouble):
            return choice if study.frames or not study.unreadable else _unreadable(study.unreadable)
        if study.unreadable:
            remark = f"{study.unreadable} objects of the study could not be read"
            choice = replace(choice, remarks=(*choice.remarks, remark))
        return self._measured(study, choice)

    def _measured(self, study: StudyFrames, choice: DynamicChoice) -> BreastImages | ImageTrouble:
        phases = _Phases(study, choice, self.room)
        early = phases.volume(PhaseRole.EARLY)
        if early is None or isinstance(early, ImageTrouble):
            return _with_choice(early, choice)
        headers, files = study.frames, self.mask_files
        looked = RegionSearch(early, self.objects, headers=headers, mask_files=files, device_uid=self.device_uid)
        # The other phases are decoded only where no region was drawn: most of a study's memory and time.
        region = find_region(looked, automatic=AutomaticRegion.NEVER, confirmed=self.confirmed, side=self.side)
        if self._may_draw(region):
            whole = phases.added(looked)
            if isinstance(whole, ImageTrouble):
                return _with_choice(whole, choice)
            looked, region = whole, find_region(whole, automatic=self.automatic, side=self.side)
        if isinstance(region, ImageTrouble):
            return _with_choice(region, choice)
        second = find_second_mask(looked, region)
        return BreastImages(phases.remarked(), early, region, looked.pre, looked.late, second, phases.acquisition())

    def _may_draw(self, region: Region | ImageTrouble) -> bool:
        """Tell whether nobody drew a region and one may be made."""
        nothing = isinstance(region, ImageTrouble) and region.problem is ImageProblem.NO_REGION
        return nothing and self.confirmed is None and self.automatic is not AutomaticRegion.NEVER


class _Phases:
    """The phases of a choice as volumes."""

    def __init__(self, study: StudyFrames, choice: DynamicChoice, room: Room) -> None:
        self._study, self._choice, self._room = study, choice, room
        self._headers = {one.frame: one for one in study.frames}
        self._remarks: list[str] = []

    def volume(self, role: PhaseRole) -> Volume | ImageTrouble | None:
        """Return the volume with this role; None where there is no such phase."""
        phase = self._choice.of(role)
        if phase is None:
            return None
        stack = stacked([self._headers[one] for one in phase.frames])
        if isinstance(stack, ImageTrouble):
            return stack
        if role is PhaseRole.EARLY:
            self._remarks += stack.remarks
        return read_volume(stack, self._study.sources, self._room)

    def added(self, study: RegionSearch) -> RegionSearch | ImageTrouble:
        """Return ``study`` with the phases an automatic region is found in, where they lie as the measured one does."""
        pre = self.volume(PhaseRole.PRE)
        if isinstance(pre, ImageTrouble):
            return pre
        if pre is not None and not pre.grid.same_place(study.early.grid):
            return ImageTrouble(ImageProblem.GEOMETRY_DIFFERS, _ELSEWHERE)
        late = self.volume(PhaseRole.LATE)
        if isinstance(late, ImageTrouble) or (late is not None and not late.grid.same_place(study.early.grid)):
            self._remarks.append("the late phase cannot be compared with the measured one and was left out")
            late = None
        return study.with_phases(pre, late)

    def remarked(self) -> DynamicChoice:
        """Return the choice with what was seen of its slices."""
        return replace(self._choice, remarks=(*self._choice.remarks, *self._remarks))

    def acquisition(self) -> Acquisition:
        """Return how the measured phase was taken."""
        phase = self._choice.of(PhaseRole.EARLY)
        if phase is None:
            return Acquisition()
        header = self._headers[phase.frames[0]]
        return Acquisition(header.manufacturer, header.field_tesla, phase.seconds)


def _unreadable(count: int) -> ImageTrouble:
    text = f"None of the {count} objects of the study can be read."
    return ImageTrouble(ImageProblem.UNREADABLE_PIXELS, text)


def _with_choice(trouble: ImageTrouble | None, choice: DynamicChoice) -> ImageTrouble:
    none = ImageTrouble(ImageProblem.PHASE_MISSING, "No phase after contrast can be measured.")
    trouble = trouble or none
    text = trouble.text[:1].upper() + trouble.text[1:].rstrip(".") + "."
    return replace(trouble, text=text, choice=trouble.choice or choice)
