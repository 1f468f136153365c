"""Patches as they might have been: turned, mirrored, their stains stronger or weaker, of a slightly other colour.

In stain space (Tellez et al., IEEE TMI 2018, doi:10.1109/TMI.2018.2820199): optical density is taken apart into
haematoxylin, eosin and what neither explains, and put together again with other strengths and vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.pathology.patch_contract import PatchContract

Patches = NDArray[np.float32]

STRENGTH, TURN, BRIGHTNESS = 0.15, 0.02, 0.02
"""Standard deviations: of the factor of each stain, of what is added to its vector, of the optical density of glass."""
DARKEST = 1 / 255
"""Transmission below it has no optical density that means anything."""


@dataclass(frozen=True, slots=True)
class StainSpace:
    """How prepared patches relate to optical density.

    Raises:
        ValueError: If the two stains are one.
    """

    haematoxylin: tuple[float, float, float]
    eosin: tuple[float, float, float]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not np.cross(self.haematoxylin, self.eosin).any():
            raise ValueError("a stain space needs two stains")

    @classmethod
    def of(cls, contract: PatchContract) -> StainSpace:
        """Return that of patches prepared by this contract."""
        return cls(contract.stain.haematoxylin, contract.stain.eosin, contract.mean, contract.deviation)

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Return (3, 3): haematoxylin, eosin, and the unit vector at right angles to both."""
        both = np.array([self.haematoxylin, self.eosin])
        rest = np.cross(both[0], both[1])
        return np.vstack([both, rest / np.linalg.norm(rest)])


def altered(patches: Patches, rng: np.random.Generator, space: StainSpace) -> Patches:
    """Return every patch turned or mirrored and stained at random."""
    made = np.stack([_turned(one, int(rng.integers(8))) for one in patches])
    return restained(made, rng, space)


def restained(patches: Patches, rng: np.random.Generator, space: StainSpace) -> Patches:
    """Return every patch (n, 3, side, side) with other strengths and vectors of its stains."""
    n, vectors = len(patches), space.vectors
    strengths = np.concatenate([1 + STRENGTH * rng.standard_normal((n, 2)), np.ones((n, 1))], axis=1)
    others = vectors + TURN * rng.standard_normal((n, 3, 3)) * np.array([1.0, 1.0, 0.0])[:, None]
    # Density d = c V, so d' = d V^-1 diag(strengths) V': one 3 x 3 matrix a patch.
    change = np.linalg.inv(vectors) @ (strengths[:, :, None] * others)
    mean, deviation = (np.array(one, dtype=np.float32)[:, None] for one in (space.mean, space.deviation))
    light = np.clip(patches.reshape(n, 3, -1) * deviation + mean, DARKEST, 1.0)
    density = np.swapaxes(change.astype(np.float32), 1, 2) @ -np.log(light)
    density += BRIGHTNESS * rng.standard_normal((n, 1, 1), dtype=np.float32)
    stained: Patches = (np.clip(np.exp(-density), 0.0, 1.0) - mean) / deviation
    return stained.reshape(patches.shape).astype(np.float32, copy=False)


def _turned(patch: Patches, way: int) -> Patches:
    """Return a patch (3, side, side) in one of the eight ways a square falls onto itself."""
    turned = np.rot90(patch, way % 4, (1, 2))
    return turned[:, :, ::-1] if way >= 4 else turned
