"""Bundles of a finished run on images: one per family, signed."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.app.imaged import GRAPHS
from services.model_factory.formats.graph import logistic_graph
from services.model_factory.formats.imaged_card import imaged_card
from services.model_factory.formats.run_file import provenance_bytes
from services.model_factory.handlers.imaged.bundle_draft import GRAPH_FILE, draft, files_of
from services.model_factory.handlers.imaged.results import FamilyModel, ImagedResults
from services.model_factory.handlers.seal_bundle import seal
from services.model_factory.handlers.training.bundle_draft import Label
from shared.domain.errors import InvalidInputError


def bundles_of_run(
    run: Path, results: ImagedResults, out: Path, key: Ed25519PrivateKey, label: Label
) -> tuple[Path, ...]:
    """Seal the models of the finished run ``run`` below ``out``, each with the public key beside it.

    Raises:
        InvalidInputError: If a folder exists already, or a graph of the run is not there.
    """
    return tuple(_bundle(run, results, one, (out, key, label)) for one in results.models)


def _bundle(
    run: Path, results: ImagedResults, model: FamilyModel, where: tuple[Path, Ed25519PrivateKey, Label]
) -> Path:
    out, key, label = where
    statement = draft(results, model, label)
    bundle_id = str(statement["id"])
    folder = out / bundle_id
    if folder.exists():
        raise InvalidInputError(str(folder), "exists already; remove it or choose another folder")
    files = {
        GRAPH_FILE: logistic_graph(bundle_id, model.intercept, model.coefficients),
        **{name: _read(run / GRAPHS / file) for name, file in files_of(model).items()},
        "card.md": imaged_card(statement, model, results).encode(),
        "provenance.json": provenance_bytes(results),
    }
    sealed = seal(statement, files, key.sign)
    folder.mkdir(parents=True)
    for name, content in sealed.items():
        (folder / name).write_bytes(content)
    (out / f"{bundle_id}.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return folder


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInputError(file.name, "is not among the run's graphs; train it again") from error
