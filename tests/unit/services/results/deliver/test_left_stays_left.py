"""Left stays left through the whole system: from files in any orientation to the objects an archive is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy import ndimage

from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats.parts import parts
from services.results.deliver.formats.sr_document import encoded, to_sr
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.case import PinnedBundle
from shared.domain.identity import PatientIdentity, Side
from shared.domain.images import Artefact, ArtefactKind, AutomaticRegion, ImagingPolicy, RegionOrigin
from shared.domain.prediction import Prediction
from shared.domain.study import Instance
from shared.imaging.artefacts import encode_heatmap, encode_region
from shared.imaging.region import BreastImages
from shared.imaging.volume import Volume
from shared.phantoms.asymmetric import ORIENTATIONS, AsymmetricStudy, Orientation, asymmetric_study, series_of
from shared.predictors.imaging import ImagingContract, Look, NetworkContract
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.storage.blobs import LocalBlobs
from shared.testing.cases import some_pins
from shared.testing.drawn_regions import segmentation
from shared.testing.images import SCORE, SEEN, EngineDouble, ImageModelDouble
from tests.findings import Findings

OBLIQUE = 6.0
"""Degrees: no axis of the voxels is one of the patient."""
POSITIONS = ("HFP", "FFP", "HFS", "FFS")
_STRIDE = 2
_CROP = (32, 32, 32)
_MARGIN = 0.25


@dataclass(frozen=True)
class BrightestCell(ImageModelDouble):
    """A network whose map is the brightest voxel around the middle of each cell, laid as strided convolutions do."""

    def look(self, crop: NDArray[np.float32]) -> Look:
        """Return the map of the crop."""
        near = ndimage.maximum_filter(crop[0], size=_STRIDE + 1)
        return Look(0.8, near[::_STRIDE, ::_STRIDE, ::_STRIDE], "brightest cell", "float32")


NETWORK = NetworkContract((1, *_CROP), _MARGIN, "z-score", "layer3", (16, 16, 16), "brightest cell")
MODEL = BrightestCell(0.7, ImagingContract(SCORE, NETWORK, SEEN), "ln_pcr-clinical-dlr-double")


def lopsided(orientation: Orientation) -> AsymmetricStudy:
    """Return the study with one voxel brighter than all: beside the lesion's middle, to the left, front and head."""
    study = asymmetric_study(orientation, tilt_degrees=OBLIQUE)
    grid, middle = study.early.grid, np.argwhere(ndimage.binary_erosion(study.lesion.bits, np.ones((3, 3, 3))))[0]
    around = middle + np.array(list(product((-1, 0, 1), repeat=3)))
    peak = around[(grid.place(around.astype(np.float64)) @ np.array([1.0, -1.0, 1.0])).argmax()]
    assert study.lesion.bits[tuple(peak)]
    voxels = study.early.voxels.copy()
    voxels[study.early.voxels > 900], voxels[tuple(peak)] = 900, 4000
    return replace(study, early=Volume(voxels, grid), peak=(int(peak[0]), int(peak[1]), int(peak[2])))


def sent(
    study: AsymmetricStudy, number: int, blobs: LocalBlobs, style: Style, *, drawn: bool
) -> tuple[Finding, list[Dataset], Dataset]:
    """Read, measure, answer and render a study; return what is sent, read again from its bytes."""
    reverse = bool(number % 3 == 1)
    phases = [
        series_of(one, number=n, reverse=reverse, patient_position=POSITIONS[number % 4])
        for n, one in enumerate((study.pre, study.early, study.late), 1)
    ]
    for n, phase in enumerate(phases):
        for image in phase:
            image.AcquisitionDate, image.AcquisitionTime = "20260115", f"10{2 * n:02d}00"
    objects = [image for phase in phases for image in phase]
    if drawn:
        mask = replace(study.lesion, bits=study.lesion.bits[::-1].copy()) if reverse else study.lesion
        objects.append(segmentation([mask], phases[1]))
    rows = [_stored(one, blobs) for one in objects]
    places = [blobs.place(row.blob_uri) for row in rows]
    images = read_breast_images(
        [StoredObject(one.path, one.offset, one.length) for one in places], automatic=AutomaticRegion.USE,
        confirmed=None, side=Side.LEFT,
    )  # fmt: skip
    assert isinstance(images, BreastImages), images
    assert images.region.origin is (RegionOrigin.SEG if drawn else RegionOrigin.AUTOMATIC)
    finding = _finding(_answered(images, blobs), rows, objects[0], blobs)
    source = SourceImages(blobs)
    made = parts(finding, source.read(finding, SourceHeaders(blobs).read(finding)), style)
    report = to_sr(finding, SourceHeaders(blobs).read(finding), (), style, made)
    return finding, [dcmread(BytesIO(encoded(one))) for one in made], dcmread(BytesIO(encoded(report)))


def _stored(one: Dataset, blobs: LocalBlobs) -> Instance:
    stream = BytesIO()
    one.save_as(stream, enforce_file_format=True)
    uri, digest = blobs.put(stream.getvalue())
    return Instance(one.SOPInstanceUID, one.SOPClassUID, one.SeriesInstanceUID, one.Modality, digest, "0" * 64, uri)


def _answered(images: BreastImages, blobs: LocalBlobs) -> Prediction:
    pins = some_pins(
        variant="clinical_dlr", bundle_id=MODEL.reference.bundle_id, bundle_digest=MODEL.reference.digest,
        imaging=ImagingPolicy(), others=(PinnedBundle("clinical", MODEL.reference),),
    )  # fmt: skip
    found = LnPcr().answer_images(pins, {"clinical_dlr": MODEL}, images, EngineDouble())
    assert isinstance(found.answer, Prediction)
    assert found.region is not None
    assert found.heatmap is not None
    stored = (
        Artefact(ArtefactKind.REGION, *blobs.put(encode_region(found.region))),
        Artefact(ArtefactKind.HEATMAP, *blobs.put(encode_heatmap(found.heatmap))),
    )
    return replace(found.answer, artefacts=stored)


def _finding(answer: Prediction, rows: Sequence[Instance], first: Dataset, blobs: LocalBlobs) -> Finding:
    base = Findings(blobs).prediction()
    study = replace(base.study, study_instance_uid=str(first.StudyInstanceUID), instances=tuple(rows))
    identity = PatientIdentity("hospital", str(first.PatientID))
    return replace(base, study=study, identity=identity, pins=None, prediction=answer)


def _places(one: Dataset, where: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return where (frame, row, column) lie in the patient, by what the object itself states; LPS millimetres."""
    shared = one.SharedFunctionalGroupsSequence[0]
    along = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    rows_mm, columns_mm = (float(step) for step in shared.PixelMeasuresSequence[0].PixelSpacing)
    groups = one.PerFrameFunctionalGroupsSequence
    origins = np.array([group.PlanePositionSequence[0].ImagePositionPatient for group in groups], float)
    places: NDArray[np.float64] = (
        origins[where[:, 0]] + where[:, 1:2] * rows_mm * along[1] + where[:, 2:3] * columns_mm * along[0]
    )
    return places


def _sorted(places: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded = places.round(2)
    return rounded[np.lexsort(rounded.T)]


def _assert_where_it_was(study: AsymmetricStudy, made: list[Dataset], *, drawn: bool) -> None:
    region, heat = made
    bits = region.pixel_array.reshape(-1, region.Rows, region.Columns)
    voxels = _places(region, np.argwhere(bits))
    truth = study.early.grid.place(np.argwhere(study.lesion.bits).astype(np.float64))
    if drawn:
        np.testing.assert_allclose(_sorted(voxels), _sorted(truth), atol=0.011)
    away = np.linalg.norm(voxels[:, None] - truth[None], axis=2).min(axis=1)
    assert away.max() < 0.01  # a voxel of the SEG is one of the lesion, in the patient
    assert (voxels[:, 0] > 0).all()  # LPS: the left
    values = heat.pixel_array
    hottest = _places(heat, np.argwhere(values == values.max())).mean(axis=0)
    peak = study.early.grid.place(np.array(study.peak, dtype=np.float64))
    edge = float(np.ptp(truth, axis=0).max() + 9.0) * (1 + _MARGIN)
    cell, voxel = edge / _CROP[0] * _STRIDE, math.hypot(*study.early.grid.affine[:3, :3].sum(axis=1)) / 2
    assert np.linalg.norm(hottest - peak) <= math.sqrt(3) * cell + voxel
    assert hottest[0] > 0


def _assert_sources(study: AsymmetricStudy, region: Dataset) -> None:
    """Each frame of the SEG names the source frame that lies exactly where it does."""
    at = {frame.sop_instance_uid: n for n, frame in enumerate(study.early.grid.frames)}
    for group in region.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        place = study.early.grid.place(np.array([at[source.ReferencedSOPInstanceUID], 0.0, 0.0]))
        np.testing.assert_allclose(group.PlanePositionSequence[0].ImagePositionPatient, place, atol=1e-3)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=lambda one: one.name)
def test_region_and_heat_end_where_the_lesion_is_on_its_side(
    orientation: Orientation, blobs: LocalBlobs, style: Style
) -> None:
    number = ORIENTATIONS.index(orientation)
    # Of each plane's orientations half are measured in a drawn region, half in an automatic one.
    study, drawn = lopsided(orientation), bool((number + number // 2 + number // 4) % 2)
    finding, made, report = sent(study, number, blobs, replace(style, pictures=("dicom-seg", "dicom-pm")), drawn=drawn)
    assert [one.Modality for one in made] == ["SEG", "OT"]
    _assert_where_it_was(study, made, drawn=drawn)
    _assert_sources(study, made[0])
    (side,) = made[0].SegmentSequence[0].AnatomicRegionSequence[0].AnatomicRegionModifierSequence
    assert (side.CodeMeaning, made[1].Laterality) == ("Left", "L")
    assert finding.prediction is not None
    assert finding.prediction.images is not None
    said = " ".join(str(item.value) for item in report.iterall() if item.keyword == "TextValue")
    assert finding.prediction.images.why in said
    assert ("confirmed by nobody" in said) is not drawn
