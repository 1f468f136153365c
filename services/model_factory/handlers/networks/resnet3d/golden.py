"""The crop a bundle is checked with wherever it is opened: made up, since a patient's would travel with every copy."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from services.model_factory.handlers.networks.resnet3d.augmentation import Crops
from shared.imaging.crops import normalised

SEED = 20_251_121


def golden_crop(input_shape: tuple[int, int, int, int]) -> Crops:
    """Return one crop (channels, slices, rows, columns): an uneven ball off the middle, normalised like any crop."""
    rng = np.random.default_rng(SEED)
    return np.stack([_ball(rng, input_shape[1:]) for _ in range(input_shape[0])])


def _ball(rng: np.random.Generator, shape: tuple[int, ...]) -> Crops:
    place = np.indices(shape, dtype=np.float32)
    centre = np.array([n * share for n, share in zip(shape, (0.4, 0.55, 0.6), strict=True)])
    away = np.sqrt(((place - centre[:, None, None, None]) ** 2).sum(axis=0))
    uneven = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), min(shape) / 24)
    ball = np.where(away < min(shape) * 0.3, 1.0 + uneven / (4 * uneven.std()), 0.2)
    return normalised(ball.astype(np.float32))
