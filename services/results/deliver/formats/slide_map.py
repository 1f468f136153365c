"""The probabilities of a slide's patches as DICOM Parametric Map (PS3.3 A.75) on one of the slide's own levels.

A viewer lays a map over a slide only where both have a resolution in common, so the map has exactly the Total Pixel
Matrix, spacing and origin of one level: the narrowest on which a patch still has a pixel. Where there is no patch the
value is the padding value -1, which is no probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from services.results.deliver.formats import wording
from services.results.deliver.formats.coded import concept
from services.results.deliver.formats.parametric_map import KIND
from services.results.deliver.formats.slide_basis import SlideBasis
from services.results.deliver.formats.sr_document import encoded, finish
from services.results.deliver.formats.sr_source import zone
from services.results.deliver.formats.style import (
    DEVICE_NAME,
    LONG_STRING,
    RENDERER_VERSION,
    Style,
    derived_uid,
    document_uid,
    model_name,
    part_uid,
    series_uid,
)
from services.results.ledger.findings import Finding
from shared.codes import dcm, local
from shared.domain.errors import PermanentError
from shared.pathology.patch_table import POSITIVE, PatchTable

SERIES_NUMBER = 9120
NOWHERE = -1.0
"""Float Pixel Padding Value (0028,0122)."""
_MOST_PIXELS = 16_000_000
"""64 MB; a slide without a level that is coarse enough gets no map."""


def level_for(levels: Sequence[Dataset], table: PatchTable) -> Dataset | None:
    """Return the narrowest level on which a patch has a pixel of its own; None where that would be too large."""
    fine = [one for one in levels if table.width / int(one.TotalPixelMatrixColumns) <= table.grid.side_px]
    if not fine:
        return None
    level = min(fine, key=lambda one: int(one.TotalPixelMatrixColumns))
    size = int(level.TotalPixelMatrixColumns) * int(level.TotalPixelMatrixRows)
    return level if size <= _MOST_PIXELS else None


def to_slide_map(finding: Finding, basis: SlideBasis, level: Dataset, style: Style) -> Dataset:
    """Return the map, its values proven by reading it back; ``level`` is the header of the level it lies on.

    Raises:
        PermanentError: If what was rendered is not what was measured.
    """
    values = on_level(basis.patches, int(level.TotalPixelMatrixColumns), int(level.TotalPixelMatrixRows))
    uid = part_uid(style, document_uid(finding, style), KIND)
    name, level.PatientName = level.PatientName, ""
    document = ParametricMap(
        [level], values, series_uid(style, uid), SERIES_NUMBER, uid, 1, DEVICE_NAME, model_name(finding),
        f"renderer {RENDERER_VERSION}", style.device_uid[:LONG_STRING], contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping()],
        voi_lut_transformations=[VOILUTTransformation(0.5, 1.0, voi_lut_function="LINEAR_EXACT")],
        transfer_syntax_uid=ExplicitVRLittleEndian, content_label="PATCH_PROB",
        content_description=wording.use_mark(finding, style) or local.PATCH_P.display[:LONG_STRING],
        derivation=concept(dcm.UNSPECIFIED_METHOD), tile_pixel_array=True,
        specific_character_set="ISO_IR 192",
        series_description=wording.series_description(finding, style, "patch probability"),
    )  # fmt: skip
    document.PatientName = level.PatientName = name
    document.FloatPixelPaddingValue = document.FloatPixelPaddingRangeLimit = NOWHERE
    _fix_dimensions(document, style)
    finish(document, finding, style, zone(level))
    return _proven(document, values, level)


def on_level(table: PatchTable, columns: int, rows: int) -> NDArray[np.float32]:
    """Return (rows, columns): the probability of the patch that holds each pixel's centre, ``NOWHERE`` without one."""
    grid = table.grid
    cells = np.full(grid.rows * grid.columns, NOWHERE, np.float32)
    cells[table.index] = table.probabilities[:, POSITIVE]
    across = ((np.arange(columns) + 0.5) * table.width / columns // grid.side_px).astype(np.int64)
    down = ((np.arange(rows) + 0.5) * table.height / rows // grid.side_px).astype(np.int64)
    inside = (down < grid.rows)[:, None] & (across < grid.columns)[None]
    place = np.minimum(down, grid.rows - 1)[:, None] * grid.columns + np.minimum(across, grid.columns - 1)[None]
    return np.where(inside, cells[place], np.float32(NOWHERE)).astype(np.float32)


def _mapping() -> RealWorldValueMapping:
    """Return the identity: what is stored is the probability itself."""
    return RealWorldValueMapping(
        "PATCH_P", "Probability of the patch class, no level", concept(dcm.NO_UNITS), (0.0, 1.0),
        slope=1.0, intercept=0.0, quantity_definition=concept(local.PATCH_P),
    )  # fmt: skip


def _fix_dimensions(document: Dataset, style: Style) -> None:
    """Derive the UID of the dimensions, which the library draws at random."""
    uid = derived_uid(style.uid_root, "dimensions", str(document.SOPInstanceUID))
    for item in (*document.DimensionOrganizationSequence, *document.get("DimensionIndexSequence", ())):
        item.DimensionOrganizationUID = uid


def _proven(document: Dataset, values: NDArray[np.float32], level: Dataset) -> Dataset:
    """Return the object as a reader has it, compared value by value, and its place with that of the level."""
    plain = dcmread(BytesIO(encoded(document)))
    read = ParametricMap.from_dataset(plain, copy=True)
    matrix = read.get_total_pixel_matrix(apply_real_world_transform=False, apply_modality_transform=False)
    if not np.array_equal(matrix, values):
        raise PermanentError("what was rendered is not what was measured: nothing was sent")
    same = all(plain[name] == level[name] for name in ("TotalPixelMatrixColumns", "TotalPixelMatrixRows",
                                                        "FrameOfReferenceUID"))  # fmt: skip
    ours, theirs = (one.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0] for one in (plain, level))
    if not same or list(ours.PixelSpacing) != list(theirs.PixelSpacing):
        raise PermanentError("what was rendered lies elsewhere than what was measured: nothing was sent")
    return plain
