"""A bundle that judges slides: a network of three numbers that looks at the mean colour. Of no medical meaning."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from numpy.typing import NDArray

from services.model_factory.formats.graph import IR_VERSION, OPSET, logistic_graph
from shared.bundles.keys import TrustedKeys

BUNDLE = "her2-tl_pa-test"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
KEYS = TrustedKeys((("slides.pem", KEY.public_key()),))
PIXELS, CELLS = 32, 2
INTERCEPT, SLOPE = -3.0, 20.0
"""P(her2_positive) = expit(-3 + 20 score)."""
WEIGHTS = ((20.0, 0.0, 0.0), (0.0, 8.0, -8.0), (0.0, -8.0, 8.0))
"""(channel, class), of green, red and blue: pale is no tumour, red is negative, blue is positive."""
BIAS = (-14.0, 0.0, 0.0)
Edit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Network:
    """A network of another size than the small one: for measurements."""

    graph: bytes
    patch: NDArray[np.float32]
    """(3, pixels, pixels): the golden one."""
    probabilities: tuple[float, ...]
    cells: int
    parameters: int
    architecture: str


def slide_bundle(folder: Path, edit: Edit = lambda _: None, network: Network | None = None) -> tuple[Path, Path]:
    """Write the bundle; return the folder of bundles and that of the key that signs it.

    Args:
        folder: Where.
        edit: Changes the manifest before it is signed.
        network: Instead of the small one.
    """
    bundles, keys = folder / "bundles", folder / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (keys / "slides.pem").write_bytes(public)
    used = network or small_network()
    files = {
        "model.onnx": logistic_graph("score", INTERCEPT, [SLOPE]),
        "patches.onnx": used.graph,
        "golden.npy": _saved(used.patch),
    }
    manifest = _manifest(used) | {"files": {name: hashlib.sha256(one).hexdigest() for name, one in files.items()}}
    edit(manifest)
    content = json.dumps(manifest).encode()
    home = bundles / BUNDLE
    home.mkdir(parents=True)
    for name, part in {**files, "bundle.json": content, "bundle.sig": KEY.sign(content)}.items():
        (home / name).write_bytes(part)
    return bundles, keys


def small_network() -> Network:
    """Return the network that looks at the mean colour."""
    patch = np.full((3, PIXELS, PIXELS), 0.4, dtype=np.float32)
    said = tuple(float(p) for p in judged(patch[None])[0])
    return Network(patch_graph(), patch, said, CELLS, 12, "mean colour")


def judged(patches: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what the network must say of patches (n, 3, rows, columns), worked out here."""
    green_red_blue = patches.astype(np.float64).mean(axis=(2, 3))[:, [1, 0, 2]]
    logits = np.exp(green_red_blue @ np.asarray(WEIGHTS) + BIAS)
    chances: NDArray[np.float64] = logits / logits.sum(axis=1, keepdims=True)
    return chances


def patch_graph(pixels: int = PIXELS, cells: int = CELLS) -> bytes:
    """Return the network: ``crop`` [n, 3, pixels, pixels] -> ``probability`` [n, 3], ``heat`` [n, cells, cells]."""
    import onnx
    from onnx import TensorProto, helper

    by_channel = [WEIGHTS[1], WEIGHTS[0], WEIGHTS[2]]  # red, green, blue
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [3, 3], [one for row in by_channel for one in row])
    bias = helper.make_tensor("bias", TensorProto.FLOAT, [3], list(BIAS))
    blue = helper.make_tensor("blue", TensorProto.FLOAT, [1, 3, 1, 1], [-1.0, 0.0, 1.0])
    kernel = [pixels // cells] * 2
    nodes = [
        helper.make_node("ReduceMean", ["crop"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probability"], axis=1),
        helper.make_node("Conv", ["crop", "blue"], ["map"]),
        helper.make_node("AveragePool", ["map"], ["pooled"], kernel_shape=kernel, strides=kernel),
        helper.make_node("Reshape", ["pooled", "shape"], ["heat"]),
    ]
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [-1, cells, cells])
    graph = helper.make_graph(
        nodes, "patches",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, ["n", 3, pixels, pixels])],
        [
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["n", cells, cells]),
        ],
        [weights, bias, blue, shape],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _saved(patch: NDArray[np.float32]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, patch)
    return stream.getvalue()


def _manifest(network: Network) -> dict[str, Any]:
    said = "Made by the tests; of no medical meaning."
    classes = [
        {"index": 0, "code": "her2_positive", "display": "HER2-positive by IHC/ISH (3+ or 2+ with FISH amplification)"}
    ]
    output = {
        "classes": classes, "modelled_event": "her2_positive", "positive_class": "her2_positive",
        "complement_class": "her2_negative", "complement_display": "HER2-negative by IHC/ISH", "favourable": False,
    }  # fmt: skip
    golden = {
        "inputs": {"score": "0.1"}, "features": {"score": 0.1}, "tolerance": 1e-9,
        "probability": 1 / (1 + math.exp(-INTERCEPT - SLOPE * 0.1)),
    }  # fmt: skip
    return {
        "schema_version": 1, "id": BUNDLE, "version": "1.0.0", "predictor": "her2", "variant": "tl_pa",
        "intended_use": "demonstration", "intended_use_statement": said,
        "inputs": [{"name": "score", "meaning": "TL-PA score of the slide",
                    "range": {"unit": "1", "low": 0.0, "high": 0.67}}],
        "features": ["score"], "graph": "model.onnx", "precision": "float64", "output": output,
        "training_data": said, "calibration": said, "golden": [golden], "slides": _slides(network),
    }  # fmt: skip


def _slides(network: Network) -> dict[str, Any]:
    golden = {"patch": "golden.npy", "probabilities": list(network.probabilities), "tolerance": 1e-4}
    stain = {"haematoxylin": [0.65, 0.70, 0.29], "eosin": [0.07, 0.99, 0.11], "strengths": [1.9, 1.0]}
    return {
        "graph": "patches.onnx", "side_um": 64.0, "input_px": network.patch.shape[1],
        "background_variance": 50.0, "least_tissue": 0.3,
        "stain": stain, "mean": [0.0, 0.0, 0.0], "deviation": [1.0, 1.0, 1.0], "heat_cells": network.cells,
        "architecture": network.architecture, "parameters": network.parameters, "coarsest_um": 1.0, "scanners": [],
        "golden": [golden],
    }  # fmt: skip
