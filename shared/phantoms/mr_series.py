"""A DICOM MR series from an array: valid objects (PS3.3 A.4, MR Image IOD) with invented or given attributes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from shared.phantoms.modules import PatientAttributes, decimals, derived_uid, describe_patient, file_meta


@dataclass(frozen=True, slots=True)
class StudyAttributes:
    """General Study and Series modules (PS3.3 C.7.2.1, C.7.3.1)."""

    seed: str = "phantom"
    """UIDs are derived from it: the same seed makes the same series."""
    study_date: date = date(2026, 1, 15)
    study_time: time = time(9, 30)
    accession_number: str = "ACC1"
    study_id: str = "1"
    description: str = "MR BREAST"
    body_part: str = "BREAST"
    laterality: str = ""
    """Laterality (0020,0060), L or R; empty: sent without a value (type 2C: the breast is a paired structure)."""
    series_number: int = 1


@dataclass(frozen=True, slots=True)
class VolumeGeometry:
    """Where the voxels lie (PS3.3 C.7.6.2): distances in millimetres, axes in the patient's LPS system."""

    row_spacing_mm: float
    column_spacing_mm: float
    slice_spacing_mm: float
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Centre of the first voxel of the first slice."""
    orientation: tuple[float, float, float, float, float, float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    """Image Orientation (Patient): direction of a row, then of a column."""

    def __post_init__(self) -> None:
        if min(self.row_spacing_mm, self.column_spacing_mm, self.slice_spacing_mm) <= 0:
            raise ValueError("distances between voxels must be positive")

    def position_mm(self, slice_index: int) -> tuple[float, float, float]:
        """Return Image Position (Patient) of a slice."""
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        x, y, z = np.asarray(self.origin_mm) + normal * self.slice_spacing_mm * slice_index
        return float(x), float(y), float(z)


def mr_series(
    volume: NDArray[Any],
    geometry: VolumeGeometry,
    patient: PatientAttributes | None = None,
    study: StudyAttributes | None = None,
) -> tuple[Dataset, ...]:
    """Return one MR Image per slice of ``volume`` (slices, rows, columns), values 0 to 4095 (12 bits stored in 16).

    The data sets carry file meta information and can be saved with ``enforce_file_format=True``.
    """
    patient, study = patient or PatientAttributes(), study or StudyAttributes()
    if volume.ndim != 3 or volume.min() < 0 or volume.max() > 4095:
        raise ValueError("a series needs (slices, rows, columns) with values 0 to 4095")
    return tuple(_image(pixels.astype("<u2"), index, geometry, patient, study) for index, pixels in enumerate(volume))


def _image(
    pixels: NDArray[Any], index: int, geometry: VolumeGeometry, patient: PatientAttributes, study: StudyAttributes
) -> Dataset:
    image = Dataset()
    _place(image, index, study)
    describe_patient(image, patient)
    _describe_study(image, study)
    _describe_acquisition(image, geometry)
    _describe_plane(image, index, geometry)
    _describe_pixels(image, pixels)
    image.file_meta = file_meta(image, ExplicitVRLittleEndian)
    return image


def _place(image: Dataset, index: int, study: StudyAttributes) -> None:
    image.SpecificCharacterSet = "ISO_IR 192"
    image.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    image.SOPClassUID = MRImageStorage
    image.SOPInstanceUID = derived_uid(study.seed, study.series_number, index)
    image.StudyInstanceUID = derived_uid(study.seed)
    image.SeriesInstanceUID = derived_uid(study.seed, study.series_number)
    image.FrameOfReferenceUID = derived_uid(study.seed, "frame of reference")
    image.PositionReferenceIndicator = ""
    image.InstanceNumber = index + 1
    image.SeriesNumber = study.series_number


def _describe_study(image: Dataset, study: StudyAttributes) -> None:
    image.StudyDate = image.SeriesDate = image.ContentDate = study.study_date.strftime("%Y%m%d")
    image.StudyTime = image.SeriesTime = image.ContentTime = study.study_time.strftime("%H%M%S")
    image.AccessionNumber = study.accession_number
    image.StudyID = study.study_id
    image.ReferringPhysicianName = ""
    image.StudyDescription = image.SeriesDescription = study.description
    image.Modality = "MR"
    image.PatientPosition = "HFP"
    image.BodyPartExamined = study.body_part
    image.Laterality = study.laterality


def _describe_acquisition(image: Dataset, geometry: VolumeGeometry) -> None:
    """Type 2 attributes of the MR Image module (PS3.3 C.8.3.1); echo and repetition of no particular scanner."""
    image.Manufacturer = "PHANTOM"
    image.ScanningSequence = "GR"
    image.SequenceVariant = "NONE"
    image.ScanOptions = ""
    image.MRAcquisitionType = "3D"
    image.RepetitionTime = "5"
    image.EchoTime = "2"
    image.EchoTrainLength = "1"
    image.SliceThickness = f"{geometry.slice_spacing_mm:.6g}"
    image.SpacingBetweenSlices = f"{geometry.slice_spacing_mm:.6g}"


def _describe_plane(image: Dataset, index: int, geometry: VolumeGeometry) -> None:
    image.PixelSpacing = decimals(geometry.row_spacing_mm, geometry.column_spacing_mm)
    image.ImageOrientationPatient = decimals(*geometry.orientation)
    image.ImagePositionPatient = decimals(*geometry.position_mm(index))


def _describe_pixels(image: Dataset, pixels: NDArray[Any]) -> None:
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0
    image.add_new(0x7FE00010, "OW", pixels.tobytes())
