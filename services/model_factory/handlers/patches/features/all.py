"""The 39 features of a patch, by name, in their order.

Paper 003 names three: mean and variance of the amplitude of the discrete Fourier transform of Lab-A, and the cell
count. The other 36 stand in a supplement that is not at hand; these are ours, of the same kinds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.patches.features.colour import Channel, Pixels, lab, stains
from services.model_factory.handlers.patches.features.nuclei import Nuclei, nuclei
from services.model_factory.handlers.patches.features.texture import amplitude, band_shares, side_by_side
from shared.pathology.patch_contract import PatchContract

NAMED_BY_PAPER = ("dft_mean_a", "dft_variance_a", "cell_count")


def patch_features(rgb: Pixels, contract: PatchContract) -> Mapping[str, float]:
    """Return the features of a patch that was brought to the contract's stains, not yet scaled.

    Args:
        rgb: (input_px, input_px, 3).
        contract: Its stains, and its micrometres.
    """
    lightness, a, b = lab(rgb)
    haematoxylin, eosin = stains(rgb, contract.stain)
    found = nuclei(haematoxylin, contract.side_um / contract.input_px)
    return {
        **_moments("l", lightness), **_moments("a", a), **_moments("b", b),
        **_amounts("haematoxylin", haematoxylin), **_amounts("eosin", eosin),
        **_spectrum("l", lightness), **_spectrum("a", a), **_spectrum("b", b),
        **dict(zip(("a_long_waves", "a_middle_waves", "a_short_waves"), band_shares(a), strict=True)),
        **dict(zip(_NEIGHBOURS, side_by_side(haematoxylin), strict=True)), **_of_nuclei(found),
    }  # fmt: skip


def feature_table(pixels: NDArray[np.uint8], contract: PatchContract) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the names, and (n, 39) of patches (n, input_px, input_px, 3)."""
    rows = [patch_features(one, contract) for one in pixels]
    names = tuple(rows[0]) if rows else ()
    return names, np.array([list(row.values()) for row in rows]).reshape(len(rows), len(names))


_NEIGHBOURS = tuple(f"haematoxylin_{one}" for one in ("contrast", "correlation", "energy", "homogeneity", "entropy"))


def _moments(name: str, channel: Channel) -> dict[str, float]:
    mean, deviation = float(channel.mean()), float(channel.std())
    third = float(((channel - mean) ** 3).mean())
    skewness = third / deviation**3 if deviation > 0 else 0.0
    return {f"{name}_mean": mean, f"{name}_deviation": deviation, f"{name}_skewness": skewness}


def _amounts(name: str, channel: Channel) -> dict[str, float]:
    low, high = np.percentile(channel, [10, 90])
    return {
        f"{name}_mean": float(channel.mean()), f"{name}_deviation": float(channel.std()),
        f"{name}_p10": float(low), f"{name}_p90": float(high),
    }  # fmt: skip


def _spectrum(name: str, channel: Channel) -> dict[str, float]:
    found = amplitude(channel)
    return {f"dft_mean_{name}": float(found.mean()), f"dft_variance_{name}": float(found.var())}


def _of_nuclei(found: Nuclei) -> dict[str, float]:
    return {
        "cell_count": float(found.count), "nuclear_area_share": found.area_share,
        "nuclear_area_mean_um2": found.mean_area_um2, "nuclear_area_deviation_um2": found.deviation_area_um2,
        "nuclear_roundness_mean": found.mean_roundness, "nuclear_haematoxylin_mean": found.mean_haematoxylin,
        "neighbour_distance_mean_um": found.mean_neighbour_um,
        "neighbour_distance_deviation_um": found.deviation_neighbour_um,
    }  # fmt: skip
