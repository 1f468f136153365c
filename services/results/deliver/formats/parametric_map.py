"""The heatmap as DICOM Parametric Map (PS3.3 A.75): 32-bit values on the source's planes, cropped to where it is known.

Size: four bytes per value of the heatmap's box, not of whole frames; 64 x 64 x 64 values are 1.1 MB.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from services.results.deliver.formats import wording
from services.results.deliver.formats.coded import concept
from services.results.deliver.formats.measured_images import MeasuredImages
from services.results.deliver.formats.plane_references import (
    fix_dimensions,
    measures,
    name_sources,
    positions,
    prove,
    stand_ins,
)
from services.results.deliver.formats.sr_document import encoded, finish
from services.results.deliver.formats.sr_source import DICOM_SIDES, zone
from services.results.deliver.formats.style import (
    DEVICE_NAME,
    LONG_STRING,
    RENDERER_VERSION,
    Style,
    document_uid,
    model_name,
    part_uid,
    series_uid,
)
from services.results.ledger.findings import Finding
from shared.codes import dcm
from shared.domain.errors import PermanentError

KIND = "dicom-pm"
SERIES_NUMBER = 9120
OVERHEAD_BYTES = 8_000
FRAME_BYTES = 700


def to_parametric_map(finding: Finding, images: MeasuredImages, style: Style) -> Dataset:
    """Return the map, its values and geometry proven by reading it back.

    Raises:
        PermanentError: If there is no heatmap, or what was rendered is not the heatmap.
    """
    if images.heatmap is None:
        raise PermanentError("there is no heatmap to render")
    corner, shape = images.corner, images.heatmap.grid.shape
    slices = [one for one in images.slices if corner[0] <= one.index < corner[0] + shape[0]]
    values = np.stack([_heat(images, one.index) for one in slices])
    uid = part_uid(style, document_uid(finding, style), KIND)
    top = max(float(values.max()), float(np.finfo(np.float32).tiny))
    document = ParametricMap(
        stand_ins(slices), values, series_uid(style, uid), SERIES_NUMBER, uid, 1, DEVICE_NAME, model_name(finding),
        f"renderer {RENDERER_VERSION}", style.device_uid[:LONG_STRING], contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(float(values.min()), top)],
        voi_lut_transformations=[VOILUTTransformation(top / 2, top, voi_lut_function="LINEAR_EXACT")],
        transfer_syntax_uid=ExplicitVRLittleEndian, content_label="HEATMAP",
        content_description=wording.use_mark(finding, style) or "Where the network's answer comes from",
        derivation=concept(dcm.UNSPECIFIED_METHOD),
        pixel_measures=measures(slices), plane_positions=positions(images.region.grid, slices, corner[1:]),
        specific_character_set="ISO_IR 192", series_description=wording.series_description(finding, style, "heatmap"),
    )  # fmt: skip
    document.PatientName = slices[0].header.PatientName
    if finding.side in DICOM_SIDES:
        document.Laterality = DICOM_SIDES[finding.side]
    name_sources(document, slices)
    fix_dimensions(document, images.region.grid, style)
    finish(document, finding, style, zone(slices[0].header))
    return _proven(document, images, len(slices))


def _mapping(low: float, high: float) -> RealWorldValueMapping:
    """Return the identity: what is stored is the value of the heatmap itself."""
    return RealWorldValueMapping(
        "HEATMAP", "Gradient-weighted class activation, 0 to the largest value", concept(dcm.NO_UNITS), (low, high),
        slope=1.0, intercept=0.0, quantity_definition=concept(dcm.GRADIENT_WEIGHTED_ACTIVATION),
    )  # fmt: skip


def _heat(images: MeasuredImages, index: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    found = images.heat(index)
    if found is None:
        raise PermanentError("a slice lies outside of the heatmap")
    return found.astype(np.float32)


def _proven(document: Dataset, images: MeasuredImages, frames: int) -> Dataset:
    """Return the object as a reader has it, compared with the heatmap value by value."""
    _, row, column = images.corner
    whole = np.zeros(images.region.grid.shape[1:], np.float32)

    def expected(index: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        part = _heat(images, index)
        out = whole.copy()
        out[row : row + part.shape[0], column : column + part.shape[1]] = part
        return out

    plain = dcmread(BytesIO(encoded(document)))
    read = ParametricMap.from_dataset(plain)
    prove(read, images.region.grid, expected)
    if int(read.NumberOfFrames) != frames:
        raise PermanentError("a part of the heatmap is missing in what was rendered: nothing was sent")
    return plain
