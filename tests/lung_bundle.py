"""A signed bundle of ``lung_metastasis`` for whole-system tests, where the installation has none of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.formats.graph import cox_graph
from services.model_factory.handlers.seal_bundle import seal
from shared.bundles.catalog import installed_catalog
from shared.predictors.lung_metastasis.panel import NAME, VARIANT
from shared.testing.cox_model import lung_draft, lung_hazards

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def lung_bundle_settings(folder: Path) -> dict[str, Any]:
    """Return the keys of ``[results]`` and ``[inference]`` under which a model for lung metastasis is served."""
    if installed_catalog().for_variant(NAME, VARIANT):
        return {}
    bundles, keys = folder / "bundles", folder / "keys"
    draft, hazards = lung_draft(), lung_hazards()
    ratios, centres = ([getattr(one, what) for one in hazards.columns] for what in ("log_hazard_ratio", "centre"))
    baselines = [one.baseline_cumulative_hazard or 0.0 for one in hazards.given]
    graph = cox_graph(draft["id"], ratios, centres, baselines)
    for name, content in seal(draft, {draft["graph"]: graph}, _KEY.sign).items():
        path = bundles / draft["id"] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    keys.mkdir(parents=True, exist_ok=True)
    public = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (keys / "test.pem").write_bytes(public)
    return {"bundle_folders": [str(bundles)], "trusted_key_folder": str(keys)}
