"""The network is the ResNet-50 everybody means, and the options are what they say."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D, load_weights, new_network
from services.model_factory.handlers.networks.resnet3d.recipe import DEMONSTRATION
from services.model_factory.handlers.networks.trained import parameter_count
from tests.unit.services.model_factory.networks.resnet3d.conftest import SMALL, made_up, settled


def test_the_full_network_is_monais_resnet50_weight_for_weight() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.networks.nets.resnet import resnet50

    peer = resnet50(spatial_dims=3, n_input_channels=1, num_classes=2).eval()
    ours = ResNet3D(Architecture()).eval()
    load_weights(ours, peer.state_dict())
    crop = torch.from_numpy(made_up(1, Architecture(side=16)))

    assert parameter_count(ours) == sum(one.numel() for one in peer.parameters()) == 46_163_010
    with torch.no_grad():
        assert torch.allclose(ours(crop), peer(crop), rtol=1e-5, atol=1e-5)


def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_own_seed_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (new_network(SMALL, seed).state_dict() for seed in (1, 1, 2))

    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [
        (Architecture(), (4, 4, 4)),
        (Architecture(stem_stride=2), (2, 2, 2)),
        (Architecture(stem_stride=2, heat_layer="layer2"), (8, 8, 8)),
        (Architecture(max_pool=False, heat_layer="layer3"), (16, 16, 16)),
        (DEMONSTRATION, (8, 8, 8)),
    ],
)
def test_the_shape_of_the_heat_follows_from_the_strides(
    architecture: Architecture, shape: tuple[int, int, int]
) -> None:
    narrow = dataclasses.replace(architecture, width=1, depths=(1, 1, 1, 1))
    with torch.no_grad():
        maps = ResNet3D(narrow).eval().maps(torch.zeros(1, 1, 64, 64, 64))

    assert architecture.heat_shape == shape == tuple(maps[architecture.heat_layer].shape[2:])


def test_three_times_three_is_an_option_and_has_more_parameters() -> None:
    bottleneck, thrice = (new_network(dataclasses.replace(SMALL, block=one), 1) for one in ("1-3-1", "3-3-3"))

    block = thrice.stage("layer1")[0]
    assert block.conv1.kernel_size == block.conv2.kernel_size == block.conv3.kernel_size == (3, 3, 3)
    assert parameter_count(thrice) > 3 * parameter_count(bottleneck)
    assert "3-3-3" in thrice.architecture.name


def test_weights_of_another_architecture_are_refused() -> None:
    with pytest.raises(ValueError, match="not those of this architecture"):
        load_weights(new_network(SMALL, 1), new_network(dataclasses.replace(SMALL, width=3), 1).state_dict())


def test_a_cell_looks_at_the_crop_around_stride_times_its_index() -> None:
    architecture = dataclasses.replace(SMALL, side=32, strides=(1, 2, 1, 1))
    moments = []
    for seed in range(12):
        network = settled(architecture, seed)
        crop = torch.from_numpy(made_up(1, architecture, seed)).requires_grad_()
        (gradient,) = torch.autograd.grad(network.maps(crop)["layer4"][0, :, 2, 2, 2].sum(), crop)
        weight = gradient.numpy()[0, 0] ** 2
        moments.append([(weight * place).sum() / weight.sum() for place in np.indices(weight.shape)])

    # Stride 8: voxel 16, and not 19.5, the middle of the third block of eight.
    assert np.mean(moments) == pytest.approx(16.0, abs=0.7)
