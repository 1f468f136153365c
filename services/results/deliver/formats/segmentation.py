"""The measured region as DICOM Segmentation (PS3.3 A.51), BINARY, on the frames it was measured on.

Size: one bit per pixel of each frame that holds a part of the region, and at most ``OVERHEAD_BYTES`` for the object and
``FRAME_BYTES`` per frame around it. 30 frames of 512 x 512 are 1.0 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from services.results.deliver.formats import wording
from services.results.deliver.formats.coded import concept
from services.results.deliver.formats.measured_images import MeasuredImages
from services.results.deliver.formats.plane_references import fix_dimensions, name_sources, prove, stand_ins
from services.results.deliver.formats.source_slices import SourceSlice
from services.results.deliver.formats.sr_document import encoded, finish
from services.results.deliver.formats.sr_source import LATERALITY, zone
from services.results.deliver.formats.style import (
    DEVICE_NAME,
    LONG_STRING,
    RENDERER_VERSION,
    Style,
    document_uid,
    model_name,
    part_uid,
    series_uid,
    tracking_uid,
)
from services.results.ledger.findings import Finding
from shared.codes import dcm, snomed
from shared.domain.errors import PermanentError
from shared.domain.images import DRAWN, RegionOrigin, UsedRegion

KIND = "dicom-seg"
SERIES_NUMBER = 9110
OVERHEAD_BYTES = 8_000
FRAME_BYTES = 700
"""What a frame costs besides its bits: where it lies, and which frame it was derived from."""
_WAYS = {
    RegionOrigin.AUTOMATIC: SegmentAlgorithmTypeValues.AUTOMATIC,
    RegionOrigin.PERSON: SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
}
"""What a file or another system brought is what its object says (``DRAWN``); MANUAL where that says nothing."""


def to_segmentation(finding: Finding, images: MeasuredImages, style: Style) -> Dataset:
    """Return the SEG, its geometry proven by reading it back.

    Raises:
        PermanentError: If there is nothing in the region, or what was rendered is not the region.
    """
    mask = images.region
    if not mask.count:
        raise PermanentError("an empty region is never sent")
    slices = [one for one in images.slices if mask.bits[one.index].any()]
    uid = part_uid(style, document_uid(finding, style), KIND)
    document = Segmentation(
        stand_ins(slices), np.stack([mask.bits[one.index] for one in slices]).astype(np.uint8), "BINARY",
        [_segment(finding, style)], series_uid(style, uid), SERIES_NUMBER, uid, 1, DEVICE_NAME, model_name(finding),
        f"renderer {RENDERER_VERSION}", style.device_uid[:LONG_STRING], content_label="REGION",
        content_description=wording.use_mark(finding, style) or "Region that was measured",
        transfer_syntax_uid=ExplicitVRLittleEndian, specific_character_set="ISO_IR 192",
        series_description=wording.series_description(finding, style, "region"),
    )  # fmt: skip
    document.PatientName = slices[0].header.PatientName
    name_sources(document, slices)
    fix_dimensions(document, mask.grid, style)
    finish(document, finding, style, zone(slices[0].header))
    return _proven(document, images, slices)


def _proven(document: Dataset, images: MeasuredImages, slices: Sequence[SourceSlice]) -> Dataset:
    """Return the object as a reader has it, compared with the mask voxel by voxel."""
    bits = images.region.bits
    plain = dcmread(BytesIO(encoded(document)))
    read = Segmentation.from_dataset(plain)
    prove(read, images.region.grid, lambda index: bits[index].astype(np.uint8))
    if int(read.NumberOfFrames) != len(slices) or int(read.pixel_array.sum()) != images.region.count:
        raise PermanentError("a part of the region is missing in what was rendered: nothing was sent")
    return plain


def _segment(finding: Finding, style: Style) -> SegmentDescription:
    region = region_of(finding)
    way = _way(region)
    segment = SegmentDescription(
        1, "Measured region", concept(snomed.MORPHOLOGICALLY_ABNORMAL), concept(snomed.NEOPLASM), way,
        _algorithm(region) if way is not SegmentAlgorithmTypeValues.MANUAL else None,
        tracking_uid=tracking_uid(finding, style), tracking_id=f"{DEVICE_NAME} {finding.predictor} region",
        anatomic_regions=[concept(snomed.BREAST)],
    )  # fmt: skip
    segment.SegmentDescription = wording.region_line(region)[:1024]  # ST, PS3.5 6.2
    if finding.side:
        segment.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [concept(LATERALITY[finding.side])]
    return segment


def _way(region: UsedRegion) -> SegmentAlgorithmTypeValues:
    stated = (code for code, words in DRAWN.items() if words in region.method)
    return _WAYS.get(region.origin) or SegmentAlgorithmTypeValues(next(stated, "MANUAL"))


def _algorithm(region: UsedRegion) -> AlgorithmIdentificationSequence:
    ours = region.origin in _WAYS
    return AlgorithmIdentificationSequence(
        name=region.method.partition(":")[0][:LONG_STRING],
        family=concept(dcm.NEIGHBOURHOOD_ANALYSIS if ours else dcm.UNSPECIFIED_METHOD),
        version=f"renderer {RENDERER_VERSION}" if ours else "not stated", parameters={"method": region.method},
    )  # fmt: skip


def region_of(finding: Finding) -> UsedRegion:
    """Return the region of a finding that rests on one.

    Raises:
        PermanentError: If it rests on none.
    """
    images = finding.prediction.images if finding.prediction else None
    if images is None or images.region is None:
        raise PermanentError("the result does not say where its region comes from")
    return images.region
