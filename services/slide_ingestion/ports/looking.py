"""Who looks into slides, in the jail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.slide_ingestion.ports.slides import DicomHeader
from shared.dicom.fingerprint import Fingerprint
from shared.pathology.trouble import SlideTrouble
from shared.slides.port import SlideDescription


@dataclass(frozen=True, slots=True)
class DicomFolder:
    """What the files of a DICOM slide say of themselves."""

    header: DicomHeader
    files: tuple[Fingerprint, ...]
    """In the order they were asked in."""


DicomFiles = Callable[[Sequence[Path]], DicomFolder | SlideTrouble]
"""Reads DICOM files in the jail; raises TemporaryError where no child can be started."""


class Looker(Protocol):
    """Looks into slides in the jail (``shared.jail.slides.JailedSlides``)."""

    def describe(self, paths: Sequence[Path], container: str = "") -> SlideDescription | SlideTrouble:
        """Return what the slide says of itself; ``container`` is compared with the label's barcode."""
        ...
