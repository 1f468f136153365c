"""The two stains of one slide, guarded: what cannot be told apart is not stretched apart.

The fallback is the reference's own vectors with the slide's strengths along them: colours move little, and nothing is
stretched by more than two. Macenko's vectors were weighed and left out: on the slide that cannot be separated they are
the ends of the same narrow fan, and stretching that is what the guard is there to prevent.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shared.pathology.patch_contract import StainReference
from shared.pathology.stain.density import density
from shared.pathology.stain.lasso import concentrations
from shared.pathology.stain.sample import spread, tissue_pixels
from shared.pathology.stain.solver import factorised
from shared.pathology.stain.start import fan_ends, haematoxylin_first
from shared.pathology.stain.transform import reference_vectors
from shared.pathology.stain_fit import StainFit

LEAST_PIXELS = 1000
"""Stained pixels, of those sampled."""
LEAST_ANGLE = 16.0
"""Degrees. The error of a concentration grows with 1 / sin^2 of the angle, 13-fold here; real slides had 19 to 49, the
frozen section that cannot be separated 15."""
LEAST_STRENGTH = 0.2
"""Optical density. A stain weaker than that everywhere is noise, and dividing by its strength would show it."""
LARGEST_RESIDUAL = 0.3
"""Real H&E leaves .03 to .1; more is a third dye: ink, or not H&E."""
MOST_STRETCHED = 2.0
"""Times: where the reference's vectors stand in, a stain is made no stronger than that."""
STANDARD = StainReference((0.651, 0.701, 0.290), (0.070, 0.991, 0.110), (1.5, 1.0))
"""Ruifrok and Johnston 2001, Table 1 (vectors); strengths of a well-stained slide. For whoever has no reference yet."""


def fit_stains(pixels: NDArray[np.uint8], reference: StainReference = STANDARD) -> StainFit:
    """Return the slide's stains, or the reference's with the reason; never NaN, the same bits every time.

    Args:
        pixels: (n, 3), sRGB, sampled over the slide (``sample``); unstained ones are left out here.
        reference: What to fall back to: the bundle's.
    """
    stained = spread(tissue_pixels(pixels))
    if len(stained) < LEAST_PIXELS:
        return _unfitted(reference, f"only {len(stained)} stained pixels were found, {LEAST_PIXELS} are needed")
    seen = np.ascontiguousarray(density(stained).T)
    start = fan_ends(seen)
    if start is None:
        return _fallen_back(seen, reference, "the tissue has one colour only")
    fit = _described(seen, haematoxylin_first(factorised(seen, start)), "vahadane")
    refused = _refused(fit)
    return _fallen_back(seen, reference, refused) if refused else fit


def angle_between(vectors: NDArray[np.float64]) -> float:
    """Return the angle between the two stains, in degrees."""
    return float(np.degrees(np.arccos(np.clip(vectors[0] @ vectors[1], -1.0, 1.0))))


def _refused(fit: StainFit) -> str:
    if fit.angle_degrees < LEAST_ANGLE:
        return f"the two stains are {fit.angle_degrees:.1f} degrees apart, {LEAST_ANGLE:g} are needed"
    if fit.strengths.min() < LEAST_STRENGTH:
        return f"a stain reaches an optical density of {fit.strengths.min():.2f} only, {LEAST_STRENGTH:g} are needed"
    if fit.residual > LARGEST_RESIDUAL:
        return f"two stains leave {fit.residual:.0%} of the optical density unexplained"
    return ""


def _described(seen: NDArray[np.float64], vectors: NDArray[np.float64], method: str, fallback: str = "") -> StainFit:
    found = concentrations(seen, vectors)
    left = float(np.linalg.norm(seen - vectors.T @ found) / np.linalg.norm(seen))
    strengths = np.percentile(found, 99, axis=1)
    return StainFit(vectors, strengths, min(left, 1.0), angle_between(vectors), method, fallback)


def _fallen_back(seen: NDArray[np.float64], reference: StainReference, why: str) -> StainFit:
    fit = _described(seen, _unit(reference), "reference", why)
    strengths = np.maximum(fit.strengths, _strengths(reference) / MOST_STRETCHED)
    return replace(fit, strengths=strengths)


def _unfitted(reference: StainReference, why: str) -> StainFit:
    vectors = _unit(reference)
    return StainFit(vectors, _strengths(reference), 0.0, angle_between(vectors), "reference", why)


def _unit(reference: StainReference) -> NDArray[np.float64]:
    vectors = reference_vectors(reference)
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _strengths(reference: StainReference) -> NDArray[np.float64]:
    return np.array(reference.strengths, dtype=np.float64)
