"""The true tumour as DICOM Segmentation (PS3.3 A.51), as an annotation workstation would send it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highdicom
import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from shared.imaging.volume import Mask
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.patient import SimulatedStudy
from shared.phantoms.modules import date_and_time, decimals, derived_uid

_MINUTES_LATER = 90


def segmentation_object(
    study: SimulatedStudy, label: StudyLabel, dynamic: Sequence[Dataset], mask: Mask | None = None, number: int = 90
) -> Dataset:
    """Return the SEG of a mask on the frames of the early phase; the same mask, the same bytes.

    Args:
        study: Whose images these are.
        label: Who and when.
        dynamic: Objects of the dynamic series (``dynamic_objects``).
        mask: On the study's grid; None: the true one.
        number: Series number.
    """
    mask = mask or study.mask
    one = Segmentation(
        source_images=_early(study, dynamic),
        pixel_array=mask.bits.astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(label)],
        series_instance_uid=derived_uid(label.seed, number),
        series_number=number,
        sop_instance_uid=derived_uid(label.seed, number, "segmentation"),
        instance_number=1,
        manufacturer="SIMULATED",
        manufacturer_model_name="SIMULATED",
        software_versions="1",
        device_serial_number="0",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description="SIMULATED tumour",
        content_creator_name="Reader^Simulated",
        content_label="TUMOUR",
        **_places(mask),
    )
    return _settled(one, label, number)


def _early(study: SimulatedStudy, dynamic: Sequence[Dataset]) -> list[Dataset]:
    """Return what the mask was drawn on: the early phase's frames, or the one object that holds all phases."""
    slices = study.mask.grid.shape[0]
    return list(dynamic[slices : 2 * slices]) if len(dynamic) > 1 else list(dynamic)


def _segment(label: StudyLabel) -> SegmentDescription:
    return SegmentDescription(
        segment_number=1,
        segment_label="Tumour",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Neoplasm,
        algorithm_type=SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=derived_uid(label.seed, "tumour"),
        tracking_id="tumour",
        anatomic_regions=[codes.SCT.Breast],
    )


def _places(mask: Mask) -> dict[str, Any]:
    """Return where each slice of the mask lies; said outright, because a multi-frame source has every place twice."""
    grid, spacing = mask.grid, mask.grid.spacing
    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    along = [float(value) for value in (*directions[:, 2], *directions[:, 1])]
    origins = [grid.place(np.array([float(index), 0.0, 0.0])) for index in range(grid.shape[0])]
    system = highdicom.CoordinateSystemNames.PATIENT
    return {
        "pixel_measures": highdicom.PixelMeasuresSequence(
            (spacing.rows, spacing.columns), spacing.slices, spacing.slices
        ),
        "plane_orientation": highdicom.PlaneOrientationSequence(system, along),
        "plane_positions": [
            highdicom.PlanePositionSequence(system, [float(text) for text in decimals(*(float(v) for v in one))])
            for one in origins
        ],
    }


def _settled(one: Dataset, label: StudyLabel, number: int) -> Dataset:
    """Replace what the library draws anew each time: the moment of making and the dimension organization's UID."""
    when = date_and_time(label.at(60.0 * _MINUTES_LATER))
    one.ContentDate, one.ContentTime = when
    one.SeriesDate, one.SeriesTime = when
    one.InstanceCreationDate, one.InstanceCreationTime = when
    for item in one.get("ContributingEquipmentSequence", ()):
        item.ContributionDateTime = "".join(when)
    uid = derived_uid(label.seed, number, "dimensions")
    for item in (*one.DimensionOrganizationSequence, *one.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
    return one
