"""Which variants of the predictors that measure images can be served on this machine, and what the others lack."""

from __future__ import annotations

from dataclasses import dataclass

from shared.bundles.catalog import Catalog, Installed
from shared.domain.errors import NotFoundError, PermanentError
from shared.domain.prediction import IntendedUse
from shared.predictors.contract import ImagePredictor
from shared.predictors.models import ImageModel
from shared.predictors.registry import STUDY_PREDICTORS
from shared.radiomics.installed import missing


def variants_served(catalog: Catalog) -> str:
    """Return one clause per variant: served, and by what; without a bundle; or a demonstration that cannot be shown.

    Raises:
        NotFoundError: If a bundle that is no demonstration cannot be served here; says what to do.
    """
    said: list[str] = []
    lacking: list[str] = []
    for name, predictor in sorted(STUDY_PREDICTORS.items()):
        if not isinstance(predictor, ImagePredictor):
            continue
        for variant in sorted(predictor.image_variants):
            reference = catalog.for_variant(name, variant)
            if reference is None:
                said.append(f"{name} {variant}: no bundle")
                continue
            seen = _looked_at(catalog, catalog.find(reference.bundle_id, reference.digest))
            # A demonstration without the engine for radiomics says what it would need; the clinical variant answers.
            bearable = seen.without_engine and reference.intended_use is IntendedUse.DEMONSTRATION
            text = f"{name} {variant}: {'' if seen.served else 'not served: '}{seen.text}"
            (said if seen.served or bearable else lacking).append(text)
    if lacking:
        raise NotFoundError("way to serve", "; ".join(lacking))
    return "; ".join(said)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One bundle looked at."""

    served: bool
    text: str
    """By what, or why not."""
    without_engine: bool = False
    """Nothing is wrong with it but that radiomics is not installed."""


def _looked_at(catalog: Catalog, found: Installed) -> _Seen:
    """Tell whether a bundle can be served here, and by what, or why not; its network runs its golden crops for that."""
    imaging, reference = found.manifest.imaging, found.reference
    if imaging and imaging.rad_score and imaging.rad_score.terms and (why := missing()):
        return _Seen(served=False, text=why, without_engine=True)
    try:
        model = catalog.open(reference.bundle_id, reference.digest)
    except PermanentError as error:
        return _Seen(served=False, text=str(error))
    by = ", ".join(model.classifiers) if isinstance(model, ImageModel) else "logistic"
    network = f"; network on {catalog.runtime.engine}" if imaging and imaging.network else ""
    return _Seen(served=True, text=f"{reference.bundle_id} {reference.version} ({by}{network})")
