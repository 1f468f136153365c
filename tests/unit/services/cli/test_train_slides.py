"""``oncorelay train | bundle | report | validate | calibrate`` of her2: what the commands take, print and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.calibrate import calibrate
from services.cli.train import bundle, train_command
from tests.unit.services.model_factory.slides.small import cohort


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--network", "none"], "nothing without its network"),
        (["--variables", "a"], "belongs to lung_metastasis, not to her2"),
        (["--second-masks", "3"], "belongs to ln_pcr, not to her2"),
    ],
)
def test_options_of_others_are_refused(tmp_path: Path, options: list[str], said: str) -> None:
    manifest = tmp_path / "manifest.toml"
    manifest.write_text("")
    answer = CliRunner().invoke(
        train_command, ["her2", "--cohort", str(manifest), "--out", str(tmp_path / "run"), *options]
    )
    assert answer.exit_code == 2
    assert said in answer.output


def test_an_option_of_her2_is_refused_for_others(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.toml"
    manifest.write_text("")
    command = ["ln_pcr", "--cohort", str(manifest), "--out", str(tmp_path / "run"), "--both-croppings", "3"]
    answer = CliRunner().invoke(train_command, command)
    assert answer.exit_code == 2
    assert "belongs to her2, not to ln_pcr" in answer.output


def test_a_cohort_is_trained_and_its_bundle_sealed_by_two_commands(tmp_path: Path) -> None:
    manifest = cohort(tmp_path / "cohort", 16)
    run = tmp_path / "run"
    train = [
        "her2", "--cohort", str(manifest), "--out", str(run), "--network", "reduced", "--epochs", "1", "--folds", "2",
        "--resamples", "10", "--comparators", "", "--both-croppings", "0", "--patches-per-slide", "4",
        "--processes", "1",
    ]  # fmt: skip
    answer = CliRunner().invoke(train_command, train)
    assert answer.exit_code == 0, answer.output
    assert "AUC of her2_positive, tl_pa, out of fold" in answer.output
    assert "confirm by both" in answer.output

    answer = CliRunner().invoke(bundle, [str(run), "--id", "ours", "--out", str(tmp_path / "bundles")])
    assert answer.exit_code == 0, answer.output
    statement = json.loads((tmp_path / "bundles/her2-tl_pa-ours/bundle.json").read_bytes())
    assert (statement["predictor"], statement["variant"]) == ("her2", "tl_pa")


def test_a_calibration_without_a_key_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.toml"
    manifest.write_text("")
    command = ["her2", "--bundle", "b", "--cohort", str(manifest), "--manufacturer", "M", "--model", "N", "--site", "S"]
    answer = CliRunner().invoke(calibrate, [*command, "--out", str(tmp_path)])
    assert answer.exit_code == 2
    assert "--key" in answer.output
