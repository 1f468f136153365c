"""Bundles of the two variants of LN-pCR that measure images: small, signed by the tests, of no medical meaning."""

from __future__ import annotations

import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.formats.graph import logistic_graph
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from shared.bundles.catalog import SHIPPED_BUNDLES
from shared.predictors.ln_pcr.clinical import FEATURES
from shared.predictors.ln_pcr.variants import DL_PROB, DLR, RAD_SCORE, RADIOMICS
from shared.radiomics.installed import VERSION
from tests import image_bundle as images

SIX = (
    "exponential_glcm_MCC", "squareroot_glcm_Imc1", "log-sigma-3-0-mm-3D_firstorder_TotalEnergy",
    "lbp-3D-m2_glrlm_RunLengthNonUniformity", "square_glcm_ClusterProminence", "wavelet-HHL_glcm_JointEnergy",
)  # fmt: skip
"""The features of the paper (000, results)."""


def bundle_id(variant: str) -> str:
    """Return the id the bundle of a variant has here."""
    return f"ln_pcr-{variant}-test"


def variant_bundles(folder: Path) -> tuple[Path, Path]:
    """Write both bundles; return the folder of bundles and that of the key that signs them."""
    bundles, keys = folder / "bundles", folder / "keys"
    keys.mkdir(parents=True)
    public = images.KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (keys / "test.pem").write_bytes(public)
    for variant, further in ((RADIOMICS, (RAD_SCORE,)), (DLR, (RAD_SCORE, DL_PROB))):
        _write(bundles / bundle_id(variant), variant, further)
    return bundles, keys


def _write(home: Path, variant: str, further: tuple[str, ...]) -> None:
    shipped = SHIPPED_BUNDLES / images.BUNDLE
    manifest = json.loads((shipped / "bundle.json").read_text())
    columns = (*FEATURES, *further)
    weights = [0.1] * len(FEATURES) + [0.5] * len(further)
    files = {"card.md": (shipped / "card.md").read_bytes(), "model.onnx": logistic_graph("test", -0.2, weights)}
    manifest["imaging"] = {"rad_score": _rad_score(), "seen": _seen()}
    if DL_PROB in further:
        network, crop = images.small_network(), images.crops(1, 7)
        stream = io.BytesIO()
        np.save(stream, crop[0])
        files |= {"network.onnx": network_graph(network), "golden.npy": stream.getvalue()}
        manifest["imaging"]["network"] = images._network(network, crop, None)
    manifest |= {
        "id": home.name, "variant": variant, "features": list(columns), "logistic": None, "metrics": [],
        "thresholds": [], "golden": [_golden(columns, weights)],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }  # fmt: skip
    content = json.dumps(manifest).encode()
    home.mkdir(parents=True)
    for name, part in {**files, "bundle.json": content, "bundle.sig": images.KEY.sign(content)}.items():
        (home / name).write_bytes(part)


def _golden(columns: tuple[str, ...], weights: list[float]) -> dict[str, Any]:
    row = dict.fromkeys(columns, 0.5)
    probability = 1 / (1 + math.exp(0.2 - sum(0.5 * one for one in weights)))
    inputs = {"er": "positive", "her2": "0", "t": "3"}
    return {"inputs": inputs, "features": row, "probability": probability, "tolerance": 1e-9}


def _rad_score() -> dict[str, Any]:
    settings = {
        "preset": "A", "bin_count": 32, "normalise": True, "normalise_scale": 100.0, "voxel_array_shift": 300.0,
        "resampled_mm": [1.0, 1.0, 1.0],
    }  # fmt: skip
    terms = [{"feature": name, "mean": 0.0, "deviation": 1e9, "coefficient": 1.0} for name in SIX]
    engine = f"pyradiomics {VERSION}"
    return {"settings": settings, "settings_sha256": "0" * 64, "engine": engine, "intercept": 0.0, "terms": terms}


def _seen() -> dict[str, Any]:
    return {
        "ranges": [{"name": "volume_mm3", "low": 1.0, "high": 1e6}], "features": [RAD_SCORE], "mean": [0.0],
        "precision": [[1.0]], "quantiles": [[0.99, 9.0]],
    }  # fmt: skip
