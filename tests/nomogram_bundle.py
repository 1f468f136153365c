"""A signed bundle of the test nomogram (``shared.testing.cox_model``) and a site file that trusts it."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.formats.graph import cox_graph
from services.model_factory.handlers.seal_bundle import seal
from shared.testing.cox_model import lung_draft, lung_hazards

BUNDLE = "lung-test"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERSION = "9.0.0"
"""Preferred to any demonstration bundle that ships."""


def install(folder: Path, *, ten_years: bool = True) -> None:
    """Write bundle and public key below ``folder``: ``bundles`` and ``keys``."""
    hazards = lung_hazards(ten_years=ten_years)
    graph = cox_graph(
        BUNDLE, [one.log_hazard_ratio for one in hazards.columns], [one.centre for one in hazards.columns],
        [one.baseline_cumulative_hazard or 0.0 for one in hazards.given],
    )  # fmt: skip
    draft = {**lung_draft(ten_years=ten_years), "version": VERSION}
    (folder / "bundles" / BUNDLE).mkdir(parents=True)
    (folder / "keys").mkdir()
    for name, content in seal(draft, {"model.onnx": graph}, KEY.sign).items():
        (folder / "bundles" / BUNDLE / name).write_bytes(content)
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "keys" / "test.pem").write_bytes(public)


def write_site(folder: Path, inference: str = "", site: str = "") -> Path:
    """Write a site file that serves what ``install`` wrote; return its path."""
    path = folder / "site.toml"
    path.write_text(
        f'[site]\ndata_folder = "{folder}"\n{site}\n[inference]\nbundle_folders = ["{folder}/bundles"]\n'
        f'trusted_key_folder = "{folder}/keys"\n{inference}\n'
    )
    return path
