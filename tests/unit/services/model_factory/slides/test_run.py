"""her2 from a dozen small simulated slides: the whole way, cut and gone on with, sealed, reported."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.model_factory.app.reporting import write_report
from services.model_factory.app.slide_bundles import bundle_of_slides
from services.model_factory.app.slides import train_slides
from services.model_factory.app.slides_validation import score_slides
from services.model_factory.formats.run_file import read_results
from services.model_factory.handlers.slides.contradictions import CONTRADICTIONS
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.training.bundle_draft import Label
from shared.bundles.catalog import Catalog
from shared.bundles.keys import load_keys
from shared.domain.errors import ConflictError, InvalidInputError
from tests.unit.services.model_factory.slides.small import OPTIONS, ORDER, Silent, cohort, ticking

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LABEL = Label("small")


@dataclass(frozen=True)
class Ran:
    """A finished run."""

    manifest: Path
    run: Path
    bundles: Path
    results: SlidesResults


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("her2")
    manifest, run, bundles = cohort(folder / "cohort"), folder / "run", folder / "bundles"
    options = replace(OPTIONS, patches=folder / "patches")
    results = train_slides(manifest, ORDER, run, Silent(), options, clock=ticking())
    bundle_of_slides(run, results, bundles, KEY, LABEL)
    return Ran(manifest, run, bundles, results)


def test_every_slide_is_judged_once_by_a_network_that_has_not_seen_her_patient(ran: Ran) -> None:
    numbers = sorted(one.number for one in ran.results.scores)
    assert numbers == list(range(1, 13))
    assert {one.kind for one in ran.results.scores} == {"out_of_fold"}
    assert [one.name for one in ran.results.fits] == ["fold 1", "fold 2", "kept"]
    assert sum(one.slides for one in ran.results.fits[:2]) == 12
    assert ran.results.fits[-1].slides == 12


def test_tl_pa_and_its_comparators_stand_side_by_side_with_times_ranks_and_confusion(ran: Ran) -> None:
    methods = {one.model for one in ran.results.performance if one.name == "auc" and "." not in one.model}
    assert methods == {"tl_pa", "tl_clam", "tl_slidegraph", "resnet50_clam"}
    assert {one.method for one in ran.results.times} == methods
    assert {one.method for one in ran.results.ranked if one.against == "level"} == methods
    assert {one.positive_class for one in ran.results.performance} >= {"her2_positive"}
    scored = sum(one.score is not None for one in ran.results.scores)
    assert sum(sum(row) for row in ran.results.confusion[0].counts) == scored
    assert {(one.area, one.rounding) for one in ran.results.readings} == {
        (area, rounding) for area in "ab" for rounding in ("floor", "ceil", "round")
    }
    assert ran.results.croppings is not None
    assert ran.results.croppings.other_um[0] < 10 < ran.results.croppings.own_um[0]


def test_single_patches_are_judged_by_patient_and_their_features_compared_by_grade(ran: Ran) -> None:
    judged, graded = ran.results.patches, ran.results.patch_features
    assert judged is not None
    assert [one.positive_class for one in judged.aucs] == ["her2_positive", "tumour"]
    assert all("patients" in one.method and one.low <= one.auc <= one.high for one in judged.aucs)
    assert sum(sum(row) for row in judged.confusion) == judged.aucs[1].patches
    assert (judged.roc[0][0], judged.roc[-1]) == (0.0, (1.0, 1.0))
    assert graded is not None
    assert len(graded.features) == 39
    assert {"dft_mean_a", "dft_variance_a", "cell_count"} <= {one.name for one in graded.features}


def test_a_run_that_has_cifar_100_pre_trains_on_it_and_says_so(ran: Ran, tmp_path: Path) -> None:
    cifar = tmp_path / "train.bin"
    rng = np.random.default_rng(1)
    cifar.write_bytes(b"".join(bytes([0, label % 2]) + rng.bytes(3072) for label in range(20)))
    options = replace(OPTIONS, patches=ran.run.parent / "patches", cifar100=cifar, pretraining_epochs=1)

    results = train_slides(ran.manifest, replace(ORDER, comparators=()), tmp_path / "run", Silent(), options)

    assert results.network.pretrained.startswith("pre-trained on CIFAR-100, sha256")
    assert "RANDOM WEIGHTS" not in " ".join(one.sentence for one in results.warnings if "network" in one.sentence)


def test_what_was_random_says_so_loudly(ran: Ran) -> None:
    said = " ".join(one.sentence for one in ran.results.warnings)
    assert "RANDOM WEIGHTS" in said
    assert "not pre-trained" in said
    assert "confirm by both" in said


def test_the_bundle_opens_and_its_card_states_every_contradiction(ran: Ran) -> None:
    catalog = Catalog.load([ran.bundles], load_keys([ran.bundles]))
    (one,) = catalog.installed
    assert (one.reference.bundle_id, one.manifest.predictor, one.manifest.variant) == (
        "her2-tl_pa-small", "her2", "tl_pa",
    )  # fmt: skip
    model = catalog.open(one.reference.bundle_id, one.reference.digest)
    assert 0 < model.score({"score": 0.2}) < 1
    card = (one.folder / "card.md").read_text()
    assert all(sentence in card for sentence in CONTRADICTIONS)
    assert "in no order of worth" in card
    assert one.manifest.slides is not None
    assert len(one.manifest.slides.golden) == 4
    assert one.manifest.slides.scanners == ("SIMULATED Alpha", "SIMULATED Beta")


def test_the_same_run_gives_the_same_results_and_the_same_bundle_to_the_last_byte(ran: Ran, tmp_path: Path) -> None:
    options = replace(OPTIONS, patches=ran.run.parent / "patches")
    again = train_slides(ran.manifest, ORDER, tmp_path / "run", Silent(), options, clock=ticking())
    assert (tmp_path / "run/results.json").read_bytes() == (ran.run / "results.json").read_bytes()
    folder = bundle_of_slides(tmp_path / "run", again, tmp_path / "bundles", KEY, LABEL)
    for file in sorted(folder.iterdir()):
        assert file.read_bytes() == (ran.bundles / folder.name / file.name).read_bytes(), file.name


def test_a_run_that_was_cut_goes_on_with_what_it_has_and_ends_the_same(ran: Ran, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(ran.run, run)
    (run / "results.json").unlink()
    (run / "checkpoints/kept.json").unlink()
    options = replace(OPTIONS, patches=ran.run.parent / "patches")
    again = train_slides(ran.manifest, ORDER, run, Silent(), options, resume=True, clock=ticking())
    assert replace(again, times=()) == replace(ran.results, times=())
    with pytest.raises(ConflictError, match="other inputs"):
        train_slides(ran.manifest, replace(ORDER, seed=9), run, Silent(), options, resume=True)


def test_the_report_has_the_paper_s_contradictions_every_method_and_nothing_to_fetch(ran: Ran) -> None:
    html, pdf = write_report(ran.run, ran.run / "report.html", ran.run / "report.pdf")
    text = html.read_text()
    for wanted in ("Eq. 6 sets the score to 0", "tl_slidegraph", "2+/FISH+", "SIMULATED", "RANDOM WEIGHTS"):
        assert wanted in text, wanted
    assert "<script" not in text
    assert pdf.read_bytes().startswith(b"%PDF")
    first = html.read_bytes()
    write_report(ran.run, html)
    assert html.read_bytes() == first


def test_the_results_are_read_again_as_they_were_written(ran: Ran) -> None:
    assert read_results(ran.run) == ran.results


def test_a_bundle_scores_another_cohort_without_looking_at_its_annotations(ran: Ran, tmp_path: Path) -> None:
    other = cohort(tmp_path / "other", 8, seed=11)
    for file in (other.parent / "annotations").iterdir():
        file.write_text("not looked at")
    catalog = Catalog.load([ran.bundles], load_keys([ran.bundles]))
    found = score_slides("her2-tl_pa-small", other, catalog, tmp_path / "patches", Silent(), processes=1)
    assert len(found.scores) == found.cohort.flow[-1].remaining
    assert np.isfinite(found.scores).all()
    assert ((found.chances > 0) & (found.chances < 1)).all()


def test_a_slide_of_another_content_stops_the_run_and_its_name_is_not_told(ran: Ran, tmp_path: Path) -> None:
    folder = tmp_path / "cohort"
    shutil.copytree(ran.manifest.parent, folder)
    slide = sorted((folder / "slides").iterdir())[0]
    slide.write_bytes(slide.read_bytes() + b"\0")
    with pytest.raises(InvalidInputError, match="another content") as refused:
        train_slides(folder / "manifest.toml", ORDER, tmp_path / "run", Silent(), OPTIONS)
    assert slide.stem not in str(refused.value)


def test_a_slide_that_cannot_be_used_leaves_with_its_reason_in_the_flow(ran: Ran, tmp_path: Path) -> None:
    import hashlib

    folder = tmp_path / "cohort"
    shutil.copytree(ran.manifest.parent, folder)
    slide = sorted((folder / "slides").iterdir())[0]
    old = hashlib.sha256(slide.read_bytes()).hexdigest()
    slide.write_bytes(slide.read_bytes()[:2000])
    sheet = folder / "slides.csv"
    sheet.write_text(sheet.read_text().replace(old, hashlib.sha256(slide.read_bytes()).hexdigest()))
    order = replace(ORDER, comparators=())
    found = train_slides(folder / "manifest.toml", order, tmp_path / "run", Silent(), OPTIONS)
    box = found.cohort.flow[-1]
    assert (box.label, box.excluded, box.remaining) == ("slides cannot be used: unreadable", 1, 11)


def test_the_paper_s_preset_has_one_split_and_keeps_its_network(ran: Ran, tmp_path: Path) -> None:
    order = replace(ORDER, preset="paper", comparators=(), both_croppings=0)
    manifest = cohort(tmp_path / "cohort", 26, seed=5)
    found = train_slides(manifest, order, tmp_path / "run", Silent(), OPTIONS)
    assert [one.name for one in found.fits] == ["split", "kept"]
    assert found.fits[0].patches == found.fits[1].patches
    assert {one.kind for one in found.scores} == {"held_out"}
    assert found.croppings is None
    assert json.loads((tmp_path / "run/results.json").read_bytes())["kind"] == "slides"
    assert np.isfinite(found.platt.intercept)
