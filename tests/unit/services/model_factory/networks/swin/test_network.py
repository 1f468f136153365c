"""Our Swin Transformer is the one of the paper: transformers' says the same of the same weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.swin.architecture import STAGES, SwinArchitecture
from services.model_factory.handlers.networks.swin.network import SwinTransformer, new_swin, relative_index, shift_mask
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights, our_names
from services.model_factory.handlers.networks.trained import parameter_count
from tests.unit.services.model_factory.networks.swin.conftest import SMALL, made_up

SHAPES = (  # where a stage has fewer cells than a window, transformers pads; ours takes smaller windows
    dataclasses.replace(SMALL, side=64),
    SwinArchitecture(width=24, depths=(2, 2, 2, 2), heads=(3, 6, 12, 24), window=7, side=224),
    SwinArchitecture(width=12, depths=(1, 2, 2, 2), heads=(1, 2, 4, 4), window=3, side=96),
)


def judge(architecture: SwinArchitecture) -> Any:
    """Return transformers' network of the same shape, with weights of its own."""
    from transformers import SwinConfig, SwinForImageClassification

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        config: Any = SwinConfig(  # type: ignore[call-arg]
            image_size=architecture.side, embed_dim=architecture.width, depths=list(architecture.depths),
            num_heads=list(architecture.heads), window_size=architecture.window, num_labels=architecture.classes,
            initializer_range=0.1,
        )  # fmt: skip
        made: Any = SwinForImageClassification(config)
        return made.eval()


@pytest.mark.parametrize("architecture", SHAPES, ids=lambda one: one.name)
def test_logits_and_last_maps_are_those_of_transformers(architecture: SwinArchitecture) -> None:
    theirs, ours = judge(architecture), new_swin(architecture, 1).eval()
    FirstWeights(our_names(theirs.state_dict()), "transformers").into(ours)
    patches = torch.from_numpy(made_up(2, architecture, 5))

    with torch.no_grad():
        logits, maps = ours(patches), ours.maps(patches)
        expected, hidden = theirs(patches).logits, theirs.swin(patches).last_hidden_state

    assert np.ptp(expected.numpy()) > 0.01
    assert float((logits - expected).abs().max()) <= 1e-5
    assert float((maps.flatten(1, 2) - hidden).abs().max()) <= 1e-5 * max(1.0, float(hidden.abs().max()))


def test_the_default_is_swin_t() -> None:
    network = SwinTransformer(SwinArchitecture())

    # 28.29 M with 1000 classes and 769,000 weights in that head (torchvision's swin_t); ours has 3 classes.
    assert parameter_count(network) == 28_288_354 - 769_000 + 3 * 769
    assert network.architecture.name == "Swin-T"
    assert dataclasses.replace(network.architecture, width=48).name.startswith("Swin of reduced size")
    assert [network.architecture.cells(stage) for stage in range(STAGES)] == [56, 28, 14, 7]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"side": 100}, "halved three times"),
        ({"window": 5}, "windows of 5"),
        ({"heads": (5, 6, 12, 24)}, "multiple of its heads"),
    ],
)
def test_a_shape_that_cannot_be_cut_is_refused(change: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        dataclasses.replace(SwinArchitecture(), **change)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, again, other = (new_swin(SMALL, seed).state_dict() for seed in (1, 1, 2))

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_relative_index_counts_rows_before_columns() -> None:
    index = relative_index(2)

    assert index.diagonal().tolist() == [4, 4, 4, 4]
    assert index[3, 0] - index[0, 3] == 2 * (3 + 1)
    assert np.unique(relative_index(7)).size == 13**2


def test_a_shifted_window_keeps_apart_what_the_shift_has_brought_together() -> None:
    mask = shift_mask(4, 2, 1)

    assert mask.shape == (4, 4, 4)
    assert not mask[0].any()
    assert (mask[3] < 0).sum() == 4 * 4 - 4
