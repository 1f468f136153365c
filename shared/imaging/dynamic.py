"""A dynamic contrast-enhanced study as values: the frames as their headers state them, and what was chosen of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.images import PhaseRole, RejectedSeries
from shared.imaging.volume import Frame


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What one stored frame says of itself; None and empty where it says nothing. Nothing here names a person."""

    frame: Frame
    series_instance_uid: str
    series_number: int | None
    sop_class_uid: str
    modality: str
    blob_uri: str
    rows: int
    columns: int
    pixel_spacing: tuple[float, float] | None
    """Row spacing, column spacing in mm (0028,0030)."""
    position: tuple[float, float, float] | None
    """Image Position (Patient) (0020,0032)."""
    orientation: tuple[float, float, float, float, float, float] | None
    """Image Orientation (Patient) (0020,0037)."""
    frame_of_reference_uid: str = ""
    image_type: tuple[str, ...] = ()
    description: str = ""
    """Series Description, upper case; for choosing only, never printed: people write names into it."""
    scanning_sequence: tuple[str, ...] = ()
    contrast_agent: str = ""
    """Contrast/Bolus Agent (0018,0010)."""
    temporal_position: int | None = None
    """Temporal Position Identifier (0020,0100)."""
    temporal_positions: int | None = None
    """Number of Temporal Positions (0020,0105)."""
    acquisition_number: int | None = None
    instance_number: int | None = None
    """Instance Number (0020,0013), or the frame's number: the last resort to put repeated slices in order."""
    acquisition_seconds: float | None = None
    """Acquisition Date and Time (0008,002A; 0008,0022, 0008,0032) in seconds from a common zero of the study."""
    duration_seconds: float | None = None
    """Frame Acquisition Duration (0018,9220), or Acquisition Duration (0018,9073) of a classic object: some scanners
    write that of the whole series there."""
    content_seconds: float | None = None
    trigger_seconds: float | None = None
    """Trigger Time (0018,1060), Temporal Position Time Offset of an enhanced object (0020,930D), or what the vendor
    writes instead, in seconds."""
    bolus_seconds: float | None = None
    """Contrast/Bolus Start Time (0018,1042), on the scale of ``acquisition_seconds``."""
    repetition_ms: float | None = None
    echo_ms: float | None = None
    flip_degrees: float | None = None
    b_value: float | None = None
    """Diffusion b-value (0018,9087), or the vendor's."""
    field_tesla: float | None = None
    manufacturer: str = ""
    slice_thickness: float | None = None
    laterality: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """One volume of the dynamic series."""

    series_instance_uid: str
    number: int
    """From 1, in order of time."""
    seconds: float | None
    """Middle of the phase, since the injection where that is known, else since the end of the phase before contrast;
    None where nothing says."""
    role: PhaseRole
    frames: tuple[Frame, ...]
    """In slice order."""


@dataclass(frozen=True, slots=True)
class DynamicChoice:
    """Which phases were found, which is measured, and why; printed on the console and in the report."""

    phases: tuple[Phase, ...]
    why: str
    """One or two sentences."""
    rejected: tuple[RejectedSeries, ...] = ()
    remarks: tuple[str, ...] = ()
    """What a reader should know: no injection time, gantry tilt, an interpolated gap."""

    def of(self, role: PhaseRole) -> Phase | None:
        """Return the phase with this role; None where there is none."""
        return next((one for one in self.phases if one.role is role), None)


class ImageProblem(StrEnum):
    """Why the images of a study cannot be measured; machine-readable, with a sentence beside it."""

    NO_IMAGES = "no_images"
    WRONG_MODALITY = "wrong_modality"
    """The study holds images, none of them an MR image."""
    NO_DYNAMIC_SERIES = "no_dynamic_series"
    NO_PRE_CONTRAST = "no_pre_contrast"
    PHASE_MISSING = "phase_missing"
    GEOMETRY_DIFFERS = "geometry_differs"
    GEOMETRY_UNCLEAR = "geometry_unclear"
    """Positions or orientations are not stated, contradict each other, or the stack is sheared."""
    SLICES_MISSING = "slices_missing"
    MIXED_SPACING = "mixed_spacing"
    TWO_INJECTIONS = "two_injections"
    UNREADABLE_PIXELS = "unreadable_pixels"
    TOO_LARGE = "too_large"
    NO_REGION = "no_region"
    EMPTY_REGION = "empty_region"
    REGION_TOO_SMALL = "region_too_small"
    REGION_OUTSIDE = "region_outside"
    REGION_OF_ANOTHER_STUDY = "region_of_another_study"
    SIDE_CONFLICT = "side_conflict"
    BILATERAL = "bilateral"
    IMPLANT = "implant"


@dataclass(frozen=True, slots=True)
class ImageTrouble:
    """The images cannot be measured, because ..."""

    problem: ImageProblem
    text: str
    """One sentence a radiologist understands."""
    choice: DynamicChoice | None = None
    """What was chosen before the trouble; None where nothing was."""
