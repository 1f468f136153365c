"""Shape features of the region, by pyradiomics' own mesh and formulas."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from shared.imaging.volume import Bits
from shared.radiomics.prepared import Floats, Prepared


def shape(features: Collection[str], of: Prepared) -> Iterator[tuple[str, float]]:
    """Yield the wanted features."""
    measured = _filled(of.inside, np.array(of.spacing))
    for name in features:
        yield name, float(np.squeeze(getattr(measured, f"get{name}FeatureValue")()))


def _filled(bits: Bits, spacing: Floats) -> Any:
    """Fill pyradiomics' class by hand: its constructor pads with ITK, which must not run in a forked process."""
    from radiomics import cShape
    from radiomics.shape import RadiomicsShape

    made = RadiomicsShape.__new__(RadiomicsShape)
    made.logger = logging.getLogger("radiomics")
    made.pixelSpacing = spacing
    made.labelledVoxelCoordinates = np.nonzero(bits)
    made.SurfaceArea, made.Volume, made.diameters = cShape.calculate_coefficients(np.pad(bits, 1), spacing)
    made.eigenValues = _spread(np.argwhere(bits) * spacing)
    return made


def _spread(places: Floats) -> Floats:
    """Return the variances (mm2) along the principal axes, rising; rounding below zero is zero."""
    centred = (places - places.mean(axis=0)) / np.sqrt(len(places))
    found: Floats = np.sort(np.linalg.eigvals(centred.T @ centred))
    return np.where((found < 0) & (found > -1e-10), 0.0, found)
