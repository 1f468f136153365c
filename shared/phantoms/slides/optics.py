"""From stain on glass to stored pixels: absorption of two stains, a scanner's lamp, noise, and its colour space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from shared.phantoms.slides.profile import matrix_profile

Field = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Colour = tuple[float, float, float]
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_WIDE = ((0.66, 0.33), (0.24, 0.68), (0.15, 0.05))
DAB: Colour = (0.27, 0.57, 0.78)
"""Optical density of diaminobenzidine, red, green, blue (Ruifrok and Johnston 2001)."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """One scanner with the stainer beside it."""

    manufacturer: str
    model: str
    microns_per_pixel: float
    objective_power: int
    haematoxylin: Colour
    """Optical density of red, green, blue; scaled to unit length."""
    eosin: Colour
    lamp: Colour
    """Stored value of empty glass, before the profile."""
    grain: float
    """Standard deviation of the noise at full light, in stored values; it falls with the root of the light."""
    profile: bytes = b""
    """ICC profile of the stored values; empty: they are sRGB and the file does not say so."""


@dataclass(frozen=True, slots=True)
class Staining:
    """How one slide came out of the stainer: its scanner's colours, shifted and scaled."""

    haematoxylin: Colour
    eosin: Colour
    strengths: tuple[float, float]


SRGB_PROFILE = matrix_profile("SIMULATED sRGB", _SRGB, 2.2)
"""For formats that demand a profile; the true curve of sRGB is within two stored values of a gamma of 2.2."""
SCANNERS = (
    Scanner("SIMULATED", "Alpha", 0.5, 20, (0.65, 0.70, 0.29), (0.09, 0.95, 0.28), (243.0, 241.0, 244.0), 0.8),
    Scanner("SIMULATED", "Beta", 0.46, 20, (0.60, 0.68, 0.42), (0.12, 0.95, 0.26), (236.0, 239.0, 230.0), 1.1,
            matrix_profile("SIMULATED Beta", _WIDE, 2.0)),
)  # fmt: skip
"""Colours of the stains about those of Ruifrok and Johnston (2001); the rest is the simulation's own."""


def fine(scanner: Scanner) -> Scanner:
    """Return the scanner with its objective twice as strong: half as many micrometres per pixel."""
    return replace(
        scanner, microns_per_pixel=scanner.microns_per_pixel / 2, objective_power=scanner.objective_power * 2
    )


def draw_staining(rng: np.random.Generator, scanner: Scanner) -> Staining:
    """Draw one slide's staining: hues move by about 2 degrees, strengths by 12 %."""

    def near(colour: Colour) -> Colour:
        moved = np.maximum(_unit(colour) + 0.02 * rng.standard_normal(3), 0.01)
        return _unit(moved)

    strengths = np.exp(0.12 * rng.standard_normal(2))
    return Staining(near(scanner.haematoxylin), near(scanner.eosin), (float(strengths[0]), float(strengths[1])))


def seen(
    rng: np.random.Generator,
    first: Field,
    second: Field,
    staining: Staining,
    scanner: Scanner,
    veil: Field | None = None,
) -> Pixels:
    """Return (height, width, 3) in the scanner's colour space.

    Args:
        rng: Source of the noise.
        first: Concentration of haematoxylin, (height, width); optical density (natural logarithm) along its vector.
        second: Concentration of eosin.
        staining: Of this slide.
        scanner: Its lamp, noise and profile.
        veil: (height, width, 3): optical density of what is neither (pen).
    """
    amounts = (first * np.float32(staining.strengths[0]), second * np.float32(staining.strengths[1]))
    stored = np.empty((*first.shape, 3), dtype=np.uint8)
    for channel in range(3):
        density = amounts[0] * np.float32(staining.haematoxylin[channel])
        density += amounts[1] * np.float32(staining.eosin[channel])
        if veil is not None:
            density += veil[..., channel]
        light = np.exp(-density)
        grain = rng.standard_normal(first.shape, dtype=np.float32) * np.sqrt(light) * np.float32(scanner.grain)
        stored[..., channel] = np.clip(light * np.float32(scanner.lamp[channel]) + grain + 0.5, 0, 255)
    return stored if not scanner.profile else _in_profile(stored, scanner.profile)


def _in_profile(pixels: Pixels, profile: bytes) -> Pixels:
    """Return sRGB pixels as the scanner stores them: with its profile applied they are sRGB again."""
    image = ImageCms.applyTransform(Image.fromarray(pixels), _to_device(profile))
    if image is None:
        raise RuntimeError("a new image is asked for, never one in place")
    return np.asarray(image, dtype=np.uint8)


@lru_cache(maxsize=4)
def _to_device(profile: bytes) -> ImageCms.ImageCmsTransform:
    device = ImageCms.ImageCmsProfile(BytesIO(profile))
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), device, "RGB", "RGB")


def _unit(colour: Colour | NDArray[np.float64]) -> Colour:
    vector = np.asarray(colour, dtype=np.float64)
    red, green, blue = vector / np.linalg.norm(vector)
    return float(red), float(green), float(blue)
