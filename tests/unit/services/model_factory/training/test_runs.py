"""A run is the same every time, goes on where it was cut, and becomes a bundle that is served."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sksurv.metrics import brier_score, concordance_index_ipcw
from sksurv.util import Surv

from services.model_factory.adapters.run_folder import CHECKPOINTS
from services.model_factory.app.training import bundle_of_run, software, train
from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.formats.run_file import RESULTS_NAME, read_results, to_bytes
from services.model_factory.handlers.training.bundle_draft import Label
from services.model_factory.handlers.training.guarding import guarded
from services.model_factory.handlers.training.order import Order
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.targets import LUNG_METASTASIS
from shared.bundles.catalog import Catalog
from shared.bundles.keys import load_keys
from shared.domain.errors import ConflictError, InvalidInputError
from shared.predictors.lung_metastasis.panel import INPUTS
from tests.unit.services.model_factory.training.small import FEW, FIVE, SIZES, Quiet, few_trees, write_cohort


@pytest.fixture(scope="module", autouse=True)
def small_forests() -> Iterator[None]:
    """What is tested here is the way of a run, not the choice."""
    with pytest.MonkeyPatch.context() as patch:
        few_trees(patch)
        yield


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a cohort and a finished run with the five variables named beforehand."""
    folder = tmp_path_factory.mktemp("ward")
    write_cohort(folder / "cohort")
    run(folder / "cohort", folder / "run")
    return folder


def run(cohort: Path, out: Path, *, variables: tuple[str, ...] = FIVE, resume: bool = False, **more: int) -> RunResults:
    sizes = {**SIZES, **more}
    manifest = cohort / "manifest.toml"
    return train("lung_metastasis", manifest, "corrected", out, Quiet(), sizes, variables, resume=resume)


def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b"1" * 32)


def results_of(ward: Path) -> RunResults:
    results = read_results(ward / "run")
    assert isinstance(results, RunResults)
    return results


def test_a_run_and_its_bundle_come_out_the_same_byte_for_byte(ward: Path, tmp_path: Path) -> None:
    run(ward / "cohort", tmp_path / "again")
    one, other = (
        bundle_of_run(folder, tmp_path / name, key(), Label("lung_metastasis-test"))
        for folder, name in ((ward / "run", "one"), (tmp_path / "again", "other"))
    )

    assert (ward / "run" / RESULTS_NAME).read_bytes() == (tmp_path / "again" / RESULTS_NAME).read_bytes()
    files = sorted(file.name for file in one.iterdir())
    assert files == ["bundle.json", "bundle.sig", "card.md", "model.onnx", "provenance.json"]
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in files)


@pytest.mark.parametrize("change", [{"seed": 4}, {"preset": "paper"}, {"variables": ()}, {"bootstraps": 3}])
def test_another_order_is_another_run(ward: Path, change: dict[str, Any]) -> None:
    sources = read_cohort(ward / "cohort/manifest.toml").sources
    same: dict[str, Any] = {"target": LUNG_METASTASIS, "preset": "corrected", "variables": FIVE, **SIZES}
    digest = results_of(ward).provenance.inputs_digest

    assert Order(**same).provenance(sources, software()).inputs_digest == digest
    assert Order(**{**same, **change}).provenance(sources, software()).inputs_digest != digest


def test_a_run_that_was_cut_goes_on_where_it_was_and_ends_the_same(ward: Path, tmp_path: Path) -> None:
    shutil.copytree(ward / "run", tmp_path / "cut")
    kept = sorted((tmp_path / "cut" / CHECKPOINTS).iterdir())
    assert [file.name for file in kept] == [
        "draw-0000.json", "draw-0001.json", "fold-00-00.json", "fold-00-01.json", "fold-00-02.json",
    ]  # fmt: skip
    kept[1].unlink()
    untouched = kept[0].stat().st_mtime_ns
    (tmp_path / "cut" / RESULTS_NAME).unlink()

    run(ward / "cohort", tmp_path / "cut", resume=True)

    assert kept[0].stat().st_mtime_ns == untouched
    assert (tmp_path / "cut" / RESULTS_NAME).read_bytes() == (ward / "run" / RESULTS_NAME).read_bytes()


def test_a_finished_run_is_not_run_over(ward: Path) -> None:
    with pytest.raises(ConflictError, match="--resume"):
        run(ward / "cohort", ward / "run")


def test_a_run_is_not_resumed_with_other_inputs(ward: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path, seed=2)

    with pytest.raises(ConflictError, match="other inputs"):
        run(tmp_path, ward / "run", resume=True)


def test_a_damaged_piece_is_named(ward: Path, tmp_path: Path) -> None:
    shutil.copytree(ward / "run", tmp_path / "run")
    (tmp_path / "run" / CHECKPOINTS / "draw-0001.json").write_text("{")

    with pytest.raises(InvalidInputError, match=r"draw-0001\.json: is damaged"):
        run(ward / "cohort", tmp_path / "run", resume=True)


def test_results_are_read_as_they_were_written(ward: Path) -> None:
    results = results_of(ward)

    assert to_bytes(results) == (ward / "run" / RESULTS_NAME).read_bytes()
    assert results.selection.prespecified
    assert set(results.selection.chosen) == set(FIVE)


def test_every_number_says_of_whom_and_how_it_was_measured(ward: Path) -> None:
    results = results_of(ward)

    kinds = {(one.name, one.kind) for one in results.performance}
    assert {("auc_5y", "apparent"), ("auc_5y", "out_of_fold"), ("auc_5y", "optimism_corrected")} <= kinds
    assert {one.positive_class for one in results.performance} == {"lung_metastasis"}
    assert all(one.n == 200 and one.interval_method for one in results.performance)


def test_the_integrated_brier_score_and_unos_c_out_of_fold_are_scikit_survivals(ward: Path) -> None:
    results = results_of(ward)
    found = {one.name: one for one in results.performance if one.kind == "out_of_fold"}
    cohort = read_cohort(ward / "cohort/manifest.toml")
    folds = [json.loads(file.read_bytes()) for file in sorted((ward / "run" / CHECKPOINTS).glob("fold-00-*.json"))]
    index = np.concatenate([fold["index"] for fold in folds])
    linear = np.concatenate([fold["linear"] for fold in folds])
    free = np.concatenate([np.exp(-np.outer(np.exp(fold["linear"]), fold["hazards"])) for fold in folds])
    outcome = Surv.from_arrays(cohort.events[index], cohort.years[index])
    # Before the first observed time the peer has no censoring estimate; nobody has had the event, and every score is 0.
    times = np.linspace(0.0, 10.0, 41)
    _, scores = brier_score(outcome, outcome, free[:, 1:], times[1:])

    whole, nobody = found["integrated_brier_10y"], found["integrated_brier_of_nobody_10y"]
    assert whole.value == pytest.approx(np.trapezoid(np.r_[0.0, scores], times) / 10.0, abs=1e-10)
    assert whole.value is not None
    assert nobody.value is not None
    assert whole.interval is not None
    assert whole.interval[0] < whole.value < whole.interval[1]
    assert found["integrated_brier_scaled_10y"].value == pytest.approx(1 - whole.value / nobody.value)
    peer = concordance_index_ipcw(outcome, outcome, linear, tau=10.0)[0]
    assert found["c_uno_10y"].value == pytest.approx(peer, abs=1e-10)


def test_a_fold_keeps_the_hazard_from_0_to_the_last_horizon_that_gives_its_risks(ward: Path) -> None:
    for file in (ward / "run" / CHECKPOINTS).glob("fold-*.json"):
        fold = json.loads(file.read_bytes())
        hazards = np.array(fold["hazards"])
        assert (hazards[0], len(hazards)) == (0.0, 41)
        assert (np.diff(hazards) >= 0).all()
        for years in (5, 10):
            risk = 1 - np.exp(-hazards[4 * years] * np.exp(fold["linear"]))
            assert risk == pytest.approx(fold["risk"][str(years)], abs=1e-12)


def test_a_card_states_the_measures_at_its_horizons_and_not_those_up_to_the_last(ward: Path, tmp_path: Path) -> None:
    folder = bundle_of_run(ward / "run", tmp_path, key(), Label("lung_metastasis-test"))

    names = {one["name"].split(".")[0] for one in json.loads((folder / "bundle.json").read_bytes())["metrics"]}
    assert {"c_index", "brier_10y"} <= names
    assert not [name for name in names if name.startswith(("c_uno", "integrated"))]


def test_the_table_of_effects_has_every_candidate_alone_and_the_chosen_together(ward: Path) -> None:
    results = results_of(ward)

    assert {line.candidate for line in results.effects} == set(FEW)
    together = {line.feature: line.multivariable for line in results.effects if line.multivariable}
    assert together.keys() == {term.feature for term in results.model.terms}
    for term in results.model.terms:
        ratio = together[term.feature]
        assert ratio is not None
        assert math.log(ratio.value) == pytest.approx(term.log_hazard_ratio, abs=1e-4)
        assert ratio.interval[0] < ratio.value < ratio.interval[1]
        assert ratio.p == pytest.approx(term.p, rel=1e-3)
        alone = next(line.univariable for line in results.effects if line.feature == term.feature)
        assert alone is not None
        assert math.log(alone.value) == pytest.approx(term.univariable_log_hazard_ratio, abs=1e-4)


def test_a_run_says_how_many_candidates_its_patients_carry(ward: Path) -> None:
    carried = results_of(ward).carried

    assert carried is not None
    assert carried.patients_needed > 200
    assert carried.candidates_carried < len(FEW)
    assert carried.sentence.endswith(f"200 patients carry {carried.candidates_carried} candidates")


def test_every_number_of_a_run_passes_the_guards_and_one_upside_down_does_not(ward: Path) -> None:
    results = results_of(ward)
    assert guarded(results.performance) == ()
    index, uno = (
        next(one for one in results.performance if (one.name, one.kind) == (name, "out_of_fold"))
        for name in ("c_index", "c_uno_10y")
    )

    for one, name in ((index, "c_harrell"), (uno, "c_uno")):
        mirrored = dataclasses.replace(one, value=0.3, interval=(0.2, 0.4))
        (warned,) = guarded([mirrored])
        assert (warned.code, warned.sentence) == (
            "guard", f"out of fold: {name} 0.300 lies below one half: the score ranks the other class.",
        )  # fmt: skip
        with pytest.raises(ValueError, match="is a share"):
            guarded([dataclasses.replace(one, value=1.2, interval=(1.1, 1.3))])
    breaks: tuple[tuple[dict[str, Any], str], ...] = (
        ({"positive_class": ""}, "of which class"),
        ({"interval_method": " "}, "how was the interval made"),
        ({"name": "youden"}, "no number of a run"),
        ({"unit_of_analysis": "image"}, "no number of a run"),
    )
    for broken, text in breaks:
        with pytest.raises(ValueError, match=text):
            guarded([dataclasses.replace(index, **broken)])


def test_the_sensitivity_analysis_puts_luminal_status_in_the_place_of_endocrine_therapy(ward: Path) -> None:
    (found,) = results_of(ward).sensitivities

    assert found.replaced == "endocrine_therapy_received"
    assert "subtype_status_yes" in dict(found.terms)
    assert "endocrine_therapy_received_yes" not in dict(found.terms)


def test_the_bundle_is_served(ward: Path, tmp_path: Path) -> None:
    folder = bundle_of_run(ward / "run", tmp_path, key(), Label("lung_metastasis-test"))
    catalog = Catalog.load([tmp_path], load_keys([tmp_path]))
    assert catalog.problems == ()

    installed = catalog.find("lung_metastasis-test")
    model = catalog.open("lung_metastasis-test", installed.reference.digest)

    assert tuple(one.name for one in installed.manifest.inputs) == INPUTS
    assert installed.reference.intended_use.value == "demonstration"
    golden = installed.manifest.golden[0]
    assert model.scores(golden.features) == pytest.approx(golden.outputs, abs=1e-12)
    hashed = dict(json.loads((folder / "provenance.json").read_bytes())["inputs"])
    assert set(hashed) == {"manifest.toml", "patients.csv"}


def test_a_model_nobody_can_ask_is_not_sealed(ward: Path, tmp_path: Path) -> None:
    run(ward / "cohort", tmp_path / "run", variables=("hscrp", "ca125"), bootstraps=0)

    with pytest.raises(InvalidInputError, match=r"it has ca125; it lacks endocrine_therapy_received, ifn_alpha, il6"):
        bundle_of_run(tmp_path / "run", tmp_path, key(), Label("x"))


def test_an_unfinished_run_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"holds no results\.json"):
        bundle_of_run(tmp_path, tmp_path, key(), Label("x"))


def test_an_unknown_variable_and_an_unknown_target_are_refused(ward: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="height is no column of the cohort"):
        run(ward / "cohort", tmp_path / "a", variables=("height",))
    with pytest.raises(InvalidInputError, match="'ln_pcr' is unknown"):
        train("ln_pcr", ward / "cohort/manifest.toml", "paper", tmp_path / "b", Quiet(), SIZES)


def test_ten_years_are_refused_where_the_papers_follow_up_ends_before(tmp_path: Path) -> None:
    write_cohort(tmp_path / "cohort", n=326, follow_up="paper")

    results = run(tmp_path / "cohort", tmp_path / "run", bootstraps=0)

    five, ten = results.model.horizons
    assert (five.refused, ten.baseline_cumulative_hazard) == ("", None)
    assert ten.refused.startswith("only 0 of 326 patients were still followed at 10 years")
    assert not [one for one in results.performance if one.years == 10]
    assert "horizon_refused" in {one.code for one in results.warnings}
    bundle_of_run(tmp_path / "run", tmp_path, key(), Label("lung_metastasis-short"))
    catalog = Catalog.load([tmp_path], load_keys([tmp_path]))
    survival = catalog.find("lung_metastasis-short").manifest.survival
    assert survival is not None
    assert survival.horizons[1].refused == ten.refused
