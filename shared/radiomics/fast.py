"""The engine that serves and trains: pyradiomics' numbers, each filter image and each grey level worked out once."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from shared.imaging.volume import Mask, Volume, Voxels
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.checking import exactly, measurable
from shared.radiomics.filters import filtered
from shared.radiomics.firstorder import first_order
from shared.radiomics.installed import VERSION, pyradiomics
from shared.radiomics.levels import levels_of
from shared.radiomics.matrices import Neighbourhood
from shared.radiomics.names import PRESETS, ImageType, parts_of, wanted_names
from shared.radiomics.prepared import Prepared, prepared
from shared.radiomics.shape import shape
from shared.radiomics.side_by_side import Job, Numbers, in_turn, side_by_side
from shared.radiomics.texture import texture

Features = Mapping[str, list[str]]
"""Class -> features."""
Wanted = Mapping[str, Features]
"""Image -> class -> features."""


@dataclass(frozen=True, slots=True)
class FastEngine:
    """Computes only the filters and classes that are asked for."""

    version: str = f"pyradiomics {VERSION}"
    cores: int = 1
    """2: a second process is forked for each measurement. The numbers do not depend on it."""

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
            jobs = _jobs(prepared(image, mask, settings), settings, _by_image(wanted))
            found = in_turn(jobs) if self.cores == 1 else side_by_side(jobs)
        return exactly(found, wanted)


def _by_image(wanted: Collection[str]) -> Wanted:
    found: dict[str, dict[str, list[str]]] = {}
    for name in wanted:
        image, group, feature = parts_of(name)
        found.setdefault(image, {}).setdefault(group, []).append(feature)
    return found


def _jobs(of: Prepared, settings: RadiomicsSettings, wanted: Wanted) -> list[Job]:
    """Return the jobs, the long ones first; what ITK filters is filtered here, before anything is forked."""
    measuring = _Measuring(of, settings, wanted, Neighbourhood(of.inside))
    kinds = [one for one in PRESETS[settings.preset] if any(name in wanted for name in one.images)]
    alone = [one for one in kinds if one.name == "LBP3D"]
    ready = [image for one in kinds if one not in alone for image in filtered(one, of)]
    jobs: list[Job] = [partial(measuring.kind, one) for one in alone]
    jobs += [measuring.shape] if wanted.get("original", {}).get("shape") else []
    return [*jobs, *(partial(measuring.image, name, voxels) for name, voxels in ready)]


@dataclass(frozen=True, slots=True)
class _Measuring:
    of: Prepared
    settings: RadiomicsSettings
    wanted: Wanted
    around: Neighbourhood

    def shape(self) -> Numbers:
        """Measure the region's shape."""
        return {f"original_shape_{name}": value for name, value in shape(self.wanted["original"]["shape"], self.of)}

    def kind(self, kind: ImageType) -> Numbers:
        """Make the images of one type and measure them."""
        found: Numbers = {}
        for name, voxels in filtered(kind, self.of):
            found |= self.image(name, voxels)
        return found

    def image(self, name: str, voxels: Voxels) -> Numbers:
        """Measure one filter image."""
        groups = {group: features for group, features in self.wanted.get(name, {}).items() if group != "shape"}
        return {f"{name}_{group}_{feature}": value for group, feature, value in self._classes(groups, voxels)}

    def _classes(self, groups: Features, voxels: Voxels) -> Iterator[tuple[str, str, float]]:
        if not groups:
            return
        levels = levels_of(voxels, self.of.inside, self.settings)
        z, y, x = self.of.spacing
        for group, features in groups.items():
            if group == "firstorder":
                every = first_order(levels, self.settings.voxel_array_shift, x * y * z)
                values = [(feature, float(every[feature])) for feature in features]
            else:
                values = list(texture(group, features, levels, self.around))
            yield from ((group, feature, value) for feature, value in values)
