"""``swin_t_b8``: eight patches of 224 x 224 through Swin-T at full width, heat included.

Ours is the fastest of the engines and precisions that the gate admits here: on simulated slides no level changes and no
score moves by more than .005. The peer is torch in eager mode with the same weights, without heat, on as many threads:
transformers' network or ours, whichever is faster. All take turns on the same patches; the fastest of each counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from services.model_factory.formats.annotations.reading import read_annotation
from services.model_factory.handlers.networks.swin import looking
from services.model_factory.handlers.networks.swin.architecture import SwinArchitecture
from services.model_factory.handlers.networks.swin.gate import Gate, measured_gate
from services.model_factory.handlers.networks.swin.graph import swin_graph
from services.model_factory.handlers.networks.swin.network import SwinTransformer, new_swin
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights, our_names
from services.model_factory.handlers.networks.swin.quantising import eight_bit
from services.model_factory.handlers.patches.cutting import begin_cutting
from services.model_factory.handlers.patches.settings import CutSettings
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import Precision, RuntimeChoice
from shared.domain.slides import Cropping
from shared.pathology.patch_contract import PatchContract
from shared.pathology.patches import scaled
from shared.pathology.stain.fit import STANDARD
from shared.pathology.trouble import SlideTrouble, SlideTroubleError
from shared.phantoms.slides.annotations import geojson
from shared.phantoms.slides.cohort import draw_slides, scan
from shared.phantoms.slides.writing import tiff_bytes
from shared.slides.opening import opened
from shared.slides.resolution import gated
from tests.bench.ln_pcr.options import Measured, Options, seconds
from tests.bench.rows import Row

Patches = NDArray[np.float32]
BATCH, SLIDES = 8, 8
CONTRACT = PatchContract(160.0, 224, 500.0, 0.3, STANDARD, (0.86, 0.66, 0.91), (0.16, 0.18, 0.09), 7, "Swin-T")
GOALS = "goals: 3.5 where bfloat16 is had and admitted, else 1.2"


@dataclass(frozen=True)
class Cut:
    """One simulated slide: all its patches, and some with their classes."""

    whole: Patches
    some: Patches
    labels: NDArray[np.int64]


def measure(options: Options) -> Measured:
    """Return one row per engine, the best admitted first."""
    slides = [cut_slide(options, row) for row in range(SLIDES)]
    theirs, ours = same_weights(slides[: SLIDES // 2])
    graph = swin_graph(ours)
    golden = [partial(_whole, one) for one in slides]
    eight = eight_bit(graph)
    gates = {
        "bfloat16": measured_gate(graph, golden, "bfloat16"),
        "int8": measured_gate(graph, golden, "int8", "onnxruntime", eight),
    }
    patches = np.concatenate([one.whole for one in slides])[:BATCH]
    runs: dict[tuple[str, str], Callable[[Patches], object]] = {
        ("torch ours", "float32"): partial(_eager, ours), ("torch theirs", "float32"): partial(_eager, theirs),
    }  # fmt: skip
    for choice in _choices(gates):
        narrow = eight if choice.precision == "int8" else graph
        runtime = open_network(narrow, choice, choice.precision)
        runs[(runtime.name, runtime.precision)] = runtime.run
    taken = _in_turns(runs, patches, 2 * options.repeats)
    peer = min(taken.pop((f"torch {one}", "float32")) for one in ("ours", "theirs"))
    ranked = sorted(taken, key=lambda one: taken[one])
    rows = [_row(f"swin_t_b8 {name.split()[0]}", taken[name, kind], peer, kind) for name, kind in ranked]
    best = dataclasses.replace(rows[0], case="swin_t_b8")
    said = f"swin_t_b8: {ranked[0][0]}; {torch.get_num_threads()} threads on both sides; {GOALS}"
    return Measured((best, *rows[1:]), (said, *(_said(name, gate) for name, gate in gates.items())))


def cut_slide(options: Options, row: int) -> Cut:
    """Simulate, write, open and cut one slide, as in training."""
    made = scan(draw_slides(SLIDES, 7), row)
    path = options.folder / f"{row}.tiff"
    path.write_bytes(tiff_bytes(made))
    reader = opened([path])
    if isinstance(reader, SlideTrouble):
        raise SlideTroubleError(reader)
    resolution = gated(reader.description)
    if isinstance(resolution, SlideTrouble):
        raise SlideTroubleError(resolution)
    cut = begin_cutting(reader, resolution.x, CONTRACT)
    whole = cut.patches(cut.grid(Cropping.MICROMETRES)).pixels
    annotation = read_annotation(geojson(made).encode(), ".geojson")
    (some,) = cut.learned(annotation, CutSettings(sides_um=(CONTRACT.side_um,)), np.random.default_rng(row))
    reader.close()
    positive = made.plan.shown > 0
    return Cut(_inputs(whole), _inputs(some.pixels), np.where(some.tumour >= 0.5, 1 + int(positive), 0))


def same_weights(slides: list[Cut]) -> tuple[Any, SwinTransformer]:
    """Return transformers' and our network: weights from a seed, and a head that tells the slides' patches apart."""
    from transformers import SwinConfig, SwinForImageClassification

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theirs: Any = SwinForImageClassification(SwinConfig(num_labels=3))  # type: ignore[call-arg]
    ours = new_swin(SwinArchitecture(), 1).eval()
    FirstWeights(our_names(theirs.state_dict()), "transformers").into(ours)
    inputs, labels = (np.concatenate(some) for some in zip(*((one.some, one.labels) for one in slides), strict=True))
    features = looking.features(ours, inputs)
    head = LogisticRegression(max_iter=2000).fit(features / features.std(), labels)
    with torch.no_grad():
        for layer in (ours.head, theirs.classifier):
            layer.weight.copy_(torch.from_numpy(head.coef_ / features.std()))
            layer.bias.copy_(torch.from_numpy(head.intercept_))
    return theirs.eval(), ours


def _inputs(pixels: NDArray[np.uint8]) -> Patches:
    return np.stack([scaled(one, CONTRACT) for one in pixels])


def _whole(one: Cut) -> Patches:
    return one.whole


def _choices(gates: dict[str, Gate | None]) -> list[RuntimeChoice]:
    admitted: list[Precision] = ["float32"]
    admitted += ["bfloat16"] if (one := gates["bfloat16"]) is not None and one.admitted else []
    eight = [RuntimeChoice("onnxruntime", "int8")] if (one := gates["int8"]) is not None and one.admitted else []
    return [RuntimeChoice(), *(RuntimeChoice("openvino", one) for one in admitted), *eight]


def _eager(network: Any, patches: Patches) -> object:
    with torch.inference_mode():
        found = network(torch.from_numpy(patches))
        return torch.softmax(getattr(found, "logits", found), 1)


def _in_turns(
    runs: dict[tuple[str, str], Callable[[Patches], object]], patches: Patches, rounds: int
) -> dict[tuple[str, str], float]:
    for run in runs.values():
        run(patches)
    turns = [{name: seconds(partial(run, patches)) for name, run in runs.items()} for _ in range(rounds)]
    return {name: min(turn[name] for turn in turns) for name in runs}


def _row(case: str, ours: float, peer: float, precision: str) -> Row:
    return Row(case, 1000 * ours, 1000 * peer, "torch eager float32", "ms", precision=precision)


def _said(name: str, gate: Gate | None) -> str:
    if gate is None:
        return f"gate: this processor has no {name}"
    scores = f"largest shift of a score {gate.largest_shift:.4f}, of a probability {gate.largest_difference:.4f}"
    levels = sum(not one.same_level for one in gate.slides)
    verdict = "admitted" if gate.admitted else "not admitted"
    return f"gate: {name} {verdict}; {len(gate.slides)} slides, {levels} change their level, {scores}"
