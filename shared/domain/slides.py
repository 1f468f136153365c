"""What of a whole-slide image an answer rests on: which glass it is, how it was read, and what a site configures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.images import Artefact


class ResolutionSource(StrEnum):
    """Who says how many micrometres a pixel is wide."""

    VENDOR = "vendor"
    """The scanner's own key in the file."""
    TIFF = "tiff"
    """XResolution and YResolution with their unit."""
    DICOM = "dicom"
    """Pixel Spacing, or Imaged Volume Width over Total Pixel Matrix Columns."""
    OPERATOR = "operator"
    """A person, by name."""


class Cropping(StrEnum):
    """How large a patch is."""

    PAPER = "paper"
    """Side in pixels of level 0: 512 * sqrt(height * width / 1e9) (paper 003, Eq. 1)."""
    MICROMETRES = "micrometres"
    """A fixed side in micrometres, the bundle's."""


class AreaReading(StrEnum):
    """What ``N[p > 0.33]`` of Eq. 3 counts (paper 003 does not say)."""

    TUMOUR = "a"
    """Reading A: tumour patches only; Area_IHC lies in [0, 1]."""
    ALL = "b"
    """Reading B: every patch; Area_IHC can exceed 1."""


class Rounding(StrEnum):
    """How ``0.3 * Area_tumour`` terms of Eq. 5 become a whole number (paper 003 does not say)."""

    FLOOR = "floor"
    CEIL = "ceil"
    ROUND = "round"
    """Half up."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """Which piece of tissue is on the glass: the identifiers a pathology department works with."""

    accession: str
    specimen: str
    block: str
    slide: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Micrometres per pixel of level 0."""

    x: float
    y: float
    source: ResolutionSource
    stated_by: str = ""
    """The person, where ``source`` is the operator."""
    objective_power: float | None = None
    """As the file states it, for example 40."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """As the file states it; empty where it does not."""

    manufacturer: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class PyramidLevel:
    """One level of the pyramid."""

    width: int
    height: int
    downsample: float
    """Against level 0."""


@dataclass(frozen=True, slots=True)
class ReadBy:
    """Which library read a slide, and why the ones before it did not."""

    reader: str
    """Name and version, for example ``openslide 4.0.1``."""
    refused: tuple[str, ...] = ()
    """One sentence for each reader that was tried before."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One checked slide. ``refused`` says why it cannot be analysed where the gate says so."""

    specimen: Specimen
    format: str
    """Of the file, for example ``aperio``, ``dicom``, ``generic-tiff``."""
    width: int
    height: int
    levels: tuple[PyramidLevel, ...]
    read_by: ReadBy
    scanner: Scanner
    digest: str
    """sha256 (hex) over the content of all its files."""
    order_id: str
    resolution: Resolution | None = None
    stain: str = ""
    tissue: str = ""
    after_therapy: bool | None = None
    colour: str = ""
    """``icc`` where the file's profile was applied, else ``as stored``."""
    refused: str = ""
    """``NotAnalysedReason`` of the gate; empty where it passed."""
    refused_text: str = ""
    taken_back: str = ""
    """Why there is no such order any more; empty where there is."""
    container: str = ""
    frame_of_reference_uid: str = ""
    """Of a DICOM slide; empty: it came as another file."""
    placer: str = ""
    """Placer's number of the order it belongs to."""
    placer_authority: tuple[str, ...] = ()
    """As in ``SlideOrder``."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the slide, in pixels of level 0."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A region a pathologist left out of the score, and why."""

    outline: tuple[Point, ...]
    """A closed polygon of three points or more."""
    author: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True)
class SlideCalibration:
    """What a site measured about one scanner: pinned with the case, because it changes the score."""

    record_id: str
    bundle_digest: str
    manufacturer: str
    model: str
    shift: float
    """Added to the score before the levels are read."""
    n: int
    """Slides with a known HER2 status it rests on."""
    signed_by: str
    digest: str
    """sha256 (hex) of the signed record."""


@dataclass(frozen=True, slots=True)
class SlidePolicy:
    """What a site configures about scoring slides; part of the result's key."""

    cropping: Cropping = Cropping.MICROMETRES
    """Which grid makes the result."""
    sensitivity: bool = False
    """True: the other grid is run as well, and the difference is reported."""
    area_reading: AreaReading = AreaReading.TUMOUR
    rounding: Rounding = Rounding.FLOOR
    least_tumour_patches: int = 30
    """With fewer the answer is "indeterminate"."""
    indeterminate_share: float = 0.9
    """The level is stated only where its share of the bootstrap reaches this; else "indeterminate, reflex IHC/ISH"."""


@dataclass(frozen=True, slots=True)
class PinnedSlide:
    """What the answer about a slide will rest on, besides its files."""

    slide: Slide
    policy: SlidePolicy
    calibration: SlideCalibration | None = None
    exclusions: tuple[Exclusion, ...] = ()
    patches: tuple[Artefact, ...] = ()
    """Patch tables, and overview, of an earlier answer by the same bundle on the same pixels: then the network is not
    run again."""
