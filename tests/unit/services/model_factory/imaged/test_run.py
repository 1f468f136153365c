"""A small run on images: two arms, honest by construction, with models, report and bundles that agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.model_factory.app.imaged import GRAPHS
from services.model_factory.app.imaged_bundles import bundles_of_run
from services.model_factory.app.reporting import write_report
from services.model_factory.formats.forest_graph import asked
from services.model_factory.formats.run_file import RESULTS_NAME, read_results, to_bytes
from services.model_factory.formats.run_report.blocks import Grid, Picture
from services.model_factory.formats.run_report.sections import report_of
from services.model_factory.handlers.folds.making import everyone
from services.model_factory.handlers.imaged.bundle_draft import FOREST_FILE, GRAPH_FILE
from services.model_factory.handlers.imaged.families import FAMILIES
from services.model_factory.handlers.imaged.results import ImagedResults
from services.model_factory.handlers.selection.screening import PAPER_FEATURES
from services.model_factory.handlers.training.bundle_draft import Label
from services.model_factory.handlers.training.guarding import guarded_together
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.imaging import contract_of
from shared.bundles.keys import load_keys
from shared.domain.errors import InvalidInputError
from shared.predictors.ln_pcr.clinical import FEATURES
from tests.unit.services.model_factory.imaged.small import Kept, MeanTrainer, cohort, run, small


class Done:
    """A finished run with what it kept."""

    def __init__(self) -> None:
        self.kept, self.graphs, self.trainer = Kept(), Kept(), MeanTrainer()
        self.results = run(small(), None, self.kept, self.graphs, self.trainer)


@pytest.fixture(scope="module")
def done() -> Done:
    return Done()


@pytest.fixture(scope="module")
def folder(done: Done, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run on disk with its bundles below ``bundles``."""
    here = tmp_path_factory.mktemp("run")
    (here / RESULTS_NAME).write_bytes(to_bytes(done.results))
    (here / GRAPHS).mkdir()
    for name, content in done.graphs.pieces.items():
        (here / GRAPHS / name).write_bytes(content)
    (here / "bundles").mkdir()
    bundles_of_run(here, done.results, here / "bundles", Ed25519PrivateKey.generate(), Label("small"))
    return here


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Catalog:
    return Catalog.load([folder / "bundles"], load_keys([folder / "bundles"]))


def _auc(results: ImagedResults, arm: str, kind: str, model: str) -> float:
    found = next(one for one in results.arms if one.name == arm)
    row = next(o for o in found.performance if (o.name, o.kind, o.model) == ("auc", kind, model))
    assert row.value is not None
    return row.value


def test_six_models_are_judged_on_patients_they_have_not_seen(done: Done) -> None:
    judged = {(one.kind, one.model) for one in done.results.arms[0].performance}
    for family in FAMILIES:
        for algorithm in ("logistic", "forest"):
            assert {("out_of_fold", f"{family}.{algorithm}"), ("held_out", f"{family}.{algorithm}")} <= judged


def test_every_patient_is_judged_out_of_fold_once(done: Done) -> None:
    patients = cohort()[0]
    rows = [one for one in done.results.arms[0].performance if one.kind == "out_of_fold"]
    assert {(one.n, one.events) for one in rows} == {(patients.n, int(patients.events.sum()))}


def test_every_number_is_about_axillary_pcr_and_says_how_its_interval_was_made(done: Done) -> None:
    rows = [one for arm in done.results.arms for one in arm.performance]
    assert {(one.positive_class, one.unit_of_analysis) for one in rows} == {("axillary_pcr", "patient")}
    assert all(one.interval_method for one in rows)
    assert all(one.threshold_source for one in rows if one.name in ("sensitivity", "specificity", "f1", "accuracy"))


def test_sensitivity_specificity_accuracy_and_f1_of_one_row_fit_each_other(done: Done) -> None:
    assert [one for arm in done.results.arms for one in guarded_together(arm.performance)] == []


def test_training_auc_of_the_forest_is_what_it_flatters_by(done: Done) -> None:
    results = done.results
    assert _auc(results, "paper", "apparent", "clinical_dlr.forest") > 0.97
    assert _auc(results, "paper", "apparent", "clinical_dlr.forest") > 0.1 + _auc(
        results, "corrected", "out_of_fold", "clinical_dlr.forest"
    )


def test_the_network_helps_where_the_image_tells(done: Done) -> None:
    assert _auc(done.results, "corrected", "out_of_fold", "clinical_dlr.logistic") > 0.05 + _auc(
        done.results, "corrected", "out_of_fold", "clinical.logistic"
    )


def test_pure_noise_is_found_out_by_the_corrected_arm() -> None:
    """The rad-score of noise looks good in-sample, and not where it has to prove itself."""
    patients, measured = cohort(120, 4, signal=0.0)
    results = run(small(), (patients, measured))
    apparent = _auc(results, "paper", "apparent", "clinical_dlr.forest")
    assert apparent > 0.9
    for kind in ("out_of_fold", "held_out"):
        assert _auc(results, "corrected", kind, "clinical_dlr.logistic") < 0.75


def test_the_network_is_trained_once_per_set_of_parts_and_again_only_to_be_exported(done: Done) -> None:
    names = done.trainer.names
    assert sorted(set(names)) == sorted({"network-split", *(f"network-split-{k}" for k in range(3)), "network-all",
        *(f"network-all-{k}" for k in range(3)), "network-all-0-1", "network-all-0-2", "network-all-1-2"})  # fmt: skip
    assert len(names) == len(set(names)) + 1


def test_a_run_goes_on_from_what_it_kept_and_says_the_same(done: Done) -> None:
    trainer = MeanTrainer()
    again = run(small(), None, done.kept, Kept(), trainer)
    assert again == done.results
    assert trainer.names == ["network-all"]


def test_as_published_the_network_and_the_screening_see_all_training_patients_once() -> None:
    kept, trainer = Kept(), MeanTrainer()
    results = run(small("paper"), None, kept, Kept(), trainer)
    assert set(trainer.names) == {"network-split"}
    assert [arm.name for arm in results.arms] == ["paper"]
    assert {one.kind for one in results.arms[0].performance} == {"apparent", "after_selection", "held_out"}
    assert results.models[0].n == 105


def test_the_papers_six_features_can_be_named_beforehand() -> None:
    results = run(small(features="paper"), cohort(100, 2))
    assert results.rad_score is not None
    assert results.rad_score.prespecified
    assert tuple(one.feature for one in results.rad_score.terms) == PAPER_FEATURES


def test_whether_the_papers_features_were_chosen_is_told(done: Done) -> None:
    facts = done.results.rad_score
    assert facts is not None
    assert tuple(one.feature for one in facts.paper) == PAPER_FEATURES
    chosen = {one.feature for one in facts.terms}
    assert all(one.chosen == (one.feature in chosen) for one in facts.paper)


def test_neighbouring_families_are_compared_by_delong(done: Done) -> None:
    pairs = {(one.kind, one.first, one.second) for one in done.results.arms[0].compared}
    assert ("out_of_fold", "clinical.logistic", "clinical_radiomics.logistic") in pairs
    assert ("held_out", "clinical_radiomics.forest", "clinical_dlr.forest") in pairs


def test_survival_is_told_by_what_was_predicted_without_metastatic_patients(done: Done) -> None:
    patients = cohort()[0]
    one = next(o for o in done.results.arms[0].fared if (o.kind, o.model) == ("out_of_fold", "clinical_dlr.logistic"))
    assert one.left_out == int(patients.categorical["m"].sum()) > 0
    assert one.by_call is not None
    assert sum(curve.n for curve in one.by_call.curves) == patients.n - one.left_out
    assert one.per_log_odds is not None
    assert one.per_log_odds.value < 1


def test_too_small_a_cohort_is_refused_with_the_number_needed() -> None:
    with pytest.raises(InvalidInputError, match="are needed"):
        run(small(), cohort(24))


def test_results_are_read_back_as_they_were_written(done: Done, folder: Path) -> None:
    assert read_results(folder) == done.results


def test_the_report_shows_both_arms_and_the_papers_pictures(done: Done) -> None:
    report = report_of(done.results)
    titles = " | ".join(one.scene.title for one in report.blocks if isinstance(one, Picture))
    for part in (
        "Flow of patients",
        "ROC of axillary pCR, out of fold",
        "Decision curves",
        "Calibration",
        "Free of the event",
        "Loss",
    ):
        assert part in titles
    captions = " | ".join(one.caption for one in report.blocks if isinstance(one, Grid))
    for part in ("Table 1", "Table 2", "Table 3", "Table 4", "DeLong", "side by side", "paper's six", "Tuning"):
        assert part in captions


def test_the_reporting_checklists_are_filled_and_their_gaps_counted(done: Done) -> None:
    tables = {one.caption.split(" ")[0]: one for one in report_of(done.results).blocks if isinstance(one, Grid)}

    for name in ("TRIPOD+AI", "PROBAST+AI"):
        said = {row[0]: row[2] for row in tables[name].rows}
        gaps = [number for number, text in said.items() if text.startswith("GAP: ")]
        assert f"{len(said) - len(gaps)} of {len(said)} filled, {len(gaps)} gaps" in tables[name].caption
    asked = {row[0]: row[2] for row in tables["TRIPOD+AI"].rows}
    assert "axillary_pcr" in asked["8a"]
    assert asked["18a"].startswith("GAP")
    assert {row[0]: row[2] for row in tables["PROBAST+AI"].rows}["J"].startswith("GAP")


def test_html_and_pdf_are_written_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    first = [one.read_bytes() for one in write_report(folder, tmp_path / "a.html", tmp_path / "a.pdf")]
    again = [one.read_bytes() for one in write_report(folder, tmp_path / "b.html", tmp_path / "b.pdf")]
    assert first == again
    assert first[1].startswith(b"%PDF")


def test_every_family_becomes_a_bundle_that_verifies_and_opens(catalog: Catalog) -> None:
    assert catalog.problems == ()
    assert {one.manifest.variant for one in catalog.installed} == set(FAMILIES)
    for one in catalog.installed:
        if one.manifest.imaging is None or one.manifest.imaging.network is None:
            assert catalog.open(one.reference.bundle_id).outcome.positive_class == "axillary_pcr"


def test_a_bundles_columns_are_the_six_clinical_ones_then_both_scores(catalog: Catalog) -> None:
    by_variant = {one.manifest.variant: one.manifest for one in catalog.installed}
    assert by_variant["clinical"].features == FEATURES
    assert by_variant["clinical_dlr"].features == (*FEATURES, "rad_score", "dl_prob")
    assert by_variant["clinical"].imaging is None
    assert by_variant["clinical_radiomics"].imaging is not None
    assert by_variant["clinical_radiomics"].imaging.network is None


def test_the_forests_graph_gives_the_golden_probabilities(catalog: Catalog) -> None:
    for one in catalog.installed:
        manifest = one.manifest
        assert manifest.forest is not None
        graph = (one.folder / FOREST_FILE).read_bytes()
        rows = np.array([[golden.features[name] for name in manifest.features] for golden in manifest.golden])
        assert asked(graph, rows, np.float32) == pytest.approx(manifest.forest.golden, abs=manifest.forest.tolerance)


def test_the_logistic_graph_is_the_printed_coefficients(catalog: Catalog) -> None:
    for one in catalog.installed:
        manifest = one.manifest
        assert manifest.logistic is not None
        weights = {part.feature: part.log_odds_ratio for part in manifest.logistic.coefficients}
        rows = np.array([[golden.features[name] for name in manifest.features] for golden in manifest.golden])
        odds = manifest.logistic.intercept + rows @ np.array([weights[name] for name in manifest.features])
        graph = (one.folder / GRAPH_FILE).read_bytes()
        assert asked(graph, rows, np.float64) == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-12)
        assert len(manifest.logistic.covariance) == len(weights) + 1


def test_the_bundles_rad_score_is_the_runs(done: Done, catalog: Catalog) -> None:
    found = next(one for one in catalog.installed if one.manifest.variant == "clinical_radiomics").manifest.imaging
    assert found is not None
    score = contract_of(found).rad_score
    assert score is not None
    measured = cohort()[1]
    values = dict(zip(measured.names, measured.values[0], strict=True))
    facts = done.results.rad_score
    assert facts is not None
    terms = [one.coefficient * (values[one.feature] - one.mean) / one.deviation for one in facts.terms]
    assert score.of(values) == pytest.approx(sum(terms))


def test_the_published_bundle_still_answers_for_the_clinical_variant(folder: Path) -> None:
    shipped = installed_catalog([folder / "bundles"], folder / "bundles")
    label = Label("demonstration")
    assert f"ln_pcr-clinical-{label.bundle_id}" < "ln_pcr-clinical-published"
    reference = shipped.for_variant("ln_pcr", "clinical")
    assert reference is not None


def test_parts_of_a_run_do_not_depend_on_their_order() -> None:
    order = small()
    first = order.random("rad-all-0").random()
    order.random("rad-all-1").random()
    assert order.random("rad-all-0").random() == first
    assert everyone(cohort(30)[0]).training.n == 30
