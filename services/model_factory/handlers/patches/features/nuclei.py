"""Nuclei of a patch: dark in haematoxylin, told apart where they touch by the distance to their edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from services.model_factory.handlers.patches.features.colour import Channel

SMOOTH_UM = 0.7
"""Standard deviation of the smoothing before the threshold."""
LEAST_AREA_UM2, APART_UM = 12.0, 3.5
"""Smaller is a fragment: a lymphocyte has 30 square micrometres. Two centres are at least so far apart."""
LEAST_CONTRAST = 0.15
"""Optical density between what is nucleus and what is not; with less there is no nucleus."""
_BINS = 128


@dataclass(frozen=True, slots=True)
class Nuclei:
    """What was found; means and deviations are 0 where there are too few."""

    count: int
    area_share: float
    mean_area_um2: float
    deviation_area_um2: float
    mean_roundness: float
    """Shorter over longer axis of the second moments; 1 is round. A perimeter means little on so few pixels."""
    mean_haematoxylin: float
    mean_neighbour_um: float
    """Distance to the nearest other centre."""
    deviation_neighbour_um: float


NONE = Nuclei(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def nuclei(haematoxylin: Channel, microns_per_pixel: float) -> Nuclei:
    """Count and measure the nuclei.

    Args:
        haematoxylin: (h, w): amount of it.
        microns_per_pixel: Of the patch as it is given.
    """
    smooth = ndimage.gaussian_filter(haematoxylin, SMOOTH_UM / microns_per_pixel)
    dark = smooth > otsu(smooth)
    if not dark.any() or dark.all() or smooth[dark].mean() - smooth[~dark].mean() < LEAST_CONTRAST:
        return NONE
    labels, count = _apart(dark, microns_per_pixel)
    pixels = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    areas: NDArray[np.float64] = (pixels * microns_per_pixel**2).astype(np.float64)
    kept = np.flatnonzero(areas >= LEAST_AREA_UM2) + 1
    return _measured(labels, kept, areas, haematoxylin, microns_per_pixel) if len(kept) else NONE


def otsu(values: Channel) -> float:
    """Return the threshold that parts the values best (Otsu, IEEE Trans SMC 1979;9:62-66)."""
    counts, edges = np.histogram(values, _BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * middles)
    low = sums[:-1] / np.maximum(below, 1)
    high = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][np.argmax(below * above * (high - low) ** 2)])


def _apart(dark: NDArray[np.bool_], microns_per_pixel: float) -> tuple[NDArray[np.int32], int]:
    """Return the number of the nucleus each pixel belongs to, 0 for none: that of the nearest centre."""
    inside = ndimage.gaussian_filter(ndimage.distance_transform_edt(dark), 1.0)
    reach = 2 * max(1, round(APART_UM / 2 / microns_per_pixel)) + 1
    peaks = (inside == ndimage.maximum_filter(inside, reach)) & dark
    centres, count = ndimage.label(peaks, np.ones((3, 3)))
    rows, columns = ndimage.distance_transform_edt(centres == 0, return_distances=False, return_indices=True)
    return np.where(dark, centres[rows, columns], 0).astype(np.int32), int(count)


def _measured(
    labels: NDArray[np.int32],
    kept: NDArray[np.intp],
    areas: NDArray[np.float64],
    haematoxylin: Channel,
    microns_per_pixel: float,
) -> Nuclei:
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, kept)) * microns_per_pixel
    chosen = areas[kept - 1]
    near = cKDTree(centres).query(centres, 2)[0][:, 1] if len(kept) > 1 else np.zeros(1)
    return Nuclei(
        len(kept),
        float(chosen.sum() / (labels.size * microns_per_pixel**2)),
        float(chosen.mean()),
        float(chosen.std()),
        float(np.mean([_roundness(*np.nonzero(labels == one)) for one in kept])),
        float(np.mean(ndimage.mean(haematoxylin, labels, kept))),
        float(near.mean()),
        float(near.std()),
    )


def _roundness(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
    """Return the shorter over the longer axis of the second moments."""
    if len(rows) < 3:
        return 1.0
    small, large = np.linalg.eigvalsh(np.cov(rows, columns))
    return float(np.sqrt(max(small, 0.0) / large)) if large > 0 else 1.0
