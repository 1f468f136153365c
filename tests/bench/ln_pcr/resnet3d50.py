"""``resnet3d50``: one crop of 64³ through the full network (46.16 M parameters), heat included.

Ours is the best of the engines and precisions that the drift gate admits here; the peer is torch in eager mode with the
same weights, without heat, on as many threads. All take turns on the same crops; the fastest of each counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.networks.resnet3d.drift import LEAST_CROPS, measured_drift
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D, new_network
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import Precision, RuntimeChoice
from shared.imaging.crops import take_crop
from shared.phantoms.dce.cohort import draw_cohort, scan
from tests.bench.ln_pcr.options import Measured, Options, seconds
from tests.bench.rows import Row

Crops = NDArray[np.float32]


def measure(options: Options) -> Measured:
    """Return one row per engine, the best admitted first."""
    crops = simulated_crops(LEAST_CROPS)
    network = settled(crops)
    graph = network_graph(network)
    drift = measured_drift(graph, crops)
    runs: dict[tuple[str, str], Callable[[Crops], object]] = {("torch", "float32"): lambda crop: _eager(network, crop)}
    for choice in _choices(admitted=drift is not None and drift.admitted):
        runtime = open_network(graph, choice, choice.precision)
        runs[(runtime.name, runtime.precision)] = runtime.run
    taken = _in_turns(runs, crops, 2 * options.repeats)
    peer = taken.pop(("torch", "float32"))
    ranked = sorted(taken, key=lambda one: taken[one])
    rows = [_row(f"resnet3d50 {name.split()[0]}", taken[name, kind], peer, kind) for name, kind in ranked]
    best = dataclasses.replace(rows[0], case="resnet3d50")
    threads = f"ours: {ranked[0][0]}; {torch.get_num_threads()} threads on both sides"
    return Measured((best, *rows[1:]), (threads, _said(drift)))


def simulated_crops(n: int, seed: int = 1) -> Crops:
    """Crops of simulated women, as they are cut for training and serving."""
    cohort = draw_cohort(n, seed)
    studies = [scan(cohort, row, phases=2).study for row in range(n)]
    return np.stack([take_crop([one.phases[1]], one.mask, Architecture().input_shape, 0.25).voxels for one in studies])


def settled(crops: Crops) -> ResNet3D:
    """The full network: weights from a seed, normalisation that has seen crops, as a trained one's has."""
    network = new_network(Architecture(), 1).train()
    with torch.no_grad():
        for start in range(0, 6, 2):
            network(torch.from_numpy(crops[start : start + 2]))
    return network.eval()


def _choices(*, admitted: bool) -> list[RuntimeChoice]:
    precisions: tuple[Precision, ...] = ("float32", "bfloat16") if admitted else ("float32",)
    return [RuntimeChoice(), *(RuntimeChoice("openvino", one) for one in precisions)]


def _eager(network: ResNet3D, crop: Crops) -> object:
    with torch.inference_mode():
        return torch.softmax(network(torch.from_numpy(crop)), 1)


def _in_turns(
    runs: dict[tuple[str, str], Callable[[Crops], object]], crops: Crops, rounds: int
) -> dict[tuple[str, str], float]:
    for run in runs.values():
        run(crops[:1])
    turns = [
        {name: seconds(partial(run, crops[number % len(crops)][None])) for name, run in runs.items()}
        for number in range(rounds)
    ]
    return {name: min(turn[name] for turn in turns) for name in runs}


def _row(case: str, ours: float, peer: float, precision: str) -> Row:
    return Row(case, 1000 * ours, 1000 * peer, "torch eager float32", "ms", precision=precision)


def _said(drift: object) -> str:
    return f"drift gate: {drift}" if drift else "drift gate: this processor has no bfloat16"
