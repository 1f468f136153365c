"""The objects that go to an archive beside a report: region, picture, map; and what earlier reports had beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pydicom.dataset import Dataset
from pydicom.uid import (
    MicroscopyBulkSimpleAnnotationsStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    ParametricMapStorage,
    SegmentationStorage,
)

from services.results.deliver.formats import (
    parametric_map,
    secondary_capture,
    segmentation,
    slide_annotations,
    slide_map,
)
from services.results.deliver.formats.measured_images import MeasuredImages
from services.results.deliver.formats.slide_basis import SlideBasis
from services.results.deliver.formats.sr_source import reference_item
from services.results.deliver.formats.style import Style, part_uid, series_uid
from services.results.ledger.findings import Finding, Predecessor

CLASSES: Mapping[str, str] = {
    segmentation.KIND: SegmentationStorage,
    parametric_map.KIND: ParametricMapStorage,
    secondary_capture.KIND: MultiFrameTrueColorSecondaryCaptureImageStorage,
    slide_annotations.KIND: MicroscopyBulkSimpleAnnotationsStorage,
}
"""Kind -> SOP Class UID, in the order they are sent."""
NAMES: Mapping[str, str] = {
    SegmentationStorage: "segmentation",
    ParametricMapStorage: "parametric map",
    MultiFrameTrueColorSecondaryCaptureImageStorage: "picture",
    MicroscopyBulkSimpleAnnotationsStorage: "annotations of the patches",
}
"""SOP Class UID -> what a person calls such an object."""
_NAMED = (SegmentationStorage, ParametricMapStorage, MicroscopyBulkSimpleAnnotationsStorage)
_Renderer = Callable[[Finding, MeasuredImages, Style], Dataset]
_RENDERERS: Mapping[str, _Renderer] = {
    segmentation.KIND: segmentation.to_segmentation,
    parametric_map.KIND: parametric_map.to_parametric_map,
    secondary_capture.KIND: secondary_capture.to_capture,
}


def parts(finding: Finding, images: MeasuredImages | None, style: Style) -> list[Dataset]:
    """Return what is sent before the report, as far as the style asks for it and there is something to show.

    Raises:
        PermanentError: If what was rendered is not what was measured.
    """
    if images is None:
        return []
    return [
        render(finding, images, style)
        for kind, render in _RENDERERS.items()
        if kind in style.pictures and _has(images, kind)
    ]


def slide_parts(finding: Finding, basis: SlideBasis, levels: Sequence[Dataset], style: Style) -> list[Dataset]:
    """Return what is sent before the report of a slide: its patches, and their probabilities on one of its levels.

    ``levels`` are the headers of the slide's levels, widest first.

    Raises:
        PermanentError: If what was rendered is not what was measured.
    """
    made = []
    if slide_annotations.KIND in style.pictures:
        made.append(slide_annotations.to_annotations(finding, basis, levels[0], style))
    level = slide_map.level_for(levels, basis.patches)
    if parametric_map.KIND in style.pictures and level is not None:
        made.append(slide_map.to_slide_map(finding, basis, level, style))
    return made


def named_in_report(rendered: Sequence[Dataset]) -> list[Dataset]:
    """Return the parts a report refers to: those that are always the same, as the report must be.

    A picture whose pixels cannot be decoded today may be there tomorrow.
    """
    return [part for part in rendered if part.SOPClassUID in _NAMED]


def left_beside(study_uid: str, predecessors: Sequence[Predecessor], style: Style) -> Iterator[Dataset]:
    """Return references to everything that may lie beside earlier reports: an archive is asked which of it is there."""
    for row in predecessors:
        for kind, class_uid in CLASSES.items() if row.object_id else ():
            uid = part_uid(style, row.object_id, kind)
            yield reference_item(study_uid, series_uid(style, uid), class_uid, uid)


def _has(images: MeasuredImages, kind: str) -> bool:
    if kind == parametric_map.KIND:
        return images.heatmap is not None and bool((images.heatmap.voxels > 0).any())
    return kind != secondary_capture.KIND or bool(images.pixels)
