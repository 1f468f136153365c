"""External validation put together: an installed Cox bundle and a cohort manifest in, measured numbers out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.handlers.external_survival import SurvivalValidation, validate_survival
from services.model_factory.handlers.training.targets import TARGETS
from shared.bundles.catalog import Catalog
from shared.bundles.survival import hazards_of, inputs_of
from shared.domain.errors import InvalidInputError

SEED, RESAMPLES = 1, 1000


def validate_on_manifest(
    bundle: str, manifest: Path, catalog: Catalog, resamples: int = RESAMPLES
) -> SurvivalValidation:
    """Measure an installed Cox bundle on the cohort of ``manifest``.

    Raises:
        InvalidInputError: If the bundle is no Cox model, or the cohort does not fit it.
        NotFoundError: If no such bundle is installed.
    """
    installed = catalog.find(bundle)
    survival = installed.manifest.survival
    if survival is None:
        raise InvalidInputError("bundle", "takes a cohort sheet (NAME=PATH), not a cohort manifest")
    catalog.open(bundle, installed.reference.digest)
    target = TARGETS.get(installed.manifest.predictor)
    return validate_survival(
        installed.reference, installed.manifest.outcome, inputs_of(installed.manifest.inputs), hazards_of(survival),
        read_cohort(manifest), target.action if target else "", np.random.default_rng(SEED), resamples,
    )  # fmt: skip
