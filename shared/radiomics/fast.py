"""The engine that serves and trains: pyradiomics' numbers, each filter image and each grey level worked out once."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.imaging.volume import Mask, Volume, Voxels
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.checking import exactly, measurable
from shared.radiomics.filters import filtered
from shared.radiomics.firstorder import first_order
from shared.radiomics.installed import VERSION, pyradiomics
from shared.radiomics.levels import levels_of
from shared.radiomics.matrices import Neighbourhood
from shared.radiomics.names import PRESETS, parts_of, wanted_names
from shared.radiomics.prepared import Prepared, prepared
from shared.radiomics.shape import shape
from shared.radiomics.texture import texture

Wanted = Mapping[str, Mapping[str, list[str]]]
"""Image -> class -> features."""


@dataclass(frozen=True, slots=True)
class FastEngine:
    """Computes only the filters and classes that are asked for."""

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
        pyradiomics()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's, of divisions that end as NaN: those are refused by name
            found = _measured(prepared(image, mask, settings), settings, _by_image(wanted))
        return exactly(found, wanted)


def _by_image(wanted: Collection[str]) -> Wanted:
    found: dict[str, dict[str, list[str]]] = {}
    for name in wanted:
        image, group, feature = parts_of(name)
        found.setdefault(image, {}).setdefault(group, []).append(feature)
    return found


def _measured(of: Prepared, settings: RadiomicsSettings, wanted: Wanted) -> dict[str, float]:
    around = Neighbourhood(of.inside)
    found = {f"original_shape_{name}": value for name, value in shape(wanted.get("original", {}).get("shape", ()), of)}
    for kind in PRESETS[settings.preset]:
        if any(name in wanted for name in kind.images):
            for name, voxels in filtered(kind, of):
                found |= _of_image(name, voxels, of, settings, wanted.get(name, {}), around)
    return found


def _of_image(
    name: str,
    voxels: Voxels,
    of: Prepared,
    settings: RadiomicsSettings,
    wanted: Mapping[str, list[str]],
    around: Neighbourhood,
) -> dict[str, float]:
    groups = {group: features for group, features in wanted.items() if group != "shape"}
    if not groups:
        return {}
    levels = levels_of(voxels, of.inside, settings)
    found: dict[str, float] = {}
    for group, features in groups.items():
        if group == "firstorder":
            z, y, x = of.spacing
            every = first_order(levels, settings.voxel_array_shift, x * y * z)
            values = [(feature, float(every[feature])) for feature in features]
        else:
            values = list(texture(group, features, levels, around))
        found |= {f"{name}_{group}_{feature}": value for feature, value in values}
    return found
