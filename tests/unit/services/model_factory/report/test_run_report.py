"""The report of a small run: whole, one file, with its gaps, its banner and its numbers."""

from __future__ import annotations

import base64
import dataclasses
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.model_factory.app.reporting import write_report
from services.model_factory.app.training import train
from services.model_factory.formats.run_file import to_bytes
from services.model_factory.formats.run_report.blocks import Grid, Picture, Report, Text
from services.model_factory.formats.run_report.html import to_html
from services.model_factory.formats.run_report.pdf import to_pdf
from services.model_factory.formats.run_report.sections import report_of
from services.model_factory.handlers.training.modelled import Horizon
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.selected import Frequency, SelectionGap
from shared.domain.errors import InvalidInputError
from shared.pictures.scene import Area, Curve, Dot, Frame, Line, Ring, Words
from tests.unit.services.model_factory.training.small import FIVE, SIZES, Quiet, write_cohort


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    """One small run."""
    folder = tmp_path_factory.mktemp("report")
    manifest = write_cohort(folder / "cohort", 300)
    return train("lung_metastasis", manifest, "corrected", folder / "run", Quiet(), SIZES, FIVE)


@pytest.fixture(scope="module")
def report(results: RunResults) -> Report:
    """Its report."""
    return report_of(results)


def test_every_kind_of_picture_is_in_the_report(report: Report) -> None:
    titles = " | ".join(scene.title for scene in report.pictures())
    for part in (
        "Flow of patients", "Importance by lasso", "Importance by random forest", "Importance by xgboost",
        "three selectors", "Risk of lung metastasis", "Time-dependent ROC", "Calibration at",
        "Decision curves", "Cut of hscrp", "Free of the event by subtype", "Cumulative incidence",
    ):  # fmt: skip
        assert part in titles


def test_frequencies_of_the_draws_are_a_picture_with_the_most_frequent_first(results: RunResults) -> None:
    often, seldom = Frequency("il6", 1.0, 0.9, 1.0, 0.9), Frequency("ca125", 0.1, 0.2, 0.3, 0.05)
    drawn = dataclasses.replace(results.selection, draws=20, frequencies=(seldom, often))
    scenes = report_of(dataclasses.replace(results, selection=drawn)).pictures()
    scene = next(one for one in scenes if "bootstrap draws" in one.title)
    height = {part.text: part.y for part in scene.parts if isinstance(part, Words)}
    assert height["il6 *"] < height["ca125"]
    assert {"90", "5"} <= set(height)


def test_no_text_of_a_picture_lies_outside_of_it(report: Report) -> None:
    for scene in report.pictures():
        for part in scene.parts:
            if isinstance(part, Words):
                assert -1 <= part.left <= part.left + part.width <= scene.width * 1.02, (scene.title, part.text)
                assert 0 < part.y < scene.height, (scene.title, part.text)


def test_no_shape_of_a_picture_lies_outside_of_it(report: Report) -> None:
    for scene in report.pictures():
        for part in scene.parts:
            for x, y in _places(part):
                assert -1 <= x <= scene.width + 1, scene.title
                assert -1 <= y <= scene.height + 1, scene.title


def _places(part: object) -> list[tuple[float, float]]:
    if isinstance(part, Curve | Area):
        return list(part.points)
    if isinstance(part, Line):
        return [(part.x1, part.y1), (part.x2, part.y2)]
    if isinstance(part, Dot | Ring):
        return [(part.x - part.radius, part.y - part.radius), (part.x + part.radius, part.y + part.radius)]
    return [(part.x, part.y), (part.x + part.width, part.y + part.height)] if isinstance(part, Frame) else []


def test_two_texts_of_a_venn_diagram_do_not_touch(report: Report) -> None:
    scene = next(one for one in report.pictures() if "three selectors" in one.title)
    words = [part for part in scene.parts if isinstance(part, Words)]
    assert len(words) == 3 + 7
    for place, one in enumerate(words):
        for other in words[place + 1 :]:
            apart = one.left + one.width < other.left or other.left + other.width < one.left
            assert apart or abs(one.y - other.y) > max(one.size, other.size)


class _Fetched(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.described = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.described += tag == "desc"
        if tag in ("script", "link", "img", "iframe", "object"):
            self.found.append(tag)
        self.found += [f"{n}={v}" for n, v in attrs if n in ("src", "href") and v and not v.startswith("#")]


def test_the_html_is_one_file_that_fetches_nothing(report: Report) -> None:
    content = to_html(report).decode()
    reader = _Fetched()
    reader.feed(content)
    assert reader.found == []
    assert "url(" not in content
    assert "@import" not in content
    assert reader.described == sum(isinstance(block, Picture) for block in report.blocks)


def test_every_number_of_performance_is_printed_with_class_n_events_and_method(
    results: RunResults, report: Report
) -> None:
    grids = [block for block in report.blocks if isinstance(block, Grid) and block.head[0] == "Measure"]
    rows = [row for grid in grids for row in grid.rows]
    assert len(rows) == len(results.performance) > 10
    for row in rows:
        assert row[3] == "lung_metastasis"
        assert int(row[4]) >= int(row[5]) > 0
        assert row[6]
    first = {row[0] for row in grids[0].rows}
    assert grids[0].caption.startswith("Out of fold")
    assert {"c index", "c uno 10y", "integrated brier 10y", "integrated brier of nobody 10y"} <= first


def test_the_gap_of_selecting_outside_is_a_number_on_the_first_page(results: RunResults) -> None:
    results = dataclasses.replace(results, gap=SelectionGap("c_index", 0.745, 0.566, 5, 2))
    report = report_of(results)
    said = next(block.text for block in report.blocks if isinstance(block, Text) and "outside" in block.text)
    assert "0.745 outside, 0.566 inside" in said
    assert "+0.179" in said


def test_what_the_run_cannot_know_is_a_gap_of_the_checklists(report: Report) -> None:
    lists = {b.caption.split(" ")[0]: b for b in report.blocks if isinstance(b, Grid) and b.head[0] == "Item"}
    assert set(lists) == {"TRIPOD+AI", "PROBAST+AI"}
    gaps = {lists["TRIPOD+AI"].rows[number][0] for number in lists["TRIPOD+AI"].marked}
    assert {"2", "3a", "14", "18a", "19"} <= gaps
    assert not gaps & {"10", "22"}
    for one in lists.values():
        assert all(one.rows[number][2].startswith("GAP") for number in one.marked)


def test_a_simulated_cohort_is_called_a_demonstration_and_patients_research(results: RunResults) -> None:
    assert report_of(results).banner.startswith("DEMONSTRATION")
    real = dataclasses.replace(results, cohort=dataclasses.replace(results.cohort, simulated=False))
    assert report_of(real).banner.startswith("RESEARCH")
    assert "Ethics approval and consent</td><td>GAP" in to_html(report_of(real)).decode()


def test_a_refused_horizon_is_said_in_the_summary_and_marked_in_its_table(results: RunResults) -> None:
    late = Horizon(10, 3, 40, None, (), "3 are still followed, 20 are needed", None, None)
    model = dataclasses.replace(results.model, horizons=(results.model.horizons[0], late))
    found = report_of(dataclasses.replace(results, model=model))
    said = [block.text for block in found.blocks if isinstance(block, Text) and block.strong]
    assert "No risk at 10 years: 3 are still followed, 20 are needed." in said
    table = next(block for block in found.blocks if isinstance(block, Grid) and block.head[0] == "Horizon")
    assert table.marked == {1}


def test_a_run_that_chose_nothing_has_a_report_that_says_so(results: RunResults) -> None:
    model = dataclasses.replace(results.model, terms=(), proportionality=())
    empty = dataclasses.replace(
        results, model=model, roc=(), calibration=(), decision=(), cuts=(), survival=(), incidence=None, gap=None,
        selection=dataclasses.replace(results.selection, chosen=(), frequencies=(), draws=0),
    )  # fmt: skip
    text = to_html(report_of(empty)).decode()
    assert "nothing was chosen by all methods" in text
    assert "how stable it is, is not known" in text
    assert to_pdf(report_of(empty)).startswith(b"%PDF")


def test_the_same_run_gives_the_same_files(results: RunResults, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes(to_bytes(results))
    one = write_report(tmp_path, tmp_path / "a.html", tmp_path / "a.pdf")
    other = write_report(tmp_path, tmp_path / "b.html", tmp_path / "b.pdf")
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


def test_the_pdf_has_the_banner_on_every_page(report: Report) -> None:
    streams = re.findall(rb"Length \d+\s+>>\s+stream\s(.*?)endstream", to_pdf(report), re.DOTALL)
    pages = [zlib.decompress(base64.a85decode(one.strip().removesuffix(b"~>"))) for one in streams]
    assert len(pages) > 8
    assert all(report.banner.encode() in page for page in pages)


def test_what_a_manifest_says_cannot_become_markup(results: RunResults) -> None:
    named = dataclasses.replace(results.cohort, description="<script>alert(1)</script> & more")
    content = to_html(report_of(dataclasses.replace(results, cohort=named))).decode()
    assert not re.search(r"<script", content)
    assert to_pdf(report_of(dataclasses.replace(results, cohort=named))).startswith(b"%PDF")


def test_a_folder_without_a_finished_run_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not finished"):
        write_report(tmp_path, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
