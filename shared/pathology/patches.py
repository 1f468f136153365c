"""One patch made what the network takes: the one way there, for training and serving alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain.transform import normalised
from shared.pathology.stain_fit import StainFit


def prepared(rgb: NDArray[np.uint8], fit: StainFit, contract: PatchContract) -> NDArray[np.float32]:
    """Return (3, input_px, input_px): resized, stain-normalised, scaled.

    Args:
        rgb: (h, w, 3), sRGB, as read from the slide.
        fit: The slide's.
        contract: The bundle's.
    """
    return scaled(normalised(resized(rgb, contract.input_px), fit, contract.stain), contract)


def resized(rgb: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Return (pixels, pixels, 3): area average where it shrinks, bilinear where it grows."""
    if rgb.shape[:2] == (pixels, pixels):
        return rgb
    return np.asarray(resized_picture(Image.fromarray(rgb), (pixels, pixels)))


def resized_picture(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """As ``resized``, of what a decoder returned, to (width, height): copying it into an array would cost a third."""
    if picture.size == size:
        return picture
    shrinks = min(picture.size) >= min(size)
    return picture.resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR)


def scaled(rgb: NDArray[np.uint8], contract: PatchContract) -> NDArray[np.float32]:
    """Return (3, h, w): (value / 255 - mean) / deviation of a patch already resized and stain-normalised."""
    deviation = np.array(contract.deviation, dtype=np.float32)
    offset = np.array(contract.mean, dtype=np.float32) / deviation
    values = rgb.transpose(2, 0, 1) * (1 / (255 * deviation))[:, None, None]
    return np.ascontiguousarray(values - offset[:, None, None], dtype=np.float32)
