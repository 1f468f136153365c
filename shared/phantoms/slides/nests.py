"""Tumour cells in nests: what HER2 changes in them, and what it must not.

``shown`` moves the cell membrane (how dark, how complete), the size of nuclei and how much their sizes differ. The mean
concentration of each stain in a nest is set to the same value whatever ``shown`` is, and the spacing of the cells does
not depend on it: colour, density and area tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.slides.optics import Field
from shared.phantoms.slides.outlines import smooth
from shared.phantoms.slides.stamps import SHAPES, nucleus, press, ring

SPACING_UM = 13.0
_NUCLEUS_UM = 3.9
"""Mean radius where ``shown`` is 0."""
_MEMBRANE_UM = 6.3
_MEMBRANE_WIDTH_UM = 1.3
_HAEMATOXYLIN, _EOSIN = 0.52, 0.62
"""Mean concentrations in a nest."""
NEST_SPREAD, CELL_SPREAD = 0.5, 0.5
"""Standard deviation of what one nest, and one cell, shows; of nests the slide's mean is taken out."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Where tumour cells lie, and what each shows."""

    places: NDArray[np.float64]
    """(n, 2): x and y in pixels."""
    shown: NDArray[np.float64]
    """(n,)."""


def nest_shown(rng: np.random.Generator, shown: float, nests: int) -> NDArray[np.float64]:
    """Return what each nest shows; their mean is exactly ``shown``."""
    moved = NEST_SPREAD * rng.standard_normal(nests)
    return np.asarray(shown + moved - moved.mean() if nests else moved)


def tumour_cells(
    rng: np.random.Generator, numbers: NDArray[np.uint8], shown: NDArray[np.float64], microns: float
) -> Cells:
    """Return cells on a wavering hexagonal grid wherever ``numbers`` names a nest."""
    places = hexagonal(rng, (numbers.shape[0], numbers.shape[1]), SPACING_UM / microns, 0.13)
    nest = numbers[places[:, 1].astype(np.intp), places[:, 0].astype(np.intp)].astype(np.intp)
    places, nest = places[nest > 0], nest[nest > 0]
    return Cells(places, shown[nest - 1] + CELL_SPREAD * rng.standard_normal(len(nest)))


def hexagonal(rng: np.random.Generator, shape: tuple[int, int], step: float, unrest: float) -> NDArray[np.float64]:
    """Return (n, 2) places on a hexagonal grid within ``shape``, each moved by ``unrest`` steps."""
    rows, columns = int(shape[0] / (step * 0.866)) + 1, int(shape[1] / step) + 1
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    places = np.stack([(x + 0.5 * (y % 2)) * step, y * step * 0.866], axis=-1).reshape(-1, 2)
    places += step * unrest * rng.standard_normal(places.shape)
    kept = (places >= 0).all(axis=1) & (places[:, 0] < shape[1]) & (places[:, 1] < shape[0])
    return np.asarray(places[kept])


def render_nests(
    rng: np.random.Generator, numbers: NDArray[np.uint8], cells: Cells, microns: float
) -> tuple[Field, Field]:
    """Return the concentrations of haematoxylin and eosin in the nests, 0 outside."""
    inside = numbers > 0
    shape = (numbers.shape[0], numbers.shape[1])
    nuclei, membranes = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    _press_cells(rng, nuclei, membranes, cells, microns)
    cytoplasm = 1 + 0.12 * smooth(rng, shape, 9 / microns)
    first = np.maximum(1.6 * nuclei, 0.12 * cytoplasm) * inside
    second = (0.35 * cytoplasm + membranes) * (1 - 0.45 * nuclei) * inside
    return _with_mean(first, numbers, _HAEMATOXYLIN), _with_mean(second, numbers, _EOSIN)


def _press_cells(rng: np.random.Generator, nuclei: Field, membranes: Field, cells: Cells, microns: float) -> None:
    n = len(cells.places)
    much = 1 / (1 + np.exp(-1.1 * cells.shown))
    # Pleomorphism: sizes of neighbours differ from 8 % to 24 %.
    sizes = (0.86 + 0.3 * much) * np.exp((0.08 + 0.16 * much) * rng.standard_normal(n))
    radii = np.clip(_NUCLEUS_UM * sizes, 2.4, 6.2) / microns
    reach = _MEMBRANE_UM * np.exp(0.05 * rng.standard_normal(n)) / microns
    shapes = rng.integers(SHAPES, size=n)
    for place, radius, far, strong, shape in zip(cells.places, radii, reach, much, shapes, strict=True):
        press(nuclei, nucleus(radius, int(shape)), place[0], place[1], 1.0)
        press(membranes, ring(far, _MEMBRANE_WIDTH_UM / microns, int(shape)), place[0], place[1], 1.5 * strong)


def _with_mean(field: Field, numbers: NDArray[np.uint8], mean: float) -> Field:
    """Scale each nest of ``field`` so that its mean is ``mean``."""
    flat = numbers.ravel()
    counts, sums = np.bincount(flat), np.bincount(flat, weights=field.ravel())
    factors = np.divide(mean * counts, sums, out=np.zeros_like(sums), where=sums > 0)
    return np.asarray(field * factors.astype(np.float32)[numbers])
