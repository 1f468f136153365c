"""A bundle that measures images: the published clinical one with a small network, a forest and a golden crop."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from services.model_factory.formats.graph import logistic_graph
from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D, new_network
from services.model_factory.handlers.networks.resnet3d.trained import predicted
from services.model_factory.handlers.networks.trained import parameter_count
from shared.bundles.catalog import SHIPPED_BUNDLES
from shared.bundles.keys import TrustedKeys

BUNDLE = "ln_pcr-clinical-published"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = TrustedKeys((("test.pem", KEY.public_key()),))
ARCHITECTURE = Architecture(width=4, depths=(1, 1, 1, 1), stem_stride=2, strides=(1, 1, 1, 1), side=16)
Edit = Callable[[dict[str, Any]], None]


def small_network(seed: int = 1, architecture: Architecture = ARCHITECTURE) -> ResNet3D:
    """Random weights, and normalisation that has seen some crops: as after a training."""
    network = new_network(architecture, seed).train()
    with torch.no_grad():
        for number in range(3):
            network(torch.from_numpy(crops(4, number, architecture)))
    return network.eval()


def crops(n: int, seed: int = 0, architecture: Architecture = ARCHITECTURE) -> NDArray[np.float32]:
    """Noise, as normalised as a crop is."""
    return np.random.default_rng(seed).standard_normal((n, *architecture.input_shape), dtype=np.float32)


def image_bundle(folder: Path, edit: Edit = lambda _: None, *, drift: float | None = None) -> Path:
    """Write the bundle below ``folder``; return that of bundles.

    Args:
        folder: Where.
        edit: Changes the manifest before it is signed.
        drift: max |difference| the bundle states for bfloat16; None: it admits float32 only.
    """
    home = Path(shutil.copytree(SHIPPED_BUNDLES / BUNDLE, folder / BUNDLE))
    manifest = json.loads((home / "bundle.json").read_text())
    network = small_network()
    crop = crops(1, 7)
    stream = io.BytesIO()
    np.save(stream, crop[0])
    columns = len(manifest["features"])
    forest = logistic_graph("forest", 0.25, [0.1] * columns)
    made = {"network.onnx": network_graph(network), "golden.npy": stream.getvalue(), "forest.onnx": forest}
    for name, content in made.items():
        (home / name).write_bytes(content)
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
    manifest["imaging"] = {"network": _network(network, crop, drift), "seen": _seen()}
    manifest["forest"] = {
        "graph": "forest.onnx", "precision": "float64", "trees": 500, "features_per_split": 1, "tolerance": 1e-6,
        "golden": [1 / (1 + np.exp(-0.25 - 0.1 * sum(one["features"].values()))) for one in manifest["golden"]],
    }  # fmt: skip
    edit(manifest)
    content = json.dumps(manifest).encode()
    (home / "bundle.json").write_bytes(content)
    (home / "bundle.sig").write_bytes(KEY.sign(content))
    return folder


def _network(network: ResNet3D, crop: NDArray[np.float32], drift: float | None) -> dict[str, Any]:
    from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam

    heat = grad_cam(network, crop, "layer4")[0]
    peak = [int(one) for one in np.unravel_index(int(heat.argmax()), heat.shape)]
    precision = {"precision": "bfloat16", "graph": "network.onnx", "largest_difference": drift, "n": 8}
    return {
        "graph": "network.onnx", "input_shape": list(ARCHITECTURE.input_shape), "margin": 0.25,
        "normalisation": "z-score", "heat_layer": "layer4", "heat_shape": list(ARCHITECTURE.heat_shape),
        "architecture": ARCHITECTURE.name, "parameters": parameter_count(network),
        "precisions": [] if drift is None else [precision],
        "golden": [
            {
                "crop": "golden.npy", "probability": float(predicted(network, crop)[0]), "heat_peak": peak,
                "tolerance": 1e-5,
            }
        ],
    }  # fmt: skip


def _seen() -> dict[str, Any]:
    return {
        "ranges": [], "features": ["volume_mm3"], "mean": [0.0], "precision": [[1.0]], "quantiles": [[0.99, 3.0]],
    }  # fmt: skip
