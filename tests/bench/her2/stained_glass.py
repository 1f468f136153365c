"""The tiles the stain rows are measured on: real ones where they are here, else painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def tiles() -> dict[str, NDArray[np.uint8]]:
    """Return tiles of 512 x 512 with two stains that can be told apart, by name."""
    found = {"painted": painted(512)}
    for name in ("tiatoolbox_target_image", "torchstain_source"):
        path = DATA / "slides" / "stain" / f"{name}.png"
        if path.exists():
            image = Image.open(path).convert("RGB")
            found[name] = np.asarray(image.resize((512, 512), Image.Resampling.BILINEAR))
    slide = DATA / "slides" / "CMU-1-Small-Region.svs"
    if slide.exists():
        import openslide

        with openslide.OpenSlide(str(slide)) as opened:
            found["CMU-1"] = np.asarray(opened.read_region((800, 900), 0, (512, 512)).convert("RGB"))
    return found


def painted(side: int) -> NDArray[np.uint8]:
    """Return nuclei of haematoxylin on eosin."""
    stains = np.array([[0.66, 0.69, 0.30], [0.10, 0.95, 0.30]])
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    draw = np.random.default_rng(1)
    nucleus = draw.random((side, side)) < 0.35
    strong, weak = draw.gamma(4, 0.25, (side, side)), draw.gamma(2, 0.04, (side, side))
    amounts = np.stack([np.where(nucleus, strong, weak), np.where(nucleus, weak, strong)])
    density = np.tensordot(amounts, stains, axes=(0, 0))
    colours: NDArray[np.uint8] = np.rint(255 * np.exp(-density)).astype(np.uint8)
    return colours
