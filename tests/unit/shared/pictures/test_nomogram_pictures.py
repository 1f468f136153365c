"""The nomogram drawn: every mark where the model puts it, text as text, nothing on top of anything else."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from shared.domain.prediction import Prediction
from shared.pictures.answers import nomogram_of
from shared.pictures.as_json import to_json
from shared.pictures.caption import Caption, caption_of, percent
from shared.pictures.chart import Chart, Marks, chart_of, marks_of
from shared.pictures.nomogram import LEFT, RIGHT, nomogram_scene
from shared.pictures.pdf import to_pdf
from shared.pictures.scene import INK, MARK, SOFT, Dot, Line, Scene, Words, width_of, wrapped
from shared.pictures.svg import to_svg
from shared.pictures.terminal import nomogram_text
from shared.predictors.hazards.model import Column, Hazards, Horizon, MeasuredRange, ModelInput
from shared.predictors.lung_metastasis.panel import LABELS, TITLE
from shared.predictors.lung_metastasis.predictor import LungMetastasis
from shared.testing.cox_model import GOLDEN_ROWS, PrintedModel, lung_hazards

MODEL = PrintedModel()
CHART = chart_of(MODEL.inputs, MODEL.hazards, LABELS)
ROWS = [
    *(dict(row) for row in GOLDEN_ROWS),
    {"endocrine_therapy_received": "no", "hscrp": "30", "il6": "40", "ifn_alpha": "1", "tnf_alpha": "1"},
    {"endocrine_therapy_received": "no", "hscrp": "60", "il6": "120", "ifn_alpha": "0.2", "tnf_alpha": "0.2"},
    {"endocrine_therapy_received": "yes", "hscrp": "0.4", "il6": "2.1", "ifn_alpha": "2.2", "tnf_alpha": "1.35"},
]


def answered(row: dict[str, str], model: PrintedModel = MODEL) -> Prediction:
    return LungMetastasis().answer_levels(row, model)


def drawn(row: dict[str, str] | None, chart: Chart = CHART, model: PrintedModel = MODEL) -> Scene:
    answer = answered(row or ROWS[0], model)
    return nomogram_scene(chart, caption_of(answer, TITLE), marks_of(answer) if row else None)


def words(scene: Scene) -> list[Words]:
    return [part for part in scene.parts if isinstance(part, Words)]


@pytest.mark.parametrize("row", [None, *ROWS])
def test_no_two_texts_touch_and_none_leaves_the_page(row: dict[str, str] | None) -> None:
    texts = words(drawn(row))

    for one in texts:
        assert one.left >= 0
        assert one.left + one.width <= 842 - 8, one.text
    for one, other in combinations(texts, 2):
        beside = one.left + one.width <= other.left or other.left + other.width <= one.left
        upper, lower = sorted((one, other), key=lambda text: text.y)
        apart = lower.y - 0.75 * lower.size >= upper.y + 0.22 * upper.size  # ascent and descent of Helvetica
        assert beside or apart, (one.text, other.text)


@given(
    ratios=st.lists(st.floats(-2, 2), min_size=5, max_size=5),
    near=st.floats(1e-4, 1.5),
    low=st.floats(0.01, 5),
    reach=st.floats(1.5, 5000),
)
def test_labels_of_axes_do_not_touch_whatever_the_model(
    ratios: list[float], near: float, low: float, reach: float
) -> None:
    columns = tuple(
        Column(one.feature, one.input, one.transform, one.level, ratio, one.centre)
        for one, ratio in zip(MODEL.hazards.columns, ratios, strict=True)
    )
    inputs = tuple(
        one if one.range is None else ModelInput(one.name, "", range=MeasuredRange(one.range.unit, low, low * reach))
        for one in MODEL.inputs
    )
    hazards = Hazards(columns, (Horizon(5, near, (), 9, ""), Horizon(10, 2 * near, (), 9, "")))

    texts = words(nomogram_scene(chart_of(inputs, hazards), Caption("A nomogram")))

    for one, other in combinations(texts, 2):
        if one.y == other.y:
            assert one.left + one.width <= other.left or other.left + other.width <= one.left, (one.text, other.text)


@pytest.mark.parametrize("row", ROWS)
def test_every_dot_lies_where_the_model_puts_it(row: dict[str, str]) -> None:
    answer = answered(row)
    total = sum(one.points for one in answer.points)
    dots = [part for part in drawn(row).parts if isinstance(part, Dot)]

    width = RIGHT - LEFT
    places = [LEFT + width * one.points / 100 for one in answer.points]
    at_total = LEFT + width * total / CHART.total
    assert [dot.x for dot in dots] == pytest.approx([*places, at_total, at_total, at_total])


def test_the_total_and_its_risks_lie_on_one_vertical_line() -> None:
    lines = [part for part in drawn(ROWS[0]).parts if isinstance(part, Line) and part.dashed]

    assert all(line.x1 == line.x2 for line in lines)
    assert len(lines) == 6


def test_a_person_who_reads_the_axes_finds_the_printed_risk() -> None:
    """Read a total off the ticks beside it, by eye: to the middle between two ticks at worst."""
    answer = answered(ROWS[0])
    total = sum(one.points for one in answer.points)

    for axis, given_risk in zip(CHART.risks, answer.horizons, strict=True):
        below = max((tick for tick in axis.ticks if tick.at <= total), key=lambda tick: tick.at)
        above = min((tick for tick in axis.ticks if tick.at > total), key=lambda tick: tick.at)
        share = (total - below.at) / (above.at - below.at)
        read = float(below.label) + share * (float(above.label) - float(below.label))
        assert read / 100 == pytest.approx(given_risk.probability, abs=0.01)


def test_a_refused_horizon_stands_there_in_words() -> None:
    model = PrintedModel(hazards=lung_hazards(ten_years=False))
    scene = drawn(ROWS[0], chart_of(model.inputs, model.hazards, LABELS), model)

    said = [one.text for one in words(scene)]
    assert "No risk is given: 3 patients were still followed at 10 years; 10 are needed" in said
    assert "No risk within 10 years: 3 patients were still followed" in scene.description


def test_the_picture_says_that_it_is_a_demonstration_and_how_luminal_status_would_read() -> None:
    answer = answered(ROWS[0])
    caption = caption_of(answer, TITLE)

    assert caption.banner.startswith("Demonstration")
    assert caption.banner in [one.text for one in words(nomogram_scene(CHART, caption))]
    assert "entered by hand: whether the model applies to this patient was not checked" in caption.notes


def test_the_svg_is_well_formed_accessible_and_keeps_its_text_as_text() -> None:
    scene = drawn(ROWS[0])
    root = ET.fromstring(to_svg(scene))

    space = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{space}title"), root.find(f"{space}desc")
    assert title is not None
    assert description is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == TITLE
    assert "hsCRP 12 mg/L: 48.0 points." in str(description.text)
    assert "Risk within 10 years: 24.1 % (95 % interval 14.5 to 38.4 %)." in str(description.text)
    assert [one.text for one in root.iter(f"{space}text")] == [one.text for one in words(scene)]
    assert not list(root.iter(f"{space}path"))


def test_two_pictures_in_one_page_have_different_ids() -> None:
    ids = [re.findall(r'id="([^"]+)"', to_svg(drawn(row))) for row in ROWS[:2]]

    assert not set(ids[0]) & set(ids[1])


def test_markup_in_a_text_is_shown_and_not_obeyed() -> None:
    evil = '"><script>alert(1)</script>&'

    svg = to_svg(nomogram_scene(CHART, Caption(evil, notes=(evil,)), Marks({"hscrp": evil}, _no_points(), ())))

    assert "<script>" not in svg
    assert ET.fromstring(svg) is not None


def _no_points() -> dict[str, float]:
    return {one.name: 0.0 for one in MODEL.inputs}


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [INK, SOFT, MARK])
def test_every_colour_keeps_the_strictest_contrast_of_wcag(colour: str) -> None:
    assert 1.05 / (_luminance(colour) + 0.05) >= 7


def test_without_colour_the_marks_still_differ_from_the_axes() -> None:
    marks = [part for part in drawn(ROWS[0]).parts if isinstance(part, Line) and part.colour == MARK]

    assert all(part.dashed or part.width >= 3 for part in marks)


def test_the_same_answer_gives_the_same_bytes() -> None:
    assert to_svg(drawn(ROWS[0])) == to_svg(drawn(ROWS[0]))
    assert to_pdf(drawn(ROWS[0])) == to_pdf(drawn(ROWS[0]))


def test_the_pdf_is_one_page_of_text_and_vectors(tmp_path: Path) -> None:
    page = to_pdf(drawn(ROWS[0]))

    assert page.startswith(b"%PDF-")
    assert page.count(b"/Type /Page\n") == 1
    assert b"/Subtype /Image" not in page
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (Debian poppler-utils) is not installed")
    (tmp_path / "page.pdf").write_bytes(page)
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], capture_output=True, text=True).stdout
    for said in ("Demonstration", "hsCRP", "IFN-α", "12 mg/L", "11.9 %", "95 % interval 6.9 to 19.9 %"):
        assert said in text, said


def test_the_json_holds_the_axes_and_the_patient() -> None:
    answer = answered(ROWS[0])

    found = to_json(CHART, marks_of(answer))

    assert [axis["name"] for axis in found["inputs"]] == [one.name for one in MODEL.inputs]
    assert found["inputs"][1]["ticks"][0] == {"at": 0.0, "label": "0.1"}
    assert found["patient"]["points"] == {one.name: one.points for one in answer.points}
    assert found["patient"]["horizons"][0]["probability"] == answer.probability
    assert found["horizons"][0]["years"] == 5


@pytest.mark.parametrize("columns", [74, 80, 110, 160])
@pytest.mark.parametrize("row", [None, *ROWS])
def test_in_a_terminal_no_line_of_an_axis_is_wider_than_the_screen(row: dict[str, str] | None, columns: int) -> None:
    answer = answered(row or ROWS[0])
    text = nomogram_text(CHART, caption_of(answer, TITLE), marks_of(answer) if row else None, columns)

    lines = [line for line in text.plain.splitlines() if any(sign in line for sign in "├│●┬")]
    assert len(lines) == 9
    assert all(len(line) <= columns for line in lines)


def test_the_terminal_shows_points_total_and_risks() -> None:
    answer = answered(ROWS[0])
    console = Console(width=110, record=True, markup=False, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(nomogram_text(CHART, caption_of(answer, TITLE), marks_of(answer), 110))

    said = console.export_text()
    assert re.search(r"hsCRP, mg/L .*●.* 12 mg/L +48\.0", said)
    assert re.search(r"Total points .*●.* 206\.8 points", said)
    assert re.search(r"Risk in 10 years, % .*●.* 24\.1 %", said)
    assert "(14.5 to 38.4 %)" in said
    assert "! entered by hand" in said


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300))
def test_wrapped_lines_fit_and_lose_no_word(text: str) -> None:
    lines = wrapped(text, 8.0, 200.0)

    assert " ".join(lines).split() == text.split()
    assert all(width_of(line, 8.0) <= 200.0 or " " not in line for line in lines)


def test_an_answer_s_picture_has_its_title_its_labels_and_whose_it_is() -> None:
    answer = answered(ROWS[0])

    scene = nomogram_of(answer, MODEL.inputs, MODEL.hazards, ("Case 4711",))

    assert scene.title == TITLE
    assert {"hsCRP", "Case 4711", "lung-test 1.0.0, demonstration, python"} <= {one.text for one in words(scene)}


@pytest.mark.parametrize(
    ("risk", "said"),
    [(0.0, "<0.1"), (0.0004, "<0.1"), (0.0006, "0.1"), (0.241, "24.1"), (0.9996, ">99.9"), (1.0, ">99.9")],
)
def test_no_risk_is_called_zero_or_certain(risk: float, said: str) -> None:
    assert percent(risk) == said


def test_no_axis_of_risk_is_labelled_100_percent() -> None:
    high = Hazards(MODEL.hazards.columns, (Horizon(5, 5.0, (), 9, ""),))

    labels = [tick.label for tick in chart_of(MODEL.inputs, high).risks[0].ticks]

    assert "100" not in labels
    assert "99.9" in labels
