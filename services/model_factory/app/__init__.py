"""model_factory put together: what the command line calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from services.model_factory.formats.card import card
from services.model_factory.formats.duke import read_duke
from services.model_factory.formats.graph import logistic_graph
from services.model_factory.handlers.cohorts import Cohort
from services.model_factory.handlers.ln_pcr_manifest import BUNDLE_ID, GRAPH_FILE, draft
from services.model_factory.handlers.published_ln_pcr import published_model
from services.model_factory.handlers.seal_bundle import seal
from services.model_factory.handlers.validate_bundle import ValidationResult, validate
from shared.bundles.catalog import Catalog, installed_catalog
from shared.domain.errors import InvalidInputError
from shared.predictors import REGISTRY
from shared.predictors.contract import ByHand
from shared.predictors.ln_pcr.clinical import FEATURES

COHORT_READERS: Mapping[str, Callable[[Path], Cohort]] = {"duke": read_duke}
"""Cohort sheets this build can read, by the name used on the command line."""


def validate_bundle(bundle: str, cohort_name: str, path: Path, catalog: Catalog | None = None) -> ValidationResult:
    """Measure an installed bundle on a cohort sheet.

    Raises:
        InvalidInputError: If there is no reader of that name, or the sheet is not what it should be.
        NotFoundError: If no such bundle is installed.
        BundleRefusedError: If the bundle is refused.
    """
    reader = COHORT_READERS.get(cohort_name)
    if reader is None:
        raise InvalidInputError("cohort", f"{cohort_name!r} is unknown; known are {', '.join(COHORT_READERS)}")
    catalog = catalog or installed_catalog()
    installed = catalog.find(bundle)
    predictor = REGISTRY.get(installed.manifest.predictor)
    if not isinstance(predictor, ByHand):
        raise InvalidInputError("bundle", f"{installed.manifest.predictor} takes no cohort sheet")
    model = catalog.open(bundle, installed.reference.digest)
    return validate(model, predictor, installed.manifest.thresholds, reader(path))


def build_published(out: Path, key: Ed25519PrivateKey) -> Path:
    """Write the bundle ``ln_pcr-clinical-published`` below ``out``, and the public key beside it; return its folder.

    Raises:
        InvalidInputError: If the folder exists already: a bundle is never changed in place.
    """
    folder = out / BUNDLE_ID
    if folder.exists():
        raise InvalidInputError(str(folder), "exists already; remove it or choose another folder")
    model = published_model()
    statement = draft(model)
    # The table models the complement: the reported event has the opposite log odds.
    graph = logistic_graph(BUNDLE_ID, -model.intercept, [-model.coefficients[name] for name in FEATURES])
    files = {GRAPH_FILE: graph, "card.md": card(statement).encode()}
    sealed = seal(statement, files, key.sign)
    folder.mkdir(parents=True)
    for name, content in sealed.items():
        (folder / name).write_bytes(content)
    (out / f"{BUNDLE_ID}.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return folder


def signing_key(file: Path | None) -> Ed25519PrivateKey:
    """Return the Ed25519 key of ``file`` (PEM, unencrypted), or a new one that is kept nowhere.

    Raises:
        InvalidInputError: If the file holds no such key, or others than its owner may read it.
    """
    if file is None:
        return Ed25519PrivateKey.generate()
    try:
        if file.stat().st_mode & 0o077:
            raise InvalidInputError(file.name, "others may read this private key; make it 0600")
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInputError(file.name, "is not a readable private key (PEM, unencrypted)") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInputError(file.name, "is not an Ed25519 private key")
    return key
