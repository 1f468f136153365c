"""The page a person opens: whose it is, what it may be used for, the nomogram, and the same bytes every time."""

from __future__ import annotations

from base64 import b64decode
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.pages import InstalledBundles, PrintedPages
from services.results.deliver.adapters.slice_pixels import LIMITS, SlicePixels
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats.page import agrees, page
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.dicom.frame_pixels import FRAME_PIXELS
from shared.domain.prediction import IntendedUse, NotAnalysedReason
from shared.jail.jail import Jail
from shared.pictures.chart import Chart, chart_of
from shared.pictures.pdf import to_pdf
from shared.pictures.scene import Frame, Raster, Scene, Words
from shared.pictures.svg import to_svg
from shared.predictors.lung_metastasis.panel import LABELS
from shared.storage.blobs import LocalBlobs
from shared.testing.cox_model import lung_hazards, lung_inputs
from tests.findings import Findings
from tests.imaged import Imaged
from tests.panels import Panels, answered_by_the_model
from tests.paper import text_of

PANELS = answered_by_the_model(Panels())


def chart(*, ten_years: bool = True) -> Chart:
    return chart_of(lung_inputs(), lung_hazards(ten_years=ten_years), LABELS)


def read(folder: Path, finding: Finding, style: Style, drawn: Chart | None) -> list[str]:
    """Return the text of each page."""
    (folder / "page.pdf").write_bytes(page(finding, style, drawn))
    return text_of(folder / "page.pdf").removesuffix("\f").split("\f")


def test_a_repeated_rendering_is_byte_identical(style: Style) -> None:
    first, second = (page(PANELS.prediction(), style, chart()) for _ in range(2))
    assert first == second
    assert first.startswith(b"%PDF-")


def test_the_nomogram_comes_first_and_then_the_words(style: Style, tmp_path: Path) -> None:
    picture, words = read(tmp_path, PANELS.prediction(), style, chart())
    for text in ("Total points", "Risk within 5 years", "Risk within 10 years", "IFN-α", "12.4 mg/L"):
        assert text in picture
    for text in ("5-year risk of lung metastasis", "10-year risk of lung metastasis", "Total on the nomogram:"):
        assert text in words


def test_every_page_says_whose_it_is_and_what_it_may_be_used_for(style: Style, tmp_path: Path) -> None:
    for text in read(tmp_path, PANELS.prediction(), style, chart()):
        assert "Patient PAT-0042 (hospital), born 1971-04-05" in text
        assert "DEMONSTRATION - NOT FOR CLINICAL USE" in text
    clinical = PANELS.prediction(use=IntendedUse.CLINICAL)
    for text in read(tmp_path, clinical, style, chart()):
        assert "DEMONSTRATION" not in text
        assert "not for primary diagnosis" in text


def test_a_refused_horizon_is_told_in_picture_and_words(style: Style, tmp_path: Path) -> None:
    panels = answered_by_the_model(Panels(), ten_years=False)
    picture, words = read(tmp_path, panels.prediction(), style, chart(ten_years=False))
    assert "No risk is given: 3 patients were still followed at 10 years" in picture
    assert "10-year risk of lung metastasis: not given. 3 patients were still followed at 10 years" in words


def test_what_could_not_be_answered_is_one_page_with_the_reason(style: Style, tmp_path: Path) -> None:
    (words,) = read(tmp_path, PANELS.not_analysed(NotAnalysedReason.ACTIVE_INFECTION), style, None)
    assert "Asked, and not answered" in words
    assert "Not analysed [infection]" in words


def test_a_withdrawal_says_so_in_its_title(style: Style, tmp_path: Path) -> None:
    (words,) = read(tmp_path, PANELS.withdrawal(PANELS.prediction()), style, None)
    assert words.strip().startswith("WITHDRAWN: Risk of lung metastasis of breast cancer")
    assert "The laboratory cancelled its values." in words
    assert "mg/L" not in words


def test_an_answer_from_images_is_told_in_words(style: Style, findings: Findings, tmp_path: Path) -> None:
    (words,) = read(tmp_path, findings.prediction(), style, None)
    assert "P(Residual nodal disease) = 46.9 %" in words
    assert "Side: left." in words


def test_many_remarks_go_on_further_pages_and_none_is_lost(style: Style, tmp_path: Path) -> None:
    finding = PANELS.prediction()
    assert finding.prediction is not None
    flags = tuple(replace(finding.prediction.flags[0], text=f"Remark number {number}.") for number in range(80))
    _, *words = read(tmp_path, replace(finding, prediction=replace(finding.prediction, flags=flags)), style, chart())
    assert len(words) > 2
    assert all(f"Remark number {number}." in "".join(words) for number in range(80))
    assert all(f"page {number} of {len(words)}" in text for number, text in enumerate(words, 1))


def test_the_frame_of_the_notice_covers_no_line_of_any_page(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Scene] = []

    def kept(*scenes: Scene) -> bytes:
        drawn.extend(scenes)
        return to_pdf(*scenes)

    monkeypatch.setattr("services.results.deliver.formats.page.to_pdf", kept)
    finding = PANELS.prediction()
    assert finding.prediction is not None
    flags = tuple(replace(finding.prediction.flags[0], text=f"Remark {number}. " * 12) for number in range(80))
    page(replace(finding, prediction=replace(finding.prediction, flags=flags)), style, None)
    assert len(drawn) > 2
    for scene in drawn:
        (frame,) = (part for part in scene.parts if isinstance(part, Frame))
        below = frame.y + frame.height
        words = [part for part in scene.parts if isinstance(part, Words) and part.y > below]
        assert min(part.y - part.size for part in words) > below
        assert max(part.y for part in words[:-1]) < words[-1].y - words[-1].size  # the foot stays free


def test_letters_outside_the_fonts_do_not_keep_a_result_from_being_printed(style: Style) -> None:
    gone = replace(PANELS.withdrawal(PANELS.prediction()), reason="検査値が取り消されました Ж")
    assert page(gone, style, None).startswith(b"%PDF-")


def test_points_read_from_the_nomogram_give_the_risks_or_it_is_another_model() -> None:
    answer = PANELS.answer()
    assert agrees(chart(), answer)
    assert not agrees(chart(ten_years=False), answer)
    assert not agrees(chart(), Panels().answer())


def test_answers_without_points_need_no_bundle(style: Style, findings: Findings) -> None:
    pages = PrintedPages(style, InstalledBundles((), None))
    assert pages.page(findings.prediction()) == page(findings.prediction(), style, None)


@pytest.mark.parametrize("kind", ["not_analysed", "withdrawal"])
def test_what_has_no_nomogram_is_printed_when_the_bundle_is_gone(style: Style, kind: str) -> None:
    finding = PANELS.not_analysed() if kind == "not_analysed" else PANELS.withdrawal(PANELS.prediction())
    assert PrintedPages(style, InstalledBundles((), None)).page(finding)


def test_an_answer_from_images_shows_region_and_heatmap_and_says_all_variants(
    blobs: LocalBlobs, style: Style, archive: ArchiveObjects, tmp_path: Path
) -> None:
    finding = Imaged(blobs).finding()
    with closing(Jail((FRAME_PIXELS,), LIMITS)) as jail:
        seeing = replace(archive, images=SourceImages(blobs, SlicePixels(jail, blobs)))
        pages = PrintedPages(style, InstalledBundles((), None), seeing)
        made = pages.page(finding)
        assert made == pages.page(finding)
    (tmp_path / "page.pdf").write_bytes(made)
    said = " ".join(text_of(tmp_path / "page.pdf").split())
    for text in (
        "Answered by clinical_dlr. Clinical-DLR: all inputs are there.",
        "clinical_radiomics: no answer. No such bundle is installed.",
        "Region: drawn automatically, confirmed by nobody: functional tumour volume: PE at least 70 %",
        "exponential glcm MCC = 0.731235 (pyradiomics 3.0.1, preset A, bin width 25)",
        "the slice with the peak of the heatmap",
    ):
        assert text in said


def test_a_raster_is_the_same_picture_in_svg_and_pdf() -> None:
    red_and_blue = Raster(10, 10, 20, 10, 2, 1, bytes([255, 0, 0, 0, 0, 255]))
    scene = Scene(100, 50, "two pixels", "red, then blue", (red_and_blue,))
    encoded = to_svg(scene).split("base64,")[1].split('"')[0]
    assert Image.open(BytesIO(b64decode(encoded))).tobytes() == red_and_blue.rgb
    assert to_pdf(scene) == to_pdf(scene)
