"""The bundle of a finished run on slides, signed."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.app.imaged import GRAPHS
from services.model_factory.formats.graph import logistic_graph
from services.model_factory.formats.run_file import provenance_bytes
from services.model_factory.formats.slides_card import slides_card
from services.model_factory.handlers.seal_bundle import seal
from services.model_factory.handlers.slides.bundle_draft import MODEL_FILE, draft, files_of
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.training.bundle_draft import Label
from shared.domain.errors import InvalidInputError


def bundle_of_slides(run: Path, results: SlidesResults, out: Path, key: Ed25519PrivateKey, label: Label) -> Path:
    """Seal the model of the finished run ``run`` below ``out``, with the public key beside it; return its folder.

    Raises:
        InvalidInputError: If the folder exists already, or a graph of the run is not there.
    """
    statement = draft(results, label)
    bundle_id = str(statement["id"])
    folder = out / bundle_id
    if folder.exists():
        raise InvalidInputError(str(folder), "exists already; remove it or choose another folder")
    files = {
        MODEL_FILE: logistic_graph(bundle_id, results.platt.intercept, [results.platt.slope]),
        **{name: _read(run / GRAPHS / name) for name in files_of(results)},
        "card.md": slides_card(statement, results).encode(),
        "provenance.json": provenance_bytes(results),
    }
    sealed = seal(statement, files, key.sign)
    folder.mkdir(parents=True)
    for name, content in sealed.items():
        (folder / name).write_bytes(content)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (out / f"{bundle_id}.pem").write_bytes(public)
    return folder


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInputError(file.name, "is not among the run's graphs; train it again") from error
