"""From what a reader decodes to opaque sRGB: alpha over the slide's background, the scanner's profile to sRGB.

Dropping the alpha channel instead would show the black below transparent glass (openslide-python issue 317).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from shared.domain.errors import InvalidInputError

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
_OPAQUE = 255
_MODES = ("RGB", "RGBA", "L")
_SAME = 1
"""A profile that moves no colour by more than one step of 255 is sRGB; its transform is left out."""


def background(text: str | None) -> Colour:
    """Return the colour that ``openslide.background-color`` (RRGGBB) names; white where it names none."""
    try:
        red, green, blue = bytes.fromhex(text or "")
    except ValueError:
        return WHITE
    return red, green, blue


def opaque(image: Image.Image, ground: Colour) -> Image.Image:
    """Return the image in RGB, transparent parts showing ``ground``.

    Raises:
        InvalidInputError: If it has not 8 bits a channel; no brightfield scanner's slides have more.
    """
    if image.mode not in _MODES:
        raise InvalidInputError("region", "is no image of 8 bits a channel")
    if image.mode != "RGBA":
        return image.convert("RGB")
    # Alpha is the highest byte of a pixel, so that the least pixel has the least alpha.
    if np.asarray(image).view("<u4").min() >> 24 == _OPAQUE:
        return image.convert("RGB")
    glass = Image.new("RGBA", image.size, (*ground, _OPAQUE))
    glass.alpha_composite(image)
    return glass.convert("RGB")


@dataclass(frozen=True, slots=True, eq=False)
class ToSrgb:
    """Applies one ICC profile; without one colours stay as they are stored."""

    transform: ImageCms.ImageCmsTransform | None = None

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the RGB image in sRGB; it is changed in place."""
        if self.transform is not None:
            ImageCms.applyTransform(image, self.transform, inPlace=True)
        return image


def to_srgb(profile: bytes | ImageCms.ImageCmsProfile | None) -> ToSrgb:
    """Return the conversion for an embedded profile (relative colorimetric).

    Raises:
        ValueError: If it is no profile of RGB images.
    """
    if profile is None:
        return ToSrgb()
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if isinstance(profile, bytes) else profile
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), "RGB", "RGB", intent)
    except (ImageCms.PyCMSError, OSError) as error:
        raise ValueError("the embedded colour profile cannot be applied") from error
    return ToSrgb() if _changes_nothing(transform) else ToSrgb(transform)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    after = np.asarray(ToSrgb(transform)(Image.fromarray(lattice.copy())))
    return bool(np.abs(after.astype(np.int16) - lattice).max() <= _SAME)
