"""The patches of a slide as DICOM Microscopy Bulk Simple Annotations (PS3.3 A.87): rectangles with probabilities.

Coordinates are those of the Total Pixel Matrix of the slide's widest level (2D, from its upper left corner), in its
study and frame of reference. Size: 44 bytes a patch and 6 kB around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.ann import AnnotationGroup, Measurements, MicroscopyBulkSimpleAnnotations
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.coded import concept
from services.results.deliver.formats.slide_basis import SlideBasis
from services.results.deliver.formats.sr_document import encoded, finish
from services.results.deliver.formats.sr_source import DICOM_SIDES, zone
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
from shared.codes import dcm, local, snomed
from shared.domain.coding import Coding
from shared.domain.errors import PermanentError
from shared.pathology.patch_table import NEGATIVE, NON_TUMOUR, POSITIVE

KIND = "dicom-ann"
SERIES_NUMBER = 9140
MEASURED = {POSITIVE: local.PATCH_P, NEGATIVE: local.PATCH_NEGATIVE, NON_TUMOUR: local.PATCH_OTHER}
"""Column of the patch table -> what is measured."""
_OF_THE_SPECIMEN = (
    "ContainerIdentifier", "IssuerOfTheContainerIdentifierSequence", "AlternateContainerIdentifierSequence",
    "ContainerTypeCodeSequence", "ContainerDescription", "ContainerComponentSequence", "SpecimenDescriptionSequence",
)  # fmt: skip
TUMOUR, OTHER, LEFT_OUT = "Tumour patches", "Patches without tumour", "Patches left out"
_CODES = {
    TUMOUR: (snomed.MORPHOLOGICALLY_ABNORMAL, snomed.NEOPLASM),
    OTHER: (snomed.TISSUE, snomed.BREAST),
    LEFT_OUT: (snomed.TISSUE, snomed.BREAST),
}
"""Label of a group -> category (CID 7150) and type."""


def to_annotations(finding: Finding, basis: SlideBasis, level: Dataset, style: Style) -> Dataset:
    """Return the annotations, read back and compared; ``level`` is the header of the slide's widest level.

    Raises:
        PermanentError: If the slide is another one than the patches lie on, or something was lost in writing.
    """
    table = basis.patches
    if (int(level.TotalPixelMatrixColumns), int(level.TotalPixelMatrixRows)) != (table.width, table.height):
        raise PermanentError("the stored slide is not as large as the one the patches lie on; nothing was sent")
    uid = part_uid(style, document_uid(finding, style), KIND)
    groups = list(_groups(finding, basis, style, uid))
    name, level.PatientName = level.PatientName, ""
    document = MicroscopyBulkSimpleAnnotations(
        [level], "2D", groups, series_uid(style, uid), SERIES_NUMBER, uid, 1, DEVICE_NAME, model_name(finding),
        f"renderer {RENDERER_VERSION}", style.device_uid[:LONG_STRING], content_label="PATCHES",
        content_description=_description(finding, style), transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set="ISO_IR 192", series_description=wording.series_description(finding, style, "patches"),
    )  # fmt: skip
    document.PatientName = level.PatientName = name
    document.Laterality = DICOM_SIDES.get(finding.side, "")  # type 2C: empty where the order does not say
    _keep_to_the_definition(document)
    finish(document, finding, style, zone(level))
    return _proven(document, basis)


def _keep_to_the_definition(document: Dataset) -> None:
    """Take out what the library adds and the object has no place for; the level that is referenced says it (A.87)."""
    for keyword in _OF_THE_SPECIMEN:
        document.pop(keyword, None)


def members(basis: SlideBasis) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Yield each group that has any patch, with the rows of the patch table that are in it."""
    tumour = basis.classes != NON_TUMOUR
    for label, chosen in (
        (TUMOUR, tumour & basis.counted), (OTHER, ~tumour & basis.counted), (LEFT_OUT, ~basis.counted),
    ):  # fmt: skip
        if chosen.any():
            yield label, np.flatnonzero(chosen)


def _groups(finding: Finding, basis: SlideBasis, style: Style, uid: str) -> Iterator[AnnotationGroup]:
    for number, (label, rows) in enumerate(members(basis), 1):
        category, kind = _CODES[label]
        yield AnnotationGroup(
            number, derived_uid(style.uid_root, label, uid), label, concept(category), concept(kind), "RECTANGLE",
            list(rectangles(basis)[rows]), "AUTOMATIC", _algorithm(finding),
            [_measured(basis, column, name, rows) for column, name in MEASURED.items()],
            description=slide_wording.CONFIRM,
        )  # fmt: skip


def rectangles(basis: SlideBasis) -> NDArray[np.float32]:
    """Return (n, 4, 2): the corners of each patch, clockwise from the upper left (PS3.3 C.37.1.2)."""
    side = basis.patches.grid.side_px
    around = np.array([[0, 0], [side, 0], [side, side], [0, side]])
    found: NDArray[np.float32] = (basis.patches.corners[:, None, :] + around).astype(np.float32)
    return found


def _measured(basis: SlideBasis, column: int, name: Coding, rows: NDArray[np.intp]) -> Measurements:
    return Measurements(concept(name), basis.patches.probabilities[rows, column], concept(dcm.NO_UNITS))


def _algorithm(finding: Finding) -> AlgorithmIdentificationSequence:
    answer = finding.prediction
    if answer is None:
        raise PermanentError("only an answer has patches")
    return AlgorithmIdentificationSequence(
        name=f"{answer.predictor} {answer.variant}", family=concept(dcm.ARTIFICIAL_INTELLIGENCE),
        version=answer.bundle.version, parameters={"bundle": answer.bundle.bundle_id, "sha256": answer.bundle.digest},
    )  # fmt: skip


def _description(finding: Finding, style: Style) -> str:
    return wording.use_mark(finding, style) or "Patches of the slide with their probabilities"


def _proven(document: Dataset, basis: SlideBasis) -> Dataset:
    """Return the object as a reader has it, compared with the patches corner by corner and number by number."""
    plain = dcmread(BytesIO(encoded(document)))
    read = MicroscopyBulkSimpleAnnotations.from_dataset(plain, copy=True)
    groups: list[Any] = read.get_annotation_groups()
    expected = list(members(basis))
    if [str(one.label) for one in groups] != [label for label, _ in expected]:
        raise PermanentError("a group of patches is missing in what was rendered: nothing was sent")
    for group, (_, rows) in zip(groups, expected, strict=True):
        corners = np.array(group.get_graphic_data("2D"))
        _, values, _ = group.get_measurements()
        columns = list(MEASURED)
        same = np.array_equal(corners, rectangles(basis)[rows]) and np.array_equal(
            values, basis.patches.probabilities[rows][:, columns]
        )
        if not same:
            raise PermanentError("what was rendered is not what was measured: nothing was sent")
    return plain
