"""The phases as single frames, MR Image (PS3.3 A.4): by temporal position, by series, or by trigger time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from shared.imaging.volume import Grid
from shared.phantoms.dce.attributes import SeriesLabel, StudyLabel, described
from shared.phantoms.dce.patient import SimulatedStudy
from shared.phantoms.dce.scanners import Scanner, Storing
from shared.phantoms.modules import date_and_time
from shared.phantoms.modules import decimals as ds

_KIND = {
    Storing.ENHANCED: "OTHER",
    Storing.TEMPORAL_POSITIONS: "M_FFE",
    Storing.SERIES_PER_PHASE: "M",
    Storing.TRIGGER_TIME: "OTHER",
}
"""Value 3 of Image Type as the vendor known for this way writes it; M and M_FFE are no defined terms, and usual."""


def single_frames(study: SimulatedStudy, label: StudyLabel, first_series: int) -> tuple[Dataset, ...]:
    """Return one object per slice and phase: all slices of the first phase, then of the second."""
    return tuple(
        _frame(study, label, first_series, phase, index)
        for phase in range(len(study.phases))
        for index in range(study.mask.grid.shape[0])
    )


def mr_image(
    label: StudyLabel, series: SeriesLabel, scanner: Scanner, grid: Grid, index: int, pixels: NDArray[np.uint16],
    *instance: object,
) -> Dataset:  # fmt: skip
    """Return one MR Image: slice ``index`` of ``grid`` with these pixels (12 bits stored)."""
    one = described(label, series, scanner, MRImageStorage, *instance)
    one.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    one.ContentDate, one.ContentTime = date_and_time(series.began)
    one.AcquisitionDate, one.AcquisitionTime = date_and_time(series.began)
    spoiled_echo(one, scanner)
    _plane(one, grid, index)
    one.SamplesPerPixel = 1
    one.PhotometricInterpretation = "MONOCHROME2"
    one.Rows, one.Columns = pixels.shape
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.add_new(0x7FE00010, "OW", pixels.astype("<u2").tobytes())
    return one


def _frame(study: SimulatedStudy, label: StudyLabel, first_series: int, phase: int, index: int) -> Dataset:
    scanner, slices = study.scanner, study.mask.grid.shape[0]
    began = scanner.phase_seconds[phase] - scanner.phase_duration / 2
    apart = scanner.storing is Storing.SERIES_PER_PHASE
    first = label.at(scanner.phase_seconds[0] - scanner.phase_duration / 2)
    number, start = (first_series + phase, label.at(began)) if apart else (first_series, first)
    series = SeriesLabel(number, "SIMULATED dynamic", start)
    pixels = study.phases[phase].voxels[index]
    one = mr_image(label, series, scanner, study.mask.grid, index, pixels, phase, index)
    one.ImageType = ["ORIGINAL", "PRIMARY", _KIND[scanner.storing]]
    one.InstanceNumber = 1 + index + (0 if apart else phase * slices)
    one.AcquisitionNumber = 1 if apart else phase + 1
    one.AcquisitionDate, one.AcquisitionTime = date_and_time(label.at(began))
    one.ContentDate, one.ContentTime = date_and_time(label.at(began + scanner.phase_duration))
    _when(one, scanner, phase)
    if began >= 0:
        _contrast(one, label)
    return one


def _when(one: Dataset, scanner: Scanner, phase: int) -> None:
    """State the phase as the vendor does."""
    since_first = scanner.phase_seconds[phase] - scanner.phase_seconds[0]
    if scanner.storing is Storing.TEMPORAL_POSITIONS:
        one.TemporalPositionIdentifier = phase + 1
        one.NumberOfTemporalPositions = len(scanner.phase_seconds)
    if scanner.storing is Storing.TRIGGER_TIME:
        one.TriggerTime = f"{1000 * since_first:.8g}"
        # All frames of the series share the time it began; only the trigger time tells the phases apart.
        one.AcquisitionTime = one.SeriesTime
        one.AcquisitionNumber = 1


def _contrast(one: Dataset, label: StudyLabel) -> None:
    """Contrast/Bolus module (PS3.3 C.7.6.4)."""
    one.ContrastBolusAgent = "Gadobutrol"
    one.ContrastBolusRoute = "IV"
    one.ContrastBolusVolume = "7"
    one.ContrastBolusStartTime = label.injected.strftime("%H%M%S.%f")


def spoiled_echo(one: Dataset, scanner: Scanner) -> None:
    """Describe the dynamic sequence (MR Image module, PS3.3 C.8.3.1)."""
    one.ScanningSequence = "GR"
    one.SequenceVariant = ["SP", "OSP"]
    one.ScanOptions = "FS" if scanner.fat_suppressed else ""
    one.MRAcquisitionType = "3D"
    one.RepetitionTime = f"{scanner.echo.repetition_ms:g}"
    one.EchoTime = "2"
    one.EchoTrainLength = "1"
    one.FlipAngle = f"{scanner.echo.flip_degrees:g}"
    one.ImagingFrequency = f"{42.577 * scanner.field_tesla:.6g}"


def _plane(one: Dataset, grid: Grid, index: int) -> None:
    """Image Plane module (PS3.3 C.7.6.2)."""
    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    place = grid.place(np.array([float(index), 0.0, 0.0]))
    (one.SliceThickness,) = ds(grid.spacing.slices)
    (one.SpacingBetweenSlices,) = ds(grid.spacing.slices)
    one.PixelSpacing = ds(grid.spacing.rows, grid.spacing.columns)
    one.ImageOrientationPatient = ds(*(float(v) for v in directions[:, 2]), *(float(v) for v in directions[:, 1]))
    one.ImagePositionPatient = ds(*(float(v) for v in place))
