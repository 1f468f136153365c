"""Whose slide it is: what the label, the order and the DICOM object say of one piece of glass."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import zxingcpp
from PIL import Image

from shared.phantoms.modules import PatientAttributes, derived_uid
from shared.phantoms.slides.optics import Pixels


@dataclass(frozen=True, slots=True)
class Glass:
    """Identifiers of one slide; the defaults name nobody. UIDs are derived from ``seed``."""

    seed: str = "glass"
    patient: PatientAttributes = field(default_factory=PatientAttributes)
    accession: str = "S26-1"
    specimen: str = "S26-1-A"
    block: str = "A1"
    container: str = "S26-1-A1-1"
    """What the barcode says: Container Identifier (0040,0512)."""
    scanned: datetime = datetime(2026, 1, 15, 9, 30)  # noqa: DTZ001  # DICOM times are the scanner's own
    breast: bool = True
    """False: a lymph node."""
    immunohistochemistry: bool = False

    @property
    def study_uid(self) -> str:
        """Return Study Instance UID."""
        return derived_uid(self.seed)

    @property
    def series_uid(self) -> str:
        """Return Series Instance UID."""
        return derived_uid(self.seed, "slide")

    @property
    def frame_of_reference_uid(self) -> str:
        """Return Frame of Reference UID."""
        return derived_uid(self.seed, "frame of reference")


def label_picture(container: str) -> Pixels:
    """Return the label as a scanner's camera sees it: a DataMatrix of ``container`` on white paper."""
    code = zxingcpp.create_barcode(container, zxingcpp.BarcodeFormat.DataMatrix)
    drawn = np.asarray(code.to_image(scale=5), dtype=np.uint8)
    paper = np.full((320, 280), 245, dtype=np.uint8)
    top, left = (paper.shape[0] - drawn.shape[0]) // 2, (paper.shape[1] - drawn.shape[1]) // 2
    paper[top : top + drawn.shape[0], left : left + drawn.shape[1]] = np.minimum(drawn, 245)
    return np.asarray(Image.fromarray(paper).convert("RGB"), dtype=np.uint8)
