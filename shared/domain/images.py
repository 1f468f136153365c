"""What of a study an answer rests on: the phases, the region, the numbers measured in it, and the pictures made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.coding import Coding


class PhaseRole(StrEnum):
    """What a phase of a dynamic series is used for."""

    PRE = "pre"
    EARLY = "early"
    """The post-contrast phase that is measured."""
    LATE = "late"
    UNUSED = "unused"


class RegionOrigin(StrEnum):
    """Who or what drew a region of interest, in the order of preference."""

    SEG = "seg"
    RTSTRUCT = "rtstruct"
    MASK_FILE = "mask_file"
    """A NIfTI or NRRD mask beside the study."""
    PERSON = "person"
    """An automatic region that a person confirmed."""
    AUTOMATIC = "automatic"


DRAWN: Mapping[str, str] = {
    "MANUAL": "drawn by hand",
    "SEMIAUTOMATIC": "drawn with the help of an algorithm",
    "AUTOMATIC": "drawn by an algorithm",
}
"""What Segment Algorithm Type (0062,0008) and ROI Generation Algorithm (3006,0036) say, in the words of a region's
method: so that a region somebody else's algorithm drew is never passed on as drawn by hand."""


class AutomaticRegion(StrEnum):
    """What the site does with a region that no person drew."""

    USE = "use"
    CONFIRM = "confirm"
    """It waits for a person; after the deadline the variant that needs none answers."""
    NEVER = "never"


class ArtefactKind(StrEnum):
    """What a stored artefact is."""

    REGION = "region"
    """``shared.imaging.artefacts``: a mask with its grid and the frames its slices come from."""
    HEATMAP = "heatmap"
    """``shared.imaging.artefacts``: a map of values with its grid."""
    PATCHES = "patches"
    """``shared.pathology.patch_table``: the patches of a slide with their probabilities."""
    OVERVIEW = "overview"
    """PNG: the slide at about 8 micrometres a pixel, without label and macro image."""


@dataclass(frozen=True, slots=True)
class UsedPhase:
    """One phase of the dynamic series as it was found."""

    series_instance_uid: str
    number: int
    """From 1, in order of time."""
    role: PhaseRole
    seconds: float | None = None
    """Since the injection where it is known, else since the end of the pre-contrast phase."""


@dataclass(frozen=True, slots=True)
class RejectedSeries:
    """A series that is not the dynamic one, and why."""

    series_instance_uid: str
    reason: str
    """One sentence for a radiologist, without identifying data."""


@dataclass(frozen=True, slots=True)
class UsedRegion:
    """The region an answer rests on."""

    origin: RegionOrigin
    method: str
    """How it was made, in words."""
    voxels: int
    volume_mm3: float
    author: str = ""
    """Who drew or confirmed it, as the site or the object knows them; never a patient."""
    source_instance_uid: str = ""
    """SOP Instance UID of the SEG or RTSTRUCT; empty for other origins."""


@dataclass(frozen=True, slots=True)
class ImageBasis:
    """Which of the study's images were measured, and why these."""

    phases: tuple[UsedPhase, ...]
    why: str
    """One or two sentences: how the series and the phase were chosen."""
    region: UsedRegion | None = None
    rejected: tuple[RejectedSeries, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One number measured in the images."""

    name: str
    """Machine-readable, for example ``volume``, ``exponential_glcm_MCC``, ``rad_score``, ``dl_prob``."""
    display: str
    value: float
    unit: str
    """UCUM; ``1`` for a number without unit."""
    method: str = ""
    """Engine, version and settings."""
    coding: Coding | None = None


@dataclass(frozen=True, slots=True)
class Artefact:
    """Something stored beside an answer; renderings are made from it."""

    kind: ArtefactKind
    blob_uri: str
    digest: str
    """sha256 of its bytes (hex)."""


@dataclass(frozen=True, slots=True)
class PinnedRegion:
    """A region a person confirmed: the worker uses it and draws none."""

    artefact: Artefact
    confirmed_by: str
    """Name the person gave on the command line, or of their token."""
    method: str
    """How the region was made before it was confirmed."""


@dataclass(frozen=True, slots=True)
class RegionProposed:
    """An automatic region that waits for a person, because the site says so."""

    predictor: str
    artefact: Artefact
    region: UsedRegion
    text: str
    """One sentence: where it lies, how large it is."""
    images: ImageBasis | None = None


@dataclass(frozen=True, slots=True)
class ImagingPolicy:
    """What a site configures that changes what is measured or which model answers; part of the result's key."""

    automatic_region: AutomaticRegion = AutomaticRegion.USE
    classifier: str = "logistic"
    """``logistic`` or ``forest``: which of a bundle's classifiers answers."""
    refuse_distance: float = 0.0
    """Beyond this distance from what the model has seen the question is not analysed; 0: it is only said."""
