"""What comes out of a reader is opaque sRGB."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from tifffile import imwrite

from shared.domain.errors import InvalidInputError
from shared.slides.colour import WHITE, background, opaque, to_srgb
from shared.slides.openslide_reader import OpenSlideReader
from shared.slides.tiffslide_reader import TiffSlideReader
from shared.testing.slide_files import painted, write_slide

RGB = painted(256, 200)


def _swapped() -> bytes:
    """Return a profile whose red, green and blue lie elsewhere: XYZ as RGB would move every colour."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 1], profile[green : green + 1] = b"g", b"r"
    return bytes(profile)


def test_transparent_glass_shows_the_background_and_not_the_black_below_it() -> None:
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (200, 100, 50, 255))
    image.putpixel((2, 0), (200, 100, 50, 128))
    pixels = np.asarray(opaque(image, (250, 240, 230)))[0]
    assert pixels[0].tolist() == [250, 240, 230]
    assert pixels[1].tolist() == [200, 100, 50]
    assert np.abs(pixels[2].astype(int) - [225, 170, 140]).max() <= 1


def test_a_background_is_what_the_slide_names_or_white() -> None:
    assert background("F0e1d2") == (240, 225, 210)
    assert [background(text) for text in (None, "", "white", "F0F0")] == [WHITE] * 4


def test_an_image_of_sixteen_bits_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        opaque(Image.fromarray(np.zeros((4, 4), np.uint16)), WHITE)


def test_a_transparent_slide_is_composed_over_white_by_both_tiff_readers(tmp_path: Path) -> None:
    alpha = np.full(RGB.shape[:2], 255, np.uint8)
    alpha[:, 128:] = 0
    path = tmp_path / "alpha.tiff"
    pixels = np.dstack([RGB, alpha])
    imwrite(path, pixels, tile=(128, 128), photometric="rgb", extrasamples=["unassalpha"], compression="adobe_deflate")
    for make in (OpenSlideReader, TiffSlideReader):
        reader = make([path])
        found = np.asarray(reader.region(0, 0, 0, 256, 200))
        assert (found[:, :128] == RGB[:, :128]).all()
        assert (found[:, 128:] == 255).all()
        reader.close()


def test_beyond_the_edge_lies_the_background(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "a.tiff", RGB)
    for make in (OpenSlideReader, TiffSlideReader):
        reader = make([path])
        found = np.asarray(reader.region(200, 150, 0, 100, 100))
        assert (found[:50, :56] == RGB[150:, 200:]).all()
        assert (found[50:] == 255).all()
        assert (found[:, 56:] == 255).all()
        reader.close()


def test_the_profile_is_applied_by_both_tiff_readers_and_said_to_be(tmp_path: Path) -> None:
    profile = _swapped()
    path = write_slide(tmp_path / "icc.tiff", RGB, iccprofile=profile)
    asked = ImageCms.profileToProfile(
        Image.fromarray(RGB), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )  # fmt: skip
    assert np.abs(np.asarray(asked).astype(int) - RGB).max() > 40
    for make in (OpenSlideReader, TiffSlideReader):
        reader = make([path])
        assert reader.description.has_profile
        assert (np.asarray(reader.region(0, 0, 0, 256, 200)) == np.asarray(asked)).all()
        reader.close()


def test_a_region_that_is_resized_is_so_before_its_colours_are_converted(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "icc.tiff", RGB, iccprofile=_swapped())
    small = Image.fromarray(RGB).resize((64, 50), Image.Resampling.BOX)
    for make in (OpenSlideReader, TiffSlideReader):
        reader = make([path])
        found = reader.region(0, 0, 0, 256, 200, (64, 50))
        assert (np.asarray(found) == np.asarray(to_srgb(_swapped())(small.copy()))).all()
        reader.close()


def test_a_profile_that_is_srgb_costs_nothing_and_changes_nothing() -> None:
    assert to_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()).transform is None
    assert to_srgb(None).transform is None
    assert to_srgb(_swapped()).transform is not None


def test_a_broken_profile_refuses_the_slide(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="profile"):
        to_srgb(b"no profile at all" * 20)
    path = write_slide(tmp_path / "broken.tiff", RGB, iccprofile=b"no profile at all" * 20)
    with pytest.raises(InvalidInputError):
        OpenSlideReader([path])
