"""pyradiomics called as its manual says: the slow reference every number of the fast engine is held against."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Mask, Volume
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.checking import exactly, measurable
from shared.radiomics.installed import VERSION, former_scipy, pyradiomics
from shared.radiomics.names import PRESETS, parts_of, wanted_names
from shared.radiomics.parameters import keywords
from shared.radiomics.sitk_images import sitk_image, sitk_mask


@dataclass(frozen=True, slots=True)
class PlainEngine:
    """Every image type in turn, every class on it, in this process."""

    version: str = f"pyradiomics {VERSION}"

    def measure(
        self, image: Volume, mask: Mask, settings: RadiomicsSettings, names: Collection[str] = ()
    ) -> Mapping[str, float]:
        """Return the features (see the port ``RadiomicsEngine``).

        Raises:
            InvalidInputError: If the region cannot be measured.
            NotFoundError: If pyradiomics is not installed.
        """
        wanted = wanted_names(settings.preset, names)
        measurable(image, mask)
        found = _executed(_extractor(settings, wanted), sitk_image(image), sitk_mask(mask))
        return exactly({name: found[name] for name in wanted if name in found} if names else found, wanted)


def _executed(extractor: Any, image: Any, mask: Any) -> Mapping[str, float]:
    with former_scipy(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of divisions that end as NaN: those are refused by name
        try:
            found = extractor.execute(image, mask)
        except ValueError as error:
            raise InvalidInputError("region", f"cannot be measured: {error}") from error
    return {name: float(value) for name, value in found.items()}


def _extractor(settings: RadiomicsSettings, wanted: Collection[str]) -> Any:
    """Return pyradiomics' extractor for the images and classes that ``wanted`` needs."""
    pyradiomics()
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    parts = [parts_of(name) for name in wanted]
    images, groups = {image for image, _, _ in parts}, {group for _, group, _ in parts}
    extractor = RadiomicsFeatureExtractor(**keywords(settings))
    extractor.disableAllImageTypes()
    kinds = [one for one in PRESETS[settings.preset] if images & set(one.images)]
    extractor.enableImageTypes(**{one.name: dict(one.settings) for one in kinds})
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(**{group: [] for group in groups})
    return extractor
