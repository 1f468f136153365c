"""Tissue painted with two known stains, and the real tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HAEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.10, 0.95, 0.30])


def vectors() -> NDArray[np.float64]:
    """Return (2, 3), unit length."""
    both = np.array([HAEMATOXYLIN, EOSIN])
    unit: NDArray[np.float64] = both / np.linalg.norm(both, axis=1, keepdims=True)
    return unit


def painted(side: int = 160, seed: int = 1, *, stains: NDArray[np.float64] | None = None) -> NDArray[np.uint8]:
    """Return (side, side, 3): nuclei of haematoxylin on eosin, most pixels of one stain mainly, as tissue is."""
    draw = np.random.default_rng(seed)
    nucleus = draw.random((side, side)) < 0.35
    strong, weak = draw.gamma(4, 0.25, (side, side)), draw.gamma(2, 0.04, (side, side))
    amounts = np.stack([np.where(nucleus, strong, weak), np.where(nucleus, weak, strong)])
    used = vectors() if stains is None else stains
    density = np.tensordot(amounts, used, axes=(0, 0)) + np.abs(draw.normal(0, 0.01, (side, side, 3)))
    tissue: NDArray[np.uint8] = np.clip(np.rint(255 * np.exp(-density)), 0, 255).astype(np.uint8)
    return tissue


def real_tiles(shared_data: Path) -> dict[str, NDArray[np.uint8]]:
    """Return the reference tiles by name."""
    folder = shared_data / "slides" / "stain"
    return {path.stem: np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))}


def real_slide(shared_data: Path, name: str) -> NDArray[np.uint8]:
    """Return level 0 of a slide of ``slides``."""
    import openslide

    with openslide.OpenSlide(str(shared_data / "slides" / name)) as slide:
        return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))


def overview(rgb: NDArray[np.uint8], microns_per_pixel: float, um: float = 8.0) -> NDArray[np.uint8]:
    """Return it at so many micrometres per pixel."""
    height, width = (round(n * microns_per_pixel / um) for n in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))
