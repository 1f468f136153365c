"""``oncorelay explain``: drawn in the terminal, written to files, and clear about what it refuses."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from services.cli.__main__ import oncorelay
from shared.site.settings import CONFIG_VARIABLE
from tests.nomogram_bundle import BUNDLE, install, write_site

ASKED = ["--hscrp", "12", "--il6", "9", "--ifn-alpha", "2.1", "--tnf-alpha", "1.2", "--endocrine", "yes"]

DEMONSTRATION = "lung_metastasis-demonstration"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(tmp_path)
    monkeypatch.setenv(CONFIG_VARIABLE, str(write_site(tmp_path)))
    monkeypatch.setenv("COLUMNS", "110")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(oncorelay, ["explain", "lung_metastasis", *arguments])


def tree(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_it_draws_the_nomogram_with_points_and_risks(site: Path) -> None:
    answer = run(*ASKED)

    assert answer.exit_code == 0, answer.output
    for said in ("lung-test 9.0.0, demonstration", "●", "206.8 points", "11.9 %", "24.1 %", "(14.5 to 38.4 %)"):
        assert said in answer.output
    assert "Demonstration" in answer.output


def test_it_writes_the_picture_as_svg_and_pdf_and_says_where(site: Path) -> None:
    svg, pdf = site / "n.svg", site / "n.pdf"

    answer = run(*ASKED, "--svg", str(svg), "--pdf", str(pdf))

    assert answer.output.count("written: ") == 2
    assert svg.read_text().startswith("<svg ")
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_one_line_of_json_holds_the_answer_and_the_axes(site: Path) -> None:
    found = tree(run(*ASKED, "--json"))

    assert found["bundle"] == BUNDLE
    assert [one["years"] for one in found["horizons"]] == [5, 10]
    assert found["probability"] == found["horizons"][0]["probability"]
    assert sum(found["points"].values()) == pytest.approx(found["nomogram"]["patient"]["total"])


def test_every_value_outside_the_range_is_named_on_a_line_of_its_own(site: Path) -> None:
    answer = run(*ASKED[:1], "75", "--il6", "3000", *ASKED[4:])

    assert answer.exit_code == 1
    assert "no risk is given:" in answer.output
    assert "hscrp is 75 mg/L, outside the range the model has seen (0.1 to 60 mg/L)" in answer.output
    assert "il6 is 3000 pg/mL, outside the range the model has seen (0.75 to 120 pg/mL)" in answer.output


def test_a_limit_of_detection_is_taken_where_the_model_knows_it(site: Path) -> None:
    answer = run(*ASKED[:2], "--il6", "<1.5", *ASKED[4:])

    assert answer.exit_code == 0
    assert "counted as half of it, 0.75 pg/mL" in answer.output.replace("\n", " ")


def test_a_word_in_place_of_a_number_is_refused_with_an_example(site: Path) -> None:
    assert "must be a number such as 12.5, or a limit such as <2.5" in run(*ASKED[:1], "much", *ASKED[2:]).output


@pytest.mark.parametrize("bundle", ["nobody-s", "ln_pcr-clinical-published"])
def test_a_bundle_that_is_no_nomogram_or_not_there_is_told(site: Path, bundle: str) -> None:
    answer = run(*ASKED, "--bundle", bundle)

    assert answer.exit_code == 1
    assert bundle in str(answer.exception)


def test_the_help_shows_examples_and_units() -> None:
    said = CliRunner().invoke(oncorelay, ["explain", "lung_metastasis", "--help"]).output

    assert "oncorelay explain lung_metastasis --hscrp 12" in said
    assert "mg/L" in said
    assert "pg/mL" in said


def test_every_example_of_the_help_is_answered_by_the_bundle_that_ships(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site)
    said = run("--help").output
    examples = re.findall(r"oncorelay explain lung_metastasis (--.*)", said.replace("\\\n", ""))
    limits = re.findall(r"<\d+(?:\.\d+)?", said.partition("Examples:")[0])

    assert len(examples) == 2
    for example in examples:
        answer = run(*shlex.split(example), "--bundle", DEMONSTRATION)
        assert answer.exit_code == 0, answer.output
    assert limits
    for limit in limits:
        answer = run(*ASKED[:2], "--il6", limit, *ASKED[4:], "--bundle", DEMONSTRATION)
        assert answer.exit_code == 0, answer.output


def test_only_inputs_with_a_limit_of_detection_have_one_as_their_example(site: Path) -> None:
    (hscrp,) = [line for line in run("--help").output.splitlines() if "--hscrp mg/L" in line]

    assert "<" not in hscrp


def test_predict_knows_the_horizons_too(site: Path) -> None:
    values = ["endocrine_therapy_received=yes", "hscrp=12", "il6=9", "ifn_alpha=2.1", "tnf_alpha=1.2"]
    answer = CliRunner().invoke(oncorelay, ["predict", BUNDLE, *values])

    assert "24.1 %  within 10 years (95 % interval 14.5 % to 38.4 %)" in answer.output
    assert "points: endocrine_therapy_received=0.0 hscrp=48.0" in answer.output
