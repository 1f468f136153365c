"""A DICOM slide's result in its own study: annotations, a map on one of its levels, the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    MicroscopyBulkSimpleAnnotationsStorage,
    ParametricMapStorage,
)

from services.results.deliver.adapters.archive_objects import ArchiveObjects, Rendered
from services.results.deliver.formats.parts import left_beside
from services.results.deliver.formats.slide_map import NOWHERE, level_for, on_level
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError
from shared.pathology.patch_table import POSITIVE
from shared.storage.blobs import LocalBlobs
from tests.dicom_slide import GLASS, DicomSlide, levels
from tests.findings import left_behind
from tests.slide_findings import HEIGHT, SCORE, WIDTH, SlideFindings, counted, indeterminate, patches, tumour_count


@pytest.fixture
def slides(blobs: LocalBlobs) -> DicomSlide:
    return DicomSlide(blobs)


@pytest.fixture
def render(archive: ArchiveObjects, style: Style) -> Callable[..., Rendered]:
    look = replace(style, pictures=("dicom-ann", "dicom-pm", "dicom-seg", "dicom-sc"))

    def one(finding: Finding, earlier: tuple[Any, ...] = ()) -> Rendered:
        return replace(archive, style=look).of(finding, earlier, lambda _: True)

    return one


def part(rendered: Rendered, class_uid: str) -> Dataset:
    (found,) = (row for row in rendered.parts if row.SOPClassUID == class_uid)
    return found


def read_again(data: Dataset) -> BytesIO:
    return BytesIO(encoded(data))


def test_annotations_and_map_lie_in_the_study_and_frame_of_reference_of_the_slide(
    slides: DicomSlide, render: Callable[..., Rendered]
) -> None:
    rendered = render(slides.prediction())
    assert [row.SOPClassUID for row in rendered.parts] == [MicroscopyBulkSimpleAnnotationsStorage, ParametricMapStorage]
    widest = levels()[0].SOPInstanceUID
    for row in (*rendered.parts, rendered.first):
        assert row.StudyInstanceUID == GLASS.study_uid
        assert row.PatientID == "PAT-0042"
    assert part(rendered, ParametricMapStorage).FrameOfReferenceUID == GLASS.frame_of_reference_uid
    drawn_on = part(rendered, MicroscopyBulkSimpleAnnotationsStorage).ReferencedImageSequence[0]
    assert drawn_on.ReferencedSOPInstanceUID == widest


def test_highdicom_reads_every_rectangle_and_probability_back(
    slides: DicomSlide, render: Callable[..., Rendered]
) -> None:
    data = part(render(slides.prediction()), MicroscopyBulkSimpleAnnotationsStorage)
    read: Any = highdicom.ann.annread(read_again(data))
    tumour, other, out = read.get_annotation_groups()
    assert [str(one.label) for one in (tumour, other, out)] == [
        "Tumour patches", "Patches without tumour", "Patches left out",
    ]  # fmt: skip
    table, on = patches(), counted()
    chosen = (table.probabilities.argmax(axis=1) > 0) & on
    assert len(tumour.get_graphic_data("2D")) == chosen.sum() == tumour_count()
    assert len(out.get_graphic_data("2D")) == (~on).sum()
    np.testing.assert_array_equal([row[0] for row in tumour.get_graphic_data("2D")], table.corners[chosen])
    names, values, units = tumour.get_measurements()
    assert [name.value for name in names] == ["p_patch_positive", "p_patch_negative", "p_patch_other"]
    np.testing.assert_array_equal(values[:, 0], table.probabilities[chosen, POSITIVE])
    assert {unit.value for unit in units} == {"1"}
    assert tumour.annotated_property_type.value == "108369006"
    assert not any("CommonZCoordinateValue" in group for group in data.AnnotationGroupSequence)


def test_the_map_has_the_matrix_spacing_and_origin_of_one_of_the_slides_levels(
    slides: DicomSlide, render: Callable[..., Rendered]
) -> None:
    data = part(render(slides.prediction()), ParametricMapStorage)
    (level,) = (one for one in levels() if one.TotalPixelMatrixColumns == data.TotalPixelMatrixColumns)
    assert data.TotalPixelMatrixRows == level.TotalPixelMatrixRows
    assert data.TotalPixelMatrixOriginSequence[0].XOffsetInSlideCoordinateSystem == 20
    spacing, wanted = (one.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0] for one in (data, level))
    assert spacing.PixelSpacing == wanted.PixelSpacing
    assert data.FloatPixelPaddingValue == NOWHERE


def test_each_patch_has_its_probability_where_it_lies_and_nothing_lies_elsewhere(
    slides: DicomSlide, render: Callable[..., Rendered]
) -> None:
    data = part(render(slides.prediction()), ParametricMapStorage)
    read: Any = highdicom.pm.ParametricMap.from_dataset(dcmread(read_again(data)))
    matrix = read.get_total_pixel_matrix(apply_real_world_transform=False)
    scale = WIDTH / matrix.shape[1]
    table = patches()
    x, y = ((table.corners + table.grid.side_px / 2) / scale).astype(int).T
    np.testing.assert_array_equal(matrix[y, x], table.probabilities[:, POSITIVE])
    assert (matrix >= 0).sum() == pytest.approx(len(table) * (table.grid.side_px / scale) ** 2, rel=0.01)


def test_the_narrowest_level_on_which_a_patch_has_a_pixel_is_taken() -> None:
    table, rows = patches(), levels()
    found = level_for(rows, table)
    assert found is not None
    assert found.TotalPixelMatrixColumns == min(one.TotalPixelMatrixColumns for one in rows)
    small = replace(table, grid=replace(table.grid, side_px=2))
    fine = level_for(rows, small)
    assert fine is not None
    assert fine.TotalPixelMatrixColumns == WIDTH
    assert level_for(rows[1:], replace(small, width=WIDTH, height=HEIGHT)) is None


def test_a_pixel_beyond_the_last_whole_patch_is_nowhere() -> None:
    table = patches()
    assert on_level(replace(table, width=WIDTH + 200), 100, 75)[:, -1].max() == NOWHERE


def test_the_report_states_score_level_and_what_it_rests_on(
    slides: DicomSlide, render: Callable[..., Rendered]
) -> None:
    rendered = render(slides.prediction())
    read: Any = highdicom.sr.srread(read_again(rendered.first))
    (group,) = read.content.get_image_measurement_groups()
    values = {row.name.value: row.value for row in group.get_measurements()}
    assert values["her2_he_score"] == pytest.approx(SCORE, abs=1e-14)
    assert values["tumour_patches"] == tumour_count()
    (level,) = group.get_qualitative_evaluations()
    assert (level.name.value, level.value.value) == ("her2_he_level", "resembles_2_pos")
    text = rendered.first.to_json()
    assert "Confirm by IHC/ISH" in text
    assert "Axillary" not in text
    evidence = str(rendered.first.CurrentRequestedProcedureEvidenceSequence)
    assert all(str(row.SOPInstanceUID) in evidence for row in rendered.parts)


def test_an_indeterminate_answer_states_no_level_in_the_report(
    slides: DicomSlide, render: Callable[..., Rendered]
) -> None:
    first = render(slides.prediction(indeterminate())).first
    assert "reflex IHC/ISH" in first.to_json()
    assert "resembles_2_pos" not in first.to_json()


def test_what_could_not_be_analysed_is_a_report_alone(slides: DicomSlide, render: Callable[..., Rendered]) -> None:
    rendered = render(slides.not_analysed())
    assert rendered.parts == ()
    assert "resol_unknown" in rendered.first.to_json()


def test_a_withdrawal_names_the_annotations_and_the_map_that_no_longer_count(
    slides: DicomSlide, render: Callable[..., Rendered], archive: ArchiveObjects
) -> None:
    first = slides.prediction()
    before = render(first)
    left = left_behind(first, str(before.first.SOPInstanceUID))
    gone = render(slides.withdrawal(first), (left,))
    text = gone.first.to_json()
    assert all(str(row.SOPInstanceUID) in text for row in before.parts)
    named = {str(row.SOPInstanceUID) for row in left_beside(GLASS.study_uid, [left], archive.style)}
    assert {str(row.SOPInstanceUID) for row in before.parts} <= named


def test_the_same_finding_gives_the_same_bytes(slides: DicomSlide, render: Callable[..., Rendered]) -> None:
    one, other = render(slides.prediction()), render(slides.prediction())
    assert [encoded(row) for row in (*one.parts, one.first)] == [encoded(row) for row in (*other.parts, other.first)]


def test_a_slide_of_another_size_than_the_patches_is_never_drawn_on(
    slides: DicomSlide, render: Callable[..., Rendered], blobs: LocalBlobs
) -> None:
    finding = slides.prediction()
    narrow = replace(finding, study=replace(finding.study, instances=finding.study.instances[1:]))
    with pytest.raises(PermanentError, match="not as large"):
        render(narrow)


def test_a_file_slide_belongs_into_no_study(blobs: LocalBlobs, slides: DicomSlide) -> None:
    assert not SlideFindings(blobs).prediction().study.in_dicom
    assert slides.prediction().study.in_dicom
