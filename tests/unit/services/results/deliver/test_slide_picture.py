"""The picture of a slide: what stands in it, and what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.pages import InstalledBundles, PrintedPages
from services.results.deliver.formats import slide_wording
from services.results.deliver.formats.lettering import Canvas
from services.results.deliver.formats.slide_picture import to_picture
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.domain.prediction import IntendedUse
from shared.storage.blobs import LocalBlobs
from tests.paper import text_of
from tests.slide_findings import SlideFindings, indeterminate, patches, slide_answer, tumour_count

NO_LADDER_BEGINS = slide_wording.NO_LADDER.split(",")[0]
_BANNER = (255, 221, 0)


@pytest.fixture
def slides(blobs: LocalBlobs) -> SlideFindings:
    return SlideFindings(blobs)


def picture(finding: Finding, archive: ArchiveObjects, style: Style) -> Canvas:
    basis, said = archive.slides.read(finding), finding.prediction
    assert basis is not None
    assert said is not None
    assert said.slide is not None
    made = to_picture(finding, said.slide, basis, style)
    assert made is not None
    return made


def coloured(canvas: Canvas) -> int:
    """Count the pixels of the right panel that are neither grey nor the outline of a region."""
    panel = canvas[92:-118, 626:].astype(int)
    outline = (panel == (0, 130, 90)).all(axis=2)
    return int(((np.ptp(panel, axis=2) > 12) & ~outline).sum())


def test_tumour_patches_that_count_are_in_colour_and_nothing_else(
    slides: SlideFindings, archive: ArchiveObjects, style: Style
) -> None:
    finding = slides.prediction()
    side = patches().grid.side_px * 600 / patches().width
    expected = tumour_count() * side**2
    assert coloured(picture(finding, archive, style)) == pytest.approx(expected, rel=0.12)


def test_the_banner_stands_over_what_is_not_clinical(
    slides: SlideFindings, archive: ArchiveObjects, style: Style
) -> None:
    shown = picture(slides.prediction(), archive, style)
    clinical = picture(slides.prediction(use=IntendedUse.CLINICAL), archive, style)
    assert (shown[0] == _BANNER).all()
    assert not (clinical[0] == _BANNER).all(axis=1).any()


def test_the_picture_of_an_indeterminate_answer_is_another(
    slides: SlideFindings, archive: ArchiveObjects, style: Style
) -> None:
    one, other = (picture(slides.prediction(answer), archive, style) for answer in (None, indeterminate()))
    assert one.shape == other.shape
    assert not np.array_equal(one[:92], other[:92])
    assert np.array_equal(one[92:-118], other[92:-118])


def test_the_foot_names_the_model_and_its_version(slides: SlideFindings, archive: ArchiveObjects, style: Style) -> None:
    finding = slides.prediction()
    said = finding.prediction
    assert said is not None
    newer = replace(finding, prediction=replace(said, bundle=replace(said.bundle, version="9.9.9")))
    one, other = (picture(row, archive, style) for row in (finding, newer))
    assert np.array_equal(one[:-118], other[:-118])
    assert not np.array_equal(one[-118:], other[-118:])


def test_it_is_the_same_every_time(slides: SlideFindings, archive: ArchiveObjects, style: Style) -> None:
    first, second = (picture(slides.prediction(), archive, style) for _ in range(2))
    assert np.array_equal(first, second)


def test_without_an_overview_there_is_no_picture_and_the_page_is_still_printed(
    slides: SlideFindings, archive: ArchiveObjects, style: Style
) -> None:
    finding = slides.prediction()
    assert finding.prediction is not None
    bare = replace(finding, prediction=replace(finding.prediction, artefacts=finding.prediction.artefacts[:1]))
    pages = PrintedPages(style, InstalledBundles((), None), archive)
    assert pages.page(bare).count(b"/Type /Page\n") < pages.page(finding).count(b"/Type /Page\n")
    assert pages.page(finding) == pages.page(finding)


def test_a_page_shows_the_curve_from_around_the_tumour_to_its_core(
    slides: SlideFindings, archive: ArchiveObjects, style: Style, tmp_path: Path
) -> None:
    (tmp_path / "page.pdf").write_bytes(
        PrintedPages(style, InstalledBundles((), None), archive).page(slides.prediction())
    )
    (curve,) = [text for text in text_of(tmp_path / "page.pdf").split("\f") if "distance from the edge" in text]
    said = " ".join(curve.split())
    for text in ("inside the tumour, towards its core", "Patient PAT-0042", "DEMONSTRATION", slide_wording.CONFIRM,
                 "No interval is drawn", "no level by place", "revision 1"):  # fmt: skip
        assert text in said
    assert NO_LADDER_BEGINS in said


def test_a_slide_without_an_edge_has_no_page_of_a_curve(
    slides: SlideFindings, archive: ArchiveObjects, style: Style
) -> None:
    pages = PrintedPages(style, InstalledBundles((), None), archive)
    whole, bare = (
        pages.page(slides.prediction(row)).count(b"/Type /Page\n")
        for row in (slide_answer(), replace(slide_answer(), gradient=(), gradient_slope=None))
    )
    assert bare < whole
