"""Local updates put together: an installed bundle and a site's cohort in, a new signed bundle out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.app import COHORT_READERS
from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.formats.graph import cox_graph, logistic_graph
from services.model_factory.formats.updated_card import updated_card
from services.model_factory.handlers.cohorts import FlowStep
from services.model_factory.handlers.scoring import score
from services.model_factory.handlers.seal_bundle import seal
from services.model_factory.handlers.statistics.recalibration import Method
from services.model_factory.handlers.training.bundle_draft import Label
from services.model_factory.handlers.updating import Update, updated_logistic, updated_survival
from shared.bundles.catalog import Catalog, Installed
from shared.bundles.survival import hazards_of, inputs_of
from shared.domain.errors import InvalidInputError
from shared.predictors import REGISTRY
from shared.predictors.contract import ByHand


@dataclass(frozen=True, slots=True)
class _Made:
    draft: dict[str, Any]
    graph: bytes
    flow: Sequence[FlowStep]
    sources: Sequence[tuple[str, str]]


def recalibrate(
    bundle: str, cohort: str, method: Method, out: Path, key: Ed25519PrivateKey, label: Label, catalog: Catalog
) -> Path:
    """Update an installed bundle and write the new one below ``out``, with the public key beside it.

    ``cohort`` is the path of a cohort manifest for a Cox bundle, NAME=PATH of a sheet for a logistic one.

    Raises:
        InvalidInputError: If the cohort does not fit the model or is too small, or the folder exists.
        NotFoundError: If no such bundle is installed.
    """
    installed = catalog.find(bundle)
    folder = out / label.bundle_id
    if folder.exists():
        raise InvalidInputError(str(folder), "exists already; remove it or choose another folder")
    if label.bundle_id == installed.reference.bundle_id:
        raise InvalidInputError("id", "is that of the old bundle; an updated one is another bundle")
    reference = installed.reference
    parent = f"{reference.bundle_id} {reference.version} ({reference.digest})"
    make = _cox if installed.manifest.survival else _logistic
    made = make(installed, catalog, cohort, (label, method, parent))
    provenance = {"updated_from": parent, "method": method, "cohort": [list(one) for one in made.sources]}
    files = {
        installed.manifest.graph: made.graph,
        "card.md": updated_card(made.draft, parent, made.flow).encode(),
        "provenance.json": json.dumps(provenance, indent=1).encode() + b"\n",
    }
    sealed = seal(made.draft, files, key.sign)
    folder.mkdir(parents=True)
    for name, content in sealed.items():
        (folder / name).write_bytes(content)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (out / f"{label.bundle_id}.pem").write_bytes(public)
    return folder


_Named = tuple[Label, Method, str]


def _cox(installed: Installed, _: Catalog, path: str, named: _Named) -> _Made:
    manifest = installed.manifest
    survival = manifest.survival
    if survival is None:  # pragma: no cover - the caller has looked
        raise AssertionError
    label, method, parent = named
    cohort = read_cohort(Path(path))
    scored = score(cohort, manifest.output.positive_class, inputs_of(manifest.inputs), hazards_of(survival))
    told = f"cohort {cohort.name} ({cohort.description})"
    update = Update(label.bundle_id, label.version, method, parent, told, cohort.simulated)
    draft = updated_survival(manifest, survival, scored, update)
    terms, horizons = draft["survival"]["terms"], draft["survival"]["horizons"]
    given = [one["baseline_cumulative_hazard"] for one in horizons if not one["refused"]]
    graph = cox_graph(
        label.bundle_id, [one["log_hazard_ratio"] for one in terms], [one["centre"] for one in terms], given
    )
    return _Made(draft, graph, scored.flow, [(one.name, one.sha256) for one in cohort.sources])


def _logistic(installed: Installed, catalog: Catalog, named_sheet: str, named: _Named) -> _Made:
    import hashlib

    manifest, (label, method, parent) = installed.manifest, named
    name, _, path = named_sheet.partition("=")
    reader, predictor = COHORT_READERS.get(name), REGISTRY.get(manifest.predictor)
    if reader is None or manifest.logistic is None or not isinstance(predictor, ByHand):
        raise InvalidInputError("cohort", f"{name!r} is unknown; known are {', '.join(COHORT_READERS)} (NAME=PATH)")
    cohort = reader(Path(path))
    if cohort.positive_class != manifest.output.positive_class:
        raise InvalidInputError("cohort", f"records {cohort.positive_class}, not {manifest.output.positive_class}")
    model = catalog.open(installed.reference.bundle_id, installed.reference.digest)
    event = np.array([one.event for one in cohort.patients], dtype=np.bool_)
    old = np.array([predictor.answer_levels(one.levels, model).probability for one in cohort.patients])
    told = f"cohort {name} ({cohort.description})"
    update = Update(label.bundle_id, label.version, method, parent, told, simulated=False)
    draft = updated_logistic(manifest, manifest.logistic, event, old, update)
    sign = 1.0 if manifest.output.modelled_event == manifest.output.positive_class else -1.0
    ratios = {one["feature"]: one["log_odds_ratio"] for one in draft["logistic"]["coefficients"]}
    weights = [sign * ratios[feature] for feature in manifest.features]
    graph = logistic_graph(label.bundle_id, sign * draft["logistic"]["intercept"], weights)
    return _Made(draft, graph, cohort.flow, [(Path(path).name, hashlib.sha256(Path(path).read_bytes()).hexdigest())])
