"""What of a whole-slide image an answer rests on: whose it is, how it was read, and what its patches gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.identity import Demographics, PatientIdentity, Side
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


class OrderStatus(StrEnum):
    """Whether an order still stands."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


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


class SlideLevel(StrEnum):
    """The five levels of paper 003: what a slide *resembles*; H&E shows neither IHC nor FISH.

    They are names, in no order of worth: in the paper 3+ scores lower than 2+/FISH+, and a higher score goes with a
    worse response. No rendering may suggest otherwise.
    """

    RESEMBLES_0 = "resembles_0"
    RESEMBLES_1 = "resembles_1"
    RESEMBLES_2_FISH_NEGATIVE = "resembles_2_fish_negative"
    RESEMBLES_2_FISH_POSITIVE = "resembles_2_fish_positive"
    RESEMBLES_3 = "resembles_3"


@dataclass(frozen=True, slots=True)
class Specimen:
    """Which piece of tissue is on the glass: the identifiers a pathology department works with."""

    accession: str
    specimen: str
    block: str
    slide: str


@dataclass(frozen=True, slots=True)
class SlideOrder:
    """What was asked about one slide: HL7 OML^O21, FHIR ServiceRequest with Specimen, or a manifest beside the file."""

    order_id: str
    """Unique at this site: source and the placer's number, of a manifest its digest."""
    source: str
    """``hl7``, ``fhir`` or ``manifest``, with the sender's name."""
    version: str
    """Message control id, resource version or file digest: a later one of the same order supersedes."""
    status: OrderStatus
    identity: PatientIdentity | None
    """None where the issuer is not in the site's map."""
    demographics: Demographics
    specimen: Specimen
    container: str
    """What the label's barcode says (Container Identifier (0040,0512), SPM-27 or the slide's own id); compared exactly;
    empty where the order does not state it."""
    recorded_time: datetime
    stain: str = ""
    """``he``, ``ihc``, ``other``; empty where the order does not say."""
    tissue: str = ""
    """``breast``, ``lymph_node``, ``other``; empty where the order does not say."""
    after_therapy: bool | None = None
    """True: taken after neoadjuvant therapy began; None: the order does not say."""
    side: Side | None = None
    reason: str = ""
    """Why it was withdrawn."""
    placer: str = ""
    """The number whoever placed the order knows it by (ORC-2), for finding the result; empty where none is stated."""
    placer_authority: tuple[str, ...] = ()
    """Who gave that number: namespace, universal id and its type (EI.2 to EI.4), as stated; empty: not stated."""


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
class QualityRow:
    """One property of the glass that was looked at, or that was not."""

    kind: str
    """``tissue``, ``blur``, ``pen``, ``fold``."""
    checked: bool
    """False: ``text`` says why not; "not found" and "not checked" are different answers."""
    area_mm2: float = 0.0
    share: float = 0.0
    """Of the tissue; of ``tissue`` itself: of the glass."""
    patches: int = 0
    """Patches it lies on."""
    score_without: float | None = None
    """The score with these patches left out; None where nothing was found or scored."""
    text: str = ""


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
class Term:
    """One ambiguous term of the paper, and how it was read."""

    name: str
    choice: str
    text: str


@dataclass(frozen=True, slots=True)
class LevelShare:
    """How often the bootstrap ended at a level."""

    level: SlideLevel
    share: float


@dataclass(frozen=True, slots=True)
class GradeCount:
    """Patches of one grade (paper 003: I .33-.4, II .4-.5, III .5-.6, IV .6-.7, V from .7)."""

    grade: str
    patches: int


@dataclass(frozen=True, slots=True)
class CropAnswer:
    """What one grid gave."""

    cropping: Cropping
    side_px: int
    """Of level 0."""
    side_um: float
    patches: int
    """With tissue, after the background rule."""
    tumour_patches: int
    score: float | None = None
    """None: not scorable."""
    level: SlideLevel | None = None


@dataclass(frozen=True, slots=True)
class StainVectors:
    """Optical density per stain, unit length, (red, green, blue); how they were found."""

    method: str
    """``vahadane``, or the fallback that was used."""
    haematoxylin: tuple[float, ...]
    eosin: tuple[float, ...]
    angle_degrees: float
    fallback: str = ""
    """Why the fit was not used; empty where it was."""


@dataclass(frozen=True, slots=True)
class GradientPoint:
    """Mean probability at one distance from the edge of the tumour."""

    distance_um: float
    """Positive: inside, towards the core; negative: peritumoral."""
    mean: float
    patches: int


@dataclass(frozen=True, slots=True)
class SlideAnswer:
    """The TL-PA result of one slide (paper 003, Eq. 2-6) with everything it rests on."""

    score: float
    level: SlideLevel
    area_share: float
    """Area_IHC of Eq. 3."""
    levels: tuple[LevelShare, ...]
    croppings: tuple[CropAnswer, ...]
    """The one that made the result first."""
    terms: tuple[Term, ...]
    stain: StainVectors
    grades: tuple[GradeCount, ...]
    quality: tuple[QualityRow, ...]
    score_interval: tuple[float, float] | None = None
    """95 %, spatial block bootstrap."""
    indeterminate: str = ""
    """Why no level is stated: then the advice is reflex IHC/ISH. Empty: the level stands."""
    gradient: tuple[GradientPoint, ...] = ()
    gradient_slope: float | None = None
    """Of the probability per millimetre from the edge inwards; None where the tumour is too small."""
    calibration: str = ""
    """Which record was applied, or that none is known for this scanner."""
    exclusions: tuple[Exclusion, ...] = ()


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
