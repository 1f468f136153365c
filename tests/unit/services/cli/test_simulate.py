"""``oncorelay simulate-cohort`` writes either cohort, and never over one that is there."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from services.cli.simulate import simulate
from shared.domain.errors import InvalidInputError


def test_a_cohort_with_images_is_written_from_the_command_line(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        simulate, ["--of", "ln_pcr", "--n", "2", "--seed", "4", "--phases", "3", "--out", str(tmp_path)]
    )

    assert answer.exit_code == 0
    assert answer.output.strip().endswith("manifest.toml")
    assert "patients: 1 of 2\n" in answer.output  # no bar moves in a log
    assert 'kind = "images"' in (tmp_path / "manifest.toml").read_text()
    assert len(list((tmp_path / "studies").iterdir())) == 2


def test_a_cohort_of_slides_is_written_with_the_best_that_can_be_reached(tmp_path: Path) -> None:
    answer = CliRunner().invoke(simulate, ["--of", "her2", "--n", "1", "--seed", "4", "--out", str(tmp_path)])

    assert answer.exit_code == 0
    assert "AUC of 0.88" in answer.output
    assert 'kind = "slides"' in (tmp_path / "manifest.toml").read_text()
    assert len(list((tmp_path / "slides").iterdir())) == 1


def test_without_a_target_it_is_the_cohort_of_lung_metastasis(tmp_path: Path) -> None:
    answer = CliRunner().invoke(simulate, ["--n", "3", "--out", str(tmp_path)])

    assert answer.exit_code == 0
    assert 'code = "lung_metastasis"' in (tmp_path / "manifest.toml").read_text()
    assert len((tmp_path / "patients.csv").read_text().splitlines()) == 4


def test_a_cohort_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text("name = 'mine'\n")

    answer = CliRunner().invoke(simulate, ["--n", "3", "--out", str(tmp_path)])

    assert isinstance(answer.exception, InvalidInputError)
    assert (tmp_path / "manifest.toml").read_text() == "name = 'mine'\n"
