"""Ask a bundle by hand: levels typed by a person, no patient, no case."""

from __future__ import annotations

from collections.abc import Mapping

from shared.bundles.catalog import Catalog, installed_catalog
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import Prediction
from shared.predictors import REGISTRY
from shared.predictors.contract import ByHand


def predict_from_command_line(bundle_id: str, levels: Mapping[str, str], catalog: Catalog | None = None) -> Prediction:
    """Return what the bundle answers for these levels, for example ``{"er": "positive", "her2": "0", "t": "3"}``.

    Raises:
        InvalidInputError: If an input is missing, unknown, or not one of its levels; names what is allowed.
        NotFoundError: If no such bundle is installed.
        BundleRefusedError: If the bundle is refused; says what to do.
    """
    catalog = catalog or installed_catalog()
    installed = catalog.find(bundle_id)
    predictor = REGISTRY.get(installed.manifest.predictor)
    if not isinstance(predictor, ByHand):
        how = "put a slide into a folder of [site] slide_folders, then `oncorelay slides`"
        raise InvalidInputError("bundle", f"{installed.manifest.predictor} cannot be asked by hand: {how}")
    return predictor.answer_levels(levels, catalog.open(bundle_id, installed.reference.digest))
