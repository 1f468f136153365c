"""What every slide reader offers, and what it says of a slide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from shared.domain.slides import PyramidLevel, ReadBy, ResolutionSource, Scanner


@dataclass(frozen=True, slots=True)
class StatedResolution:
    """One statement of micrometres per pixel of level 0; a file may make several, and they must agree."""

    x: float
    y: float
    source: ResolutionSource
    key: str
    """Where it stands, for example ``aperio.MPP``, ``XResolution``, ``PixelSpacing``."""


@dataclass(frozen=True, slots=True)
class SlideDescription:
    """What a reader found; nothing of it is believed before the metadata gate."""

    format: str
    width: int
    height: int
    levels: tuple[PyramidLevel, ...]
    stated: tuple[StatedResolution, ...]
    objective_power: float | None
    scanner: Scanner
    read_by: ReadBy
    has_profile: bool
    """An ICC profile is embedded: regions are converted to sRGB."""
    associated: tuple[str, ...]
    """Names of label and macro images; they are patient data and are never returned."""
    barcode_agrees: bool | None = None
    """Whether the label's barcode is the container that was given to compare with; None: no barcode was decoded."""
    accession: str = ""
    """Accession Number (0008,0050) of a DICOM slide; empty for other formats, as is everything below."""
    container: str = ""
    """Container Identifier (0040,0512)."""
    specimens: tuple[str, ...] = ()
    """Specimen Identifiers (0040,0551)."""
    frame_of_reference_uid: str = ""


class SlideReader(Protocol):
    """One open slide; the owner closes it."""

    @property
    def description(self) -> SlideDescription:
        """What the file says of itself."""
        ...

    def region(
        self, x: int, y: int, level: int, width: int, height: int, to: tuple[int, int] | None = None
    ) -> Image.Image:
        """Return an RGB picture of width x height: ``x`` and ``y`` in pixels of level 0, size in pixels of ``level``.

        With ``to`` the picture is resized to that width and height (area average down, bilinear up) before its colours
        are converted: a pyramid's coarser levels were averaged in the scanner's colours too, and it costs a fifth.
        Alpha is composed over the slide's background, colours are sRGB.

        Raises:
            InvalidInputError: If it cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
