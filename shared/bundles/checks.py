"""``models verify``: what was checked on one bundle, one line each, for a person."""

from __future__ import annotations

from dataclasses import dataclass

from shared.bundles.catalog import Catalog
from shared.bundles.model import OnnxModel
from shared.bundles.network import BundledNetwork
from shared.bundles.patch_network import PatchNetwork


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked and held."""

    name: str
    detail: str


def checked(catalog: Catalog, bundle_id: str) -> tuple[Check, ...]:
    """Verify the bundle again, load its graph and run its golden inputs here.

    Raises:
        BundleRefusedError: If anything does not hold; says what to do.
        NotFoundError: If no such bundle is installed.
    """
    installed = catalog.find(bundle_id)
    model = catalog.open(bundle_id, installed.reference.digest)
    manifest = installed.manifest
    network = model.network if isinstance(model, OnnxModel) else None
    patches = model.patch_network if isinstance(model, OnnxModel) else None
    return (
        Check("signature", f"Ed25519, key {installed.signer}"),
        Check("files", f"{len(manifest.files)} files, sha256 of each as stated, no other file"),
        Check("digest", installed.reference.digest),
        Check("golden", f"{len(manifest.golden)} inputs reproduced on {model.runtime}, {model.precision}"),
        *((_network_check(network, "crops"),) if network else ()),
        *((_network_check(patches, "patches"),) if patches else ()),
    )


def _network_check(network: BundledNetwork | PatchNetwork, what: str) -> Check:
    return Check("network", f"{network.golden} {what} reproduced on {network.runtime}, {network.precision}")
