"""Findings that rest on images: an asymmetric phantom in a blob store, in any orientation, with region and heatmap."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage

from services.results.ledger.findings import Finding
from shared.domain.case import FindingKind, ReviewState
from shared.domain.coding import Coding
from shared.domain.identity import Side
from shared.domain.images import (
    Artefact,
    ArtefactKind,
    ImageBasis,
    Measured,
    PhaseRole,
    RegionOrigin,
    RejectedSeries,
    UsedPhase,
    UsedRegion,
)
from shared.domain.prediction import IntendedUse, VariantAnswer
from shared.domain.study import Instance
from shared.imaging.artefacts import encode_heatmap, encode_region
from shared.imaging.volume import Frame, Grid, Mask, Volume
from shared.phantoms.modules import PatientAttributes, derived_uid
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.storage.blobs import LocalBlobs
from tests.findings import Findings, answer, encoded, pins

SHAPE = (9, 24, 32)
"""Slices, rows, columns of the phantom."""
SPACING = (2.5, 0.9, 0.8)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SERIES = 5
AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def in_plane_orientations() -> dict[str, tuple[float, float, float, float, float, float]]:
    """Return all eight flips and rotations of an axial image, then sagittal, coronal and an oblique one."""
    named: dict[str, tuple[float, float, float, float, float, float]] = {}
    for first, second in (("x", "y"), ("y", "x")):
        for a in (1, -1):
            for b in (1, -1):
                (p, q, r), (s, t, u) = AXES[first], AXES[second]
                signs = f"{'+' if a > 0 else '-'}{first} {'+' if b > 0 else '-'}{second}"
                named[signs] = (a * p, a * q, a * r, b * s, b * t, b * u)
    turned = float(np.deg2rad(20.0))
    named["sagittal"] = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    named["coronal"] = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    named["oblique"] = (float(np.cos(turned)), float(np.sin(turned)), 0.0, 0.0, 0.0, -1.0)
    return named


def tumour(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.bool_]:
    """Return a mask that is like none of its mirror images, with an empty slice between its two parts."""
    bits = np.zeros(shape, bool)
    bits[2:5, 5:11, 18:27] = True
    bits[3, 5:8, 18:20] = False
    bits[4, 11:14, 18] = True
    bits[6, 6:9, 20:22] = True
    return bits


def warmth(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return a map with one peak off its middle, in [0, 1]."""
    a, b, c = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij")
    away = ((a - 0.4 * shape[0]) / 2) ** 2 + ((b - 0.3 * shape[1]) / 4) ** 2 + ((c - 0.7 * shape[2]) / 5) ** 2
    return np.exp(-away / 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Imaged:
    """Builds such findings; what they rest on lies in ``blobs``."""

    blobs: LocalBlobs
    orientation: tuple[float, float, float, float, float, float] = AXIAL
    reversed_slices: bool = False
    multi_frame: bool = False
    shape: tuple[int, int, int] = SHAPE
    bits: NDArray[np.bool_] | None = None
    name: str = ""
    """Another name, another study."""

    @property
    def geometry(self) -> VolumeGeometry:
        return VolumeGeometry(SPACING[1], SPACING[2], SPACING[0], (-40.0, 12.5, -7.25), self.orientation)

    @property
    def mask(self) -> Mask:
        bits = tumour(self.shape) if self.bits is None else self.bits
        return Mask(bits[::-1].copy() if self.reversed_slices else bits, self.grid)

    @property
    def grid(self) -> Grid:
        """Return the grid of the measured phase, slices in the order of the files or against it."""
        affine = np.eye(4)
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        step = np.cross(row, column) * SPACING[0]
        origin = np.array(self.geometry.origin_mm)
        if self.reversed_slices:
            origin, step = origin + (self.shape[0] - 1) * step, -step
        affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = step, column * SPACING[1], row * SPACING[2], origin
        return Grid(self.shape, affine, derived_uid(self.seed, "frame of reference"), self.frames)

    @property
    def seed(self) -> str:
        return f"imaged{self.orientation}{self.multi_frame}{self.shape}{self.name}"

    @property
    def frames(self) -> tuple[Frame, ...]:
        if self.multi_frame:
            # The first frames are those of an earlier phase: the measured one begins in the middle of the object.
            rows = [Frame(derived_uid(self.seed, "enhanced"), self.shape[0] + n + 1) for n in range(self.shape[0])]
        else:
            rows = [Frame(derived_uid(self.seed, SERIES, n)) for n in range(self.shape[0])]
        return tuple(rows[::-1] if self.reversed_slices else rows)

    @property
    def heatmap(self) -> Volume:
        """Return a map on the part of the grid around the region."""
        start, stop = (1, 2, 10), (self.shape[0] - 1, self.shape[1] - 4, self.shape[2] - 2)
        part = self.grid.part(start, stop)
        return Volume(warmth(part.shape), part)

    def voxels(self) -> NDArray[Any]:
        """Return the phantom in the order of its files: a body with a bright tumour."""
        bits = self.mask.bits[::-1] if self.reversed_slices else self.mask.bits
        body = np.zeros(self.shape, np.float64)
        body[:, 2:-2, 2:-2] = 300.0
        body += 80 * np.linspace(0, 1, self.shape[2])[None, None, :]
        body[bits] += 700.0
        return body.astype(np.uint16)

    def objects(self) -> Sequence[Dataset]:
        """Return the study's objects."""
        patient = PatientAttributes("PAT-0042", "", "Müster^Änne", Findings(self.blobs).study().demographics.birth_date)
        about = StudyAttributes(self.seed, laterality="L", series_number=SERIES, accession_number="ACC-7")
        series = mr_series(self.voxels(), self.geometry, patient, about)
        return [enhanced(series, self.seed)] if self.multi_frame else series

    def finding(self, *, heat: bool = True, origin: RegionOrigin = RegionOrigin.AUTOMATIC) -> Finding:
        """Return a first revision that answers from the images."""
        rows = tuple(self._stored(one) for one in self.objects())
        base = Findings(self.blobs).prediction()
        study = replace(base.study, study_instance_uid=derived_uid(self.seed), instances=rows)
        key = hashlib.sha256(f"{self.seed}{self.reversed_slices}".encode()).hexdigest()
        artefacts = [self._artefact(ArtefactKind.REGION, encode_region(self.mask))]
        if heat:
            artefacts.append(self._artefact(ArtefactKind.HEATMAP, encode_heatmap(self.heatmap)))
        prediction = replace(
            answer(0.62), variant="clinical_dlr", variant_reason="Clinical-DLR: all inputs are there.",
            variants=variants(), images=basis(self.mask, origin), measured=measured(self.mask),
            artefacts=tuple(artefacts),
        )  # fmt: skip
        return Finding(
            "f1", f"case-{key[:8]}", "ln_pcr", 1, FindingKind.PREDICTION, key, base.created_time, base.identity, study,
            Side.LEFT, ReviewState.NOT_REQUIRED, pins(study), prediction,
        )  # fmt: skip

    def _artefact(self, kind: ArtefactKind, content: bytes) -> Artefact:
        return Artefact(kind, *self.blobs.put(content))

    def _stored(self, one: Dataset) -> Instance:
        uri, digest = self.blobs.put(encoded(one))
        return Instance(one.SOPInstanceUID, one.SOPClassUID, one.SeriesInstanceUID, "MR", digest, "0" * 64, uri)


def variants() -> tuple[VariantAnswer, ...]:
    """Return three answers of three variants, the richest first."""
    bundle = answer(0.62).bundle
    return (
        VariantAnswer("clinical_dlr", 0.62, bundle, "logistic", (0.5, 0.73)),
        VariantAnswer("clinical_radiomics", None, why_not="No such bundle is installed."),
        VariantAnswer("clinical", 0.41, replace(bundle, intended_use=IntendedUse.RESEARCH), "logistic"),
    )


def basis(mask: Mask, origin: RegionOrigin = RegionOrigin.AUTOMATIC) -> ImageBasis:
    """Return which images were measured, and why."""
    phases = tuple(
        UsedPhase("1.2.3.4", number, role, seconds)
        for number, (role, seconds) in enumerate(
            [(PhaseRole.PRE, -10.0), (PhaseRole.EARLY, 118.0), (PhaseRole.LATE, 420.0)], 1
        )
    )
    region = UsedRegion(origin, "functional tumour volume: PE at least 70 %", mask.count, mask.volume_mm3)
    rejected = (RejectedSeries("1.2.3.5", "a subtraction"),)
    return ImageBasis(
        phases, "Three phases of one series; the second lies nearest 90 to 150 s.", region, rejected,
        ("No injection time is stated.",),
    )  # fmt: skip


def measured(mask: Mask) -> tuple[Measured, ...]:
    """Return numbers as the inference worker gives them."""
    engine = "pyradiomics 3.0.1, preset A, bin width 25"
    ibsi = Coding("urn:oid:1.2.840.10008.2.16.13", "88K1", "Intensity Histogram Skewness")
    return (
        Measured("volume", "Volume of the region", mask.volume_mm3, "mm3", "voxels of the region"),
        Measured("exponential_glcm_MCC", "exponential glcm MCC", 0.731234567890123, "1", engine),
        Measured("original_firstorder_Skewness", "original firstorder Skewness", -1.25e-7, "1", engine, ibsi),
        Measured("rad_score", "Radiomics score", -0.8315, "1", "linear predictor of the bundle"),
        Measured("dl_prob", "Probability of the network", 0.58, "1", "resnet3d50"),
    )


def enhanced(series: Sequence[Dataset], seed: str) -> Dataset:
    """Return two phases as one Enhanced MR object, what the IOD needs for reading frames and no more.

    The phases are interleaved nowhere: first all frames of the pre-contrast phase, then those that are measured.
    """
    made = Dataset()
    for element in series[0]:
        if element.keyword not in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
            made.add(element)
    made.SOPClassUID, made.SOPInstanceUID = EnhancedMRImageStorage, derived_uid(seed, "enhanced")
    made.NumberOfFrames, made.InstanceNumber = 2 * len(series), 1
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = series[0].PixelSpacing, series[0].SliceThickness
    orientation.ImageOrientationPatient = series[0].ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    made.SharedFunctionalGroupsSequence = [shared]
    made.PerFrameFunctionalGroupsSequence = [_frame(one) for _ in range(2) for one in series]
    pixels = b"".join(one.PixelData for one in series)
    made.add_new(0x7FE00010, "OW", bytes(len(pixels)) + pixels)
    made.file_meta = series[0].file_meta
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def _frame(one: Dataset) -> Dataset:
    item, position = Dataset(), Dataset()
    position.ImagePositionPatient = one.ImagePositionPatient
    item.PlanePositionSequence = [position]
    return item
