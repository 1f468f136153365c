"""A training learns, can be cut, and gives the same again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.inner_split import inner_validation
from services.model_factory.handlers.networks.swin.augmentation import StainSpace, altered, restained
from services.model_factory.handlers.networks.swin.network import new_swin
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights
from services.model_factory.handlers.networks.swin.recipe import PATCH_RECIPES
from services.model_factory.handlers.networks.swin.training import train_patch_network
from tests.unit.services.model_factory.networks.conftest import Memory, Watching
from tests.unit.services.model_factory.networks.swin.conftest import SMALL, SPACE, dotted, made_up

RECIPE = dataclasses.replace(
    PATCH_RECIPES["corrected"], architecture=SMALL, epochs=12, batch=12, learning_rate=3e-3, frozen=0
)
SHORT = dataclasses.replace(RECIPE, epochs=3)


def test_dots_and_bars_are_learned_and_recognised_in_patches_it_has_not_seen(watching: Watching) -> None:
    patches, labels, patients = dotted(96)

    trained = train_patch_network(patches, labels, patients, RECIPE, 1, watching, SPACE)

    unseen, truth, _ = dotted(60, seed=99)
    assert (trained.predict(unseen).argmax(1) == truth).mean() > 0.9
    assert trained.predict(unseen).sum(1) == pytest.approx(1)
    assert trained.patients == set(patients)
    assert trained.pretrained == ""


def test_patches_kept_in_half_precision_are_learned_from_as_well(watching: Watching) -> None:
    patches, labels, patients = dotted(48)

    trained = train_patch_network(patches.astype(np.float16), labels, patients, SHORT, 1, watching, SPACE)

    assert trained.losses[-1].training < trained.losses[0].training


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(watching: Watching) -> None:
    patches, labels, patients = dotted(36)

    first, again, other = (
        train_patch_network(patches, labels, patients, SHORT, seed, watching, SPACE) for seed in (1, 1, 2)
    )

    assert np.array_equal(first.predict(patches), again.predict(patches))
    assert first.losses == again.losses
    assert not np.array_equal(first.predict(patches), other.predict(patches))


def test_a_training_that_was_cut_ends_where_it_would_have_ended(watching: Watching) -> None:
    patches, labels, patients = dotted(36)
    whole = train_patch_network(patches, labels, patients, SHORT, 1, watching, SPACE)
    states = Memory(last=2)
    with pytest.raises(KeyboardInterrupt):
        train_patch_network(patches, labels, patients, SHORT, 1, watching, SPACE, states=states)

    resumed = train_patch_network(patches, labels, patients, SHORT, 1, watching, SPACE, states=states)

    assert np.array_equal(resumed.predict(patches), whole.predict(patches))
    assert resumed.losses == whole.losses


def test_the_bottom_of_a_network_that_was_given_weights_stays_as_it_was(watching: Watching) -> None:
    patches, labels, patients = dotted(36)
    given = new_swin(SMALL, 7).state_dict()
    first = FirstWeights(given, "somewhere, sha256 00")
    recipe = dataclasses.replace(SHORT, frozen=2)

    trained = train_patch_network(patches, labels, patients, recipe, 1, watching, SPACE, first)

    now = trained.network.state_dict()
    below = [name for name in given if name.startswith(("embed", "stages.0", "stages.1"))]
    assert len(below) > 20
    assert all(torch.equal(now[name], given[name]) for name in below)
    assert not torch.equal(now["head.weight"], given["head.weight"])
    assert (trained.pretrained, trained.frozen) == ("somewhere, sha256 00", 2)


def test_random_weights_are_never_frozen(watching: Watching) -> None:
    patches, labels, patients = dotted(36)
    recipe = dataclasses.replace(SHORT, frozen=2)

    trained = train_patch_network(patches, labels, patients, recipe, 1, watching, SPACE)

    begun = new_swin(SMALL, 1).state_dict()
    assert not torch.equal(trained.network.state_dict()["embed.weight"], begun["embed.weight"])
    assert trained.frozen == 0


def test_the_paper_is_trained_as_it_says() -> None:
    paper = PATCH_RECIPES["paper"]

    assert (paper.epochs, paper.batch, paper.architecture.name) == (20, 128, "Swin-T")
    assert (paper.augmented, paper.balanced, paper.grouped) == (False, False, False)
    corrected = PATCH_RECIPES["corrected"]
    assert (corrected.augmented, corrected.balanced, corrected.grouped) == (True, True, True)


def test_the_inner_split_keeps_patients_apart_and_has_every_kind_of_slide_on_both_sides() -> None:
    _, labels, patients = dotted(120)

    validating = inner_validation(np.maximum(labels, 1), patients, 0.2, 4, grouped=True)

    ours, theirs = ({p for p, v in zip(patients, validating, strict=True) if v == side} for side in (True, False))
    assert not ours & theirs
    assert all(set(labels[validating == side]) == {0, 1, 2} for side in (True, False))


def test_every_class_weighs_the_same_where_the_recipe_is_balanced(watching: Watching) -> None:
    patches, labels, patients = dotted(120)
    chosen = (labels != 2) | (np.arange(120) % 12 == 9)
    few = [one for one, kept in zip(patients, chosen, strict=True) if kept]

    trained = train_patch_network(patches[chosen], labels[chosen], few, RECIPE, 1, watching, SPACE)

    unseen, truth, _ = dotted(60, seed=99)
    assert (trained.predict(unseen).argmax(1) == truth)[truth == 2].mean() > 0.8


def test_patches_of_another_shape_are_refused(watching: Watching) -> None:
    patches, labels, patients = dotted(12)

    with pytest.raises(ValueError, match="takes inputs of"):
        train_patch_network(patches[:, :, :16], labels, patients, SHORT, 1, watching, SPACE)


def test_augmentation_changes_colours_as_another_staining_would() -> None:
    rng, space = np.random.default_rng(1), SPACE
    mean, deviation = (np.array(one)[:, None, None] for one in (space.mean, space.deviation))
    strengths = np.random.default_rng(2).uniform(0.1, 0.8, (4, 2, 16, 16))
    density = np.einsum("ncij,cd->ndij", strengths, np.array([space.haematoxylin, space.eosin]))
    patches = ((np.exp(-density) - mean) / deviation).astype(np.float32)

    other = restained(patches, rng, space)

    seen = -np.log(np.clip(other * deviation + mean, 1e-6, None)).reshape(4, 3, -1)
    rank = [np.linalg.svd(one - one.mean(1, keepdims=True), compute_uv=False) for one in seen]
    assert np.abs(other - patches).max() > 0.05
    assert all(one[2] < 0.02 * one[0] for one in rank)  # still two stains


def test_augmentation_leaves_the_given_patches_as_they_are() -> None:
    patches = made_up(4)
    before = patches.copy()

    made = altered(patches, np.random.default_rng(1), SPACE)

    assert np.array_equal(patches, before)
    assert not np.array_equal(made, before)
    assert np.isfinite(made).all()


def test_a_stain_space_of_two_equal_stains_is_refused() -> None:
    with pytest.raises(ValueError, match="two stains"):
        StainSpace((0.6, 0.7, 0.3), (0.6, 0.7, 0.3), (0.7,) * 3, (0.2,) * 3)
