"""What lies beside the dynamic series in a real study, so that choosing can be tested.

A localiser, T2, diffusion, a subtraction and a projection. Their pictures are made from the dynamic volumes and are no
simulation of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from shared.imaging.volume import Grid, Volume
from shared.phantoms.dce.attributes import SeriesLabel, StudyLabel
from shared.phantoms.dce.classic import mr_image
from shared.phantoms.dce.patient import SimulatedStudy

Pixels = NDArray[np.uint16]


def other_objects(study: SimulatedStudy, label: StudyLabel) -> tuple[Dataset, ...]:
    """Return localiser (series 1), T2 (2), diffusion (20), subtraction (30) and projection (31)."""
    return (
        *_localiser(study, label), *_t2(study, label), *_diffusion(study, label), *_subtraction(study, label),
        _projection(study, label),
    )  # fmt: skip


def _localiser(study: SimulatedStudy, label: StudyLabel) -> Iterator[Dataset]:
    """Three planes through the middle, one image each."""
    series = SeriesLabel(1, "SIMULATED localizer", label.at(-580.0))
    for number, order in enumerate(((0, 1, 2), (2, 0, 1), (1, 0, 2)), start=1):
        plane = _middle(study.phases[0], order)
        one = mr_image(label, series, study.scanner, plane.grid, 0, plane.voxels[0], "localiser", number)
        one.InstanceNumber = number
        one.MRAcquisitionType = "2D"
        yield one


def _middle(volume: Volume, order: tuple[int, int, int]) -> Volume:
    """Return the middle slice across the first axis of ``order`` as a volume of one slice."""
    turned = np.transpose(volume.voxels, order)
    affine = volume.grid.affine.copy()
    affine[:3, :3] = volume.grid.affine[:3, list(order)]
    shape = (turned.shape[0], turned.shape[1], turned.shape[2])
    middle = shape[0] // 2
    return Volume(turned, Grid(shape, affine)).part((middle, 0, 0), (middle + 1, shape[1], shape[2]))


def _t2(study: SimulatedStudy, label: StudyLabel) -> Iterator[Dataset]:
    """Every second slice, twice as thick: a geometry of its own."""
    coarse = _thinned(study.phases[0], (2, 1, 1))
    series = SeriesLabel(2, "SIMULATED t2 tse", label.at(-480.0))
    for index, pixels in enumerate(_inverted(coarse.voxels)):
        one = mr_image(label, series, study.scanner, coarse.grid, index, pixels, "t2", index)
        one.InstanceNumber = index + 1
        _spin_echo(one, 4500, 90)
        yield one


def _diffusion(study: SimulatedStudy, label: StudyLabel) -> Iterator[Dataset]:
    """Weightings b = 0 and 800 s/mm2, echo planar, coarse."""
    coarse = _thinned(study.phases[0], (2, 2, 2))
    bright = _thinned(Volume(np.where(study.mask.bits, 1500, 60).astype(np.uint16), study.mask.grid), (2, 2, 2))
    series = SeriesLabel(20, "SIMULATED ep2d diff", label.at(500.0))
    number = 0
    for value, voxels in ((0.0, _inverted(coarse.voxels)), (800.0, bright.voxels)):
        for index, pixels in enumerate(voxels):
            number += 1
            one = mr_image(label, series, study.scanner, coarse.grid, index, pixels, "diffusion", value, index)
            one.InstanceNumber = number
            _spin_echo(one, 6000, 70)
            one.ScanningSequence = ["EP", "SE"]
            one.EchoTrainLength = "64"
            one.DiffusionBValue = value
            yield one


def _subtraction(study: SimulatedStudy, label: StudyLabel) -> Iterator[Dataset]:
    """Early less pre-contrast, on the grid of the dynamic series."""
    series = SeriesLabel(30, "SIMULATED sub 2-1", label.at(study.scanner.phase_seconds[-1] + 120.0))
    for index, pixels in enumerate(_subtracted(study)):
        one = mr_image(label, series, study.scanner, study.mask.grid, index, pixels, "subtraction", index)
        one.InstanceNumber = index + 1
        one.ImageType = ["DERIVED", "PRIMARY", "SUBTRACTION"]
        one.DerivationDescription = "early phase less pre-contrast phase"
        yield one


def _projection(study: SimulatedStudy, label: StudyLabel) -> Dataset:
    """Maximum intensity projection of the subtraction from feet to head."""
    series = SeriesLabel(31, "SIMULATED sub mip", label.at(study.scanner.phase_seconds[-1] + 130.0))
    pixels = _subtracted(study).max(axis=0)
    one = mr_image(label, series, study.scanner, study.mask.grid, study.mask.grid.shape[0] // 2, pixels, "projection")
    one.InstanceNumber = 1
    one.ImageType = ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]
    one.DerivationDescription = "maximum intensity projection"
    return one


def _subtracted(study: SimulatedStudy) -> Pixels:
    pre, early = (phase.voxels.astype(np.int32) for phase in study.phases[:2])
    return np.asarray(np.maximum(early - pre, 0), dtype=np.uint16)


def _inverted(voxels: Pixels) -> Pixels:
    """Turn bright into dark within the body: water is bright in T2."""
    body = voxels > 0.05 * float(voxels.max())
    return np.asarray(np.where(body, np.maximum(1800 - voxels.astype(np.int32), 50), voxels), dtype=np.uint16)


def _thinned(volume: Volume, every: tuple[int, int, int]) -> Volume:
    """Return every n-th voxel along each axis, with the grid they lie on."""
    a, b, c = every
    voxels = np.ascontiguousarray(volume.voxels[::a, ::b, ::c])
    affine = volume.grid.affine.copy()
    affine[:3, :3] = affine[:3, :3] * np.array(every, dtype=np.float64)
    return Volume(voxels, Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine))


def _spin_echo(one: Dataset, repetition_ms: int, echo_ms: int) -> None:
    one.ScanningSequence = "SE"
    one.SequenceVariant = "SK"
    one.MRAcquisitionType = "2D"
    one.RepetitionTime, one.EchoTime, one.EchoTrainLength, one.FlipAngle = str(repetition_ms), str(echo_ms), "16", "90"
