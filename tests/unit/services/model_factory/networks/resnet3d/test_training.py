"""A training learns, can be cut, and gives the same again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.inner_split import inner_validation
from services.model_factory.handlers.networks.recipe import Arithmetic
from services.model_factory.handlers.networks.resnet3d.augmentation import TURNS, augmented, turned
from services.model_factory.handlers.networks.resnet3d.network import new_network
from services.model_factory.handlers.networks.resnet3d.recipe import NETWORK_RECIPES, NetworkRecipe
from services.model_factory.handlers.networks.resnet3d.trained import with_weights
from services.model_factory.handlers.networks.resnet3d.training import train_network
from shared.domain.errors import InvalidInputError
from tests.conftest import NO_HARDWARE
from tests.unit.services.model_factory.networks.conftest import Memory, Watching
from tests.unit.services.model_factory.networks.resnet3d.conftest import SMALL, striped

RECIPE = dataclasses.replace(NETWORK_RECIPES["corrected"], architecture=SMALL, epochs=8, batch=8, learning_rate=1e-2)


def test_stripes_are_learned_and_recognised_in_crops_it_has_not_seen(watching: Watching) -> None:
    crops, labels, patients = striped(48)

    trained = train_network(crops, labels, patients, RECIPE, 1, watching)

    unseen, truth, _ = striped(40, seed=99)
    said = trained.predict(unseen)
    assert ((said > 0.5) == truth).mean() > 0.9
    assert trained.losses[-1].training < trained.losses[0].training
    assert trained.patients == set(patients)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(watching: Watching) -> None:
    crops, labels, patients = striped(16)
    short = dataclasses.replace(RECIPE, epochs=2)

    first, again, other = (train_network(crops, labels, patients, short, seed, watching) for seed in (1, 1, 2))

    assert np.array_equal(first.predict(crops), again.predict(crops))
    assert first.losses == again.losses
    assert not np.array_equal(first.predict(crops), other.predict(crops))


def test_a_training_that_was_cut_ends_where_it_would_have_ended(watching: Watching) -> None:
    crops, labels, patients = striped(16)
    short = dataclasses.replace(RECIPE, epochs=4)
    whole = train_network(crops, labels, patients, short, 1, watching)
    states = Memory(last=2)
    with pytest.raises(KeyboardInterrupt):
        train_network(crops, labels, patients, short, 1, watching, states)

    after = Watching()
    resumed = train_network(crops, labels, patients, short, 1, after, states)

    assert np.array_equal(resumed.predict(crops), whole.predict(crops))
    assert resumed.losses == whole.losses
    assert after.steps == 4


def test_the_state_of_another_training_is_not_gone_on_with(watching: Watching) -> None:
    crops, labels, patients = striped(16)
    short = dataclasses.replace(RECIPE, epochs=2)
    states = Memory()
    train_network(crops, labels, patients, short, 1, watching, states)

    brighter = crops + np.float32(0.5)
    fresh = train_network(brighter, labels, patients, short, 1, watching)
    offered = train_network(brighter, labels, patients, short, 1, watching, states)

    assert offered.losses == fresh.losses


def test_corrected_keeps_the_weights_of_the_best_epoch_and_paper_the_last(watching: Watching) -> None:
    crops, labels, patients = striped(24)
    labels = np.random.default_rng(5).permutation(labels)  # nothing to learn: validation gets worse
    common = {"architecture": SMALL, "epochs": 6, "batch": 8, "learning_rate": 1e-2, "patience": 6}
    corrected = dataclasses.replace(NETWORK_RECIPES["corrected"], **common)  # type: ignore[arg-type]
    paper = dataclasses.replace(NETWORK_RECIPES["paper"], **common)  # type: ignore[arg-type]

    best = train_network(crops, labels, patients, corrected, 3, watching)
    last = train_network(crops, labels, patients, paper, 3, watching)

    assert best.losses[best.best_epoch].validation == min(one.validation for one in best.losses)
    assert best.best_epoch < 5
    assert last.best_epoch == len(last.losses) - 1


def test_training_stops_when_the_validation_loss_no_longer_falls(watching: Watching) -> None:
    crops, labels, patients = striped(24)
    labels = np.random.default_rng(5).permutation(labels)
    recipe = dataclasses.replace(RECIPE, epochs=30, patience=2, learning_rate=1e-2)

    trained = train_network(crops, labels, patients, recipe, 3, watching)

    best = int(np.argmin([one.validation for one in trained.losses]))
    assert len(trained.losses) == best + 3 < 30
    assert watching.steps == 30


def test_the_paper_is_trained_as_its_table_says() -> None:
    paper = NETWORK_RECIPES["paper"]

    assert (paper.learning_rate, paper.epochs, paper.batch) == (0.001, 30, 64)
    assert (paper.augmented, paper.restored, paper.grouped) == (False, False, False)
    assert (paper.architecture.width, paper.architecture.block, paper.architecture.side) == (64, "1-3-1", 64)


def test_the_inner_split_keeps_a_patient_on_one_side_and_both_classes_on_both() -> None:
    _, labels, patients = striped(60)

    validating = inner_validation(labels.astype(np.int64), patients, 0.2, 4, grouped=True)

    ours, theirs = ({p for p, v in zip(patients, validating, strict=True) if v is side} for side in (True, False))
    assert not {str(p) for p in ours} & {str(p) for p in theirs}
    assert all(len(set(labels[validating == side])) == 2 for side in (True, False))
    assert validating.mean() == pytest.approx(0.2, abs=0.05)


def test_a_class_with_one_patient_cannot_be_validated() -> None:
    with pytest.raises(ValueError, match="two patients of each class"):
        inner_validation(np.array([1, 0, 0]), ["a", "b", "c"], 0.2, 1, grouped=True)


def test_crops_of_another_shape_are_refused(watching: Watching) -> None:
    crops, labels, patients = striped(8)

    with pytest.raises(ValueError, match="takes inputs of"):
        train_network(crops[:, :, :8], labels, patients, RECIPE, 1, watching)


def test_augmentation_turns_the_cube_in_all_48_ways_and_changes_no_voxel() -> None:
    crop = np.arange(27, dtype=np.float32).reshape(1, 3, 3, 3)

    made = {turned(crop, axes, flips).tobytes() for axes, flips in TURNS}

    assert len(made) == 48
    assert all(sorted(np.frombuffer(one, dtype=np.float32)) == sorted(crop.ravel()) for one in made)


def test_augmentation_leaves_the_given_crops_as_they_are() -> None:
    crops, _, _ = striped(4)
    before = crops.copy()

    made = augmented(crops, np.random.default_rng(1))

    assert np.array_equal(crops, before)
    assert not np.array_equal(made, before)


def test_weights_can_be_kept_and_taken_over(watching: Watching) -> None:
    crops, labels, patients = striped(16)
    trained = train_network(crops, labels, patients, dataclasses.replace(RECIPE, epochs=1), 1, watching)
    network = new_network(SMALL, 9)

    with_weights(network, trained.weights())

    taken, kept = network.state_dict(), trained.network.state_dict()
    assert all(torch.equal(taken[name], kept[name]) for name in kept)


def test_bfloat16_learns_too(watching: Watching) -> None:
    crops, labels, patients = striped(48)
    recipe: NetworkRecipe = dataclasses.replace(RECIPE, arithmetic="bfloat16")

    trained = train_network(crops, labels, patients, recipe, 1, watching)

    assert ((trained.predict(crops) > 0.5) == labels).mean() > 0.9
    assert {one.dtype for one in trained.network.parameters()} == {torch.float32}


@pytest.mark.skipif(torch.cuda.is_available(), reason=f"{NO_HARDWARE}: there is a GPU, and nothing is missing")
def test_a_gpu_that_is_not_there_is_said(watching: Watching) -> None:
    crops, labels, patients = striped(8)

    with pytest.raises(InvalidInputError, match="no GPU here"):
        train_network(crops, labels, patients, dataclasses.replace(RECIPE, device="cuda"), 1, watching)


@pytest.mark.skipif(not torch.cuda.is_available(), reason=f"{NO_HARDWARE}: no GPU here")
@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
def test_a_gpu_learns_what_a_processor_learns(watching: Watching, arithmetic: Arithmetic) -> None:
    crops, labels, patients = striped(48)
    recipe = dataclasses.replace(RECIPE, device="cuda", arithmetic=arithmetic)

    trained = train_network(crops, labels, patients, recipe, 1, watching)

    assert ((trained.predict(crops) > 0.5) == labels).mean() > 0.9
    assert not next(trained.network.parameters()).is_cuda


def test_a_batch_without_a_finite_gradient_spoils_nothing(watching: Watching) -> None:
    crops, labels, patients = striped(48)
    learning = np.flatnonzero(~inner_validation(labels.astype(np.int64), patients, RECIPE.inner_share, 1, grouped=True))
    crops[learning[0], 0, 3, 3, 3] = np.nan

    trained = train_network(crops, labels, patients, RECIPE, 1, watching)

    assert all(bool(torch.isfinite(one).all()) for one in trained.network.state_dict().values())
    unseen, truth, _ = striped(40, seed=99)
    assert ((trained.predict(unseen) > 0.5) == truth).mean() > 0.9
