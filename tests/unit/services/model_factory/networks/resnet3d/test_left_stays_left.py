"""However a study is stored, the heat of its brightest spot comes back to that spot, on its side."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D
from shared.bundles.runtimes.onnx_runtime import OnnxRuntime
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import NetworkRuntime, RuntimeChoice
from shared.imaging.crops import take_crop
from shared.imaging.heat import heat_on, heat_volume
from shared.imaging.volume import Grid, Mask, Volume

ARCHITECTURE = Architecture(width=1, depths=(1, 1, 1, 1), stem_stride=2, strides=(1, 2, 1, 1))
CELL_MM = 40 * 1.25 / 8
"""The tumour is 40 mm long, the margin a quarter, and the map has eight cells."""
SPOT = np.array([52.0, -22.0, 24.0])
"""In the left breast: outer, towards the back, above."""


def bright_spots() -> ResNet3D:
    """A ResNet with weights by hand: it hands brightness on, so that the heat is where the crop is bright."""
    network = ResNet3D(ARCHITECTURE).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.conv1.weight[0, 0, 2:5, 2:5, 2:5] = 1 / 27
        network.bn1.weight.fill_(1)
        for name in ("layer1", "layer2", "layer3", "layer4"):
            convolution, normalisation = network.get_submodule(f"{name}.0.downsample").children()
            convolution.weight[0, 0] = 1  # type: ignore[operator]
            normalisation.weight.fill_(1)  # type: ignore[operator]
        network.fc.weight[1, 0] = 1
    return network


@pytest.fixture(scope="module")
def runtime() -> NetworkRuntime:
    made = open_network(network_graph(bright_spots()), RuntimeChoice(threads=1))
    assert isinstance(made, OnnxRuntime)
    return made


def study(turn: float = 0.0) -> tuple[Volume, Mask]:
    """Two breasts, a long tumour in the left one, and in it a spot that is brighter than everything else."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 2.0], [0, 2.0, 0], [4.0, 0, 0]])
    c, s = np.cos(turn), np.sin(turn)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ affine[:3, :3]
    grid = Grid((30, 50, 100), affine, "1.2.3")
    affine[:3, 3] = np.array([0.0, -30.0, 10.0]) - grid.place((np.array(grid.shape) - 1) / 2)
    places = grid.place(np.argwhere(np.ones(grid.shape)).astype(np.float64)).reshape(*grid.shape, 3)
    tumour = np.all(np.abs(places - [40.0, -30.0, 15.0]) <= [20.0, 14.0, 14.0], axis=-1)
    breasts = np.minimum(*(np.linalg.norm(places - [x, -30.0, 10.0], axis=-1) for x in (-45.0, 45.0))) < 42
    spot = np.exp(-(((places - SPOT) / 4.0) ** 2).sum(axis=-1))
    voxels = 100.0 * breasts + 60.0 * tumour + 900.0 * spot
    return Volume(voxels.astype(np.int16), grid), Mask(tumour, grid)


def stored_otherwise(volume: Volume, mask: Mask, axes: tuple[int, ...], flips: tuple[bool, ...]) -> tuple[Volume, Mask]:
    """The same voxels at the same places, in an array with other axes."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = volume.grid.affine[:3, list(axes)], volume.grid.affine[:3, 3]
    shape = [volume.grid.shape[axis] for axis in axes]
    for place in np.flatnonzero(flips):
        affine[:3, 3] += affine[:3, place] * (shape[place] - 1)
        affine[:3, place] *= -1
    grid = Grid((shape[0], shape[1], shape[2]), affine, "1.2.3")
    back = tuple(int(place) for place in np.flatnonzero(flips))
    voxels, bits = np.flip(volume.voxels.transpose(axes), back), np.flip(mask.bits.transpose(axes), back)
    return Volume(voxels, grid), Mask(bits, grid)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_the_peak_comes_back_within_one_cell_on_its_own_side(
    runtime: NetworkRuntime, axes: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    volume, mask = stored_otherwise(*study(), axes, flips)

    found = peak(runtime, volume, mask)

    assert np.abs(found - SPOT).max() <= CELL_MM
    assert found[0] > 0  # the patient's left


@pytest.mark.parametrize("turn", [-0.6, 0.2, 0.5])
def test_oblique_slices_change_nothing(runtime: NetworkRuntime, turn: float) -> None:
    found = peak(runtime, *study(turn))

    assert np.abs(found - SPOT).max() <= 1.2 * CELL_MM


def test_of_the_mirrored_woman_it_comes_back_on_the_other_side(runtime: NetworkRuntime) -> None:
    volume, mask = study()
    mirrored = Volume(volume.voxels[:, :, ::-1], volume.grid), Mask(mask.bits[:, :, ::-1], mask.grid)

    found = peak(runtime, *mirrored)

    assert np.abs(found - SPOT * [-1, 1, 1]).max() <= CELL_MM


def peak(runtime: NetworkRuntime, volume: Volume, mask: Mask) -> np.ndarray:
    """Where in the patient (LPS, mm) the heat is largest on the grid of the study; the map's own peak is as near."""
    crop = take_crop([volume], mask, ARCHITECTURE.input_shape, 0.25)
    heat = heat_volume(runtime.run(crop.voxels[None])[1][0], crop.grid)
    own = heat.grid.place(np.array(np.unravel_index(int(heat.voxels.argmax()), heat.grid.shape), dtype=np.float64))
    on = heat_on(heat, volume.grid).voxels
    found = volume.grid.place(np.array(np.unravel_index(int(on.argmax()), on.shape), dtype=np.float64))
    assert np.abs(found - own).max() <= CELL_MM
    return np.asarray(found)
