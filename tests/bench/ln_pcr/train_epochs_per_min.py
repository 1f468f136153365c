"""``train_epochs_per_min``: epochs a minute of the network's training on this machine.

The demonstration network on 64 simulated crops, whole epochs with validation; the peer is the same network, crops,
batches and number of steps in a plain torch loop (float32, usual layout, no augmentation). Both rates are for an epoch
of 300 crops. ``--full`` adds one epoch of the full network (46.16 M parameters) on 16 crops, counted likewise, and one
on a GPU where torch has one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from services.model_factory.handlers.networks.resnet3d.network import new_network
from services.model_factory.handlers.networks.resnet3d.recipe import NETWORK_RECIPES, NetworkRecipe, demonstration
from services.model_factory.handlers.networks.resnet3d.training import train_network
from services.model_factory.ports import Steps
from tests.bench.ln_pcr.options import Measured, Options, in_turns
from tests.bench.ln_pcr.resnet3d50 import Crops, simulated_crops
from tests.bench.rows import Row

COHORT = 300


def measure(options: Options) -> Measured:
    """Return one row for the demonstration network, with ``--full`` one for the full network and each on a GPU."""
    recipes = {"reduced": (demonstration("corrected"), 64, 2)}
    if options.full:
        full = dataclasses.replace(NETWORK_RECIPES["corrected"], batch=4, arithmetic="bfloat16")
        recipes["full"] = (full, 16, 1)
        if torch.cuda.is_available():
            on_gpu = dataclasses.replace(full, device="cuda", batch=16)
            recipes["full on a GPU"] = (on_gpu, 64, 2)
    rows = tuple(_row(name, *given, options.repeats) for name, given in recipes.items())
    note = "no GPU here" if not torch.cuda.is_available() else torch.cuda.get_device_name()
    return Measured(rows, (f"training: {torch.get_num_threads()} threads; epochs of {COHORT} crops; {note}",))


def _row(name: str, recipe: NetworkRecipe, n: int, epochs: int, repeats: int) -> Row:
    crops = simulated_crops(n)
    recipe = dataclasses.replace(recipe, epochs=epochs)
    warm = dataclasses.replace(recipe, epochs=1)
    for side in (_ours, _plain):  # kernels are compiled when they are first met
        side(crops[: 2 * recipe.batch], warm)
    taken = in_turns(lambda: _ours(crops, recipe), lambda: _plain(crops, recipe), min(repeats, 2))
    ours, plain = (60 * epochs * n / (COHORT * one) for one in taken)
    case = "train_epochs_per_min" if name == "reduced" else f"train_epochs_per_min {name}"
    return Row(case, ours, plain, "plain torch loop", "1/min", higher=True, precision=recipe.arithmetic)


def _ours(crops: Crops, recipe: NetworkRecipe) -> None:
    labels = np.arange(len(crops)) % 2 == 0
    train_network(crops, labels, [str(number) for number in range(len(crops))], recipe, 1, _Silent())


def _plain(crops: Crops, recipe: NetworkRecipe) -> None:
    network = new_network(recipe.architecture, 1).to(recipe.device)
    adam = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    x, y = torch.from_numpy(crops), torch.arange(len(crops)) % 2
    learning = round(len(crops) * (1 - recipe.inner_share))
    for _ in range(recipe.epochs):
        network.train()
        for start in range(0, learning, recipe.batch):
            batch = slice(start, min(start + recipe.batch, learning))
            loss = cross_entropy(network(x[batch].to(recipe.device)), y[batch].to(recipe.device))
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
            float(loss.detach())
        network.eval()
        with torch.no_grad():
            for start in range(learning, len(crops), 16):
                network(x[start : start + 16].to(recipe.device))


class _Silent:
    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Steps]:
        yield lambda: None
