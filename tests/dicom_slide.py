"""The slide of ``tests.slide_findings`` as DICOM: levels of one frame of reference, in a blob store."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from services.results.ledger.findings import Finding
from shared.domain.slides import PyramidLevel, Slide
from shared.domain.study import Instance
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.slides.glass import Glass
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.wsm import slide_objects
from shared.storage.blobs import LocalBlobs
from tests.findings import encoded
from tests.slide_findings import HEIGHT, IDENTITY, WIDTH, SlideFindings, overview_pixels

GLASS = Glass(
    "slide-forms", PatientAttributes(patient_id=IDENTITY.identifier, birth_date=date(1971, 4, 5), sex="F"),
    "S26-1234", "S26-1234-A", "A2", "B-000123",
)  # fmt: skip


class DicomSlide(SlideFindings):
    """Builds findings about the DICOM slide."""

    __slots__ = ()

    def prediction(self, *arguments: object, **named: object) -> Finding:
        """Return a first revision that answers."""
        return self._about(SlideFindings.prediction(self, *arguments, **named))  # type: ignore[arg-type]

    def not_analysed(self) -> Finding:
        """Return a first revision that could not answer."""
        return SlideFindings.not_analysed(self)  # built on prediction(), so about the DICOM slide already

    def _about(self, finding: Finding) -> Finding:
        data = levels()
        rows = tuple(_instance(self.blobs, one) for one in data)
        slide = finding.study.slide
        assert slide is not None
        study = replace(
            finding.study, study_instance_uid=GLASS.study_uid, instances=rows, slide=_in_dicom(slide, data)
        )  # fmt: skip
        return replace(finding, study=study)


def levels() -> tuple[Dataset, ...]:
    """Return the levels of the slide, widest first."""
    picture = Image.fromarray(overview_pixels(), "RGB").resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    return slide_objects(pyramid(np.asarray(picture)), SCANNERS[0], GLASS)


def _in_dicom(slide: Slide, data: tuple[Dataset, ...]) -> Slide:
    sizes = [(int(one.TotalPixelMatrixColumns), int(one.TotalPixelMatrixRows)) for one in data]
    return replace(
        slide, format="dicom", frame_of_reference_uid=GLASS.frame_of_reference_uid,
        levels=tuple(PyramidLevel(width, height, WIDTH / width) for width, height in sizes),
    )  # fmt: skip


def _instance(blobs: LocalBlobs, one: Dataset) -> Instance:
    uri, digest = blobs.put(encoded(one))
    return Instance(one.SOPInstanceUID, one.SOPClassUID, one.SeriesInstanceUID, "SM", digest, "0" * 64, uri)
