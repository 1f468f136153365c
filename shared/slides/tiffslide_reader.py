"""tiffslide: for TIFF slides that OpenSlide refuses (JPEG 2000, WebP, OME, strips)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image
from tiffslide import TiffSlide

from shared.domain.errors import InvalidInputError
from shared.domain.slides import PyramidLevel, ReadBy
from shared.slides.barcode import LABELS, barcode_agrees
from shared.slides.base_reader import BaseReader
from shared.slides.colour import WHITE, background, opaque, to_srgb
from shared.slides.edges import corner
from shared.slides.port import SlideDescription
from shared.slides.statements import objective_power, scanner, stated_resolutions
from shared.slides.tiff_level import TiffLevel

NAME = f"tiffslide {version('tiffslide')}"
_ICC_TAG = 34675


class TiffSlideReader(BaseReader[TiffSlide]):
    """One slide; the owner closes it."""

    def __init__(self, paths: Sequence[Path], container: str = "") -> None:
        """Open the first path, a TIFF: of others tiffslide would make URLs.

        Raises:
            InvalidInputError: If tiffslide refuses it.
        """
        try:
            super().__init__(TiffSlide(str(paths[0])), container)
        except Exception as error:  # declares no family of errors
            raise InvalidInputError("slide", f"tiffslide cannot open it ({type(error).__name__})") from error

    def _read(self, x: int, y: int, level: int, size: tuple[int, int]) -> Image.Image:
        place = self._description.levels[level]
        left, top = corner(place, x, y)
        try:
            pixels = self._levels[level].region(left, top, *size, self._ground)
        except Exception as error:  # declares no family of errors
            raise InvalidInputError("region", f"tifffile cannot read it ({type(error).__name__})") from error
        return opaque(Image.fromarray(pixels), self._ground)

    def _describe(self, container: str) -> None:
        slide, properties = self._slide, self._slide.properties
        vendor = str(properties.get("tiffslide.vendor") or "")
        series = slide.ts_tifffile.series[properties["tiffslide.series-index"]]
        self._levels = [TiffLevel(one.keyframe) for one in series.levels]
        profile = _profile(slide)
        self._srgb = to_srgb(profile)
        self._ground = background(str(properties.get("tiffslide.background-color") or "")) or WHITE
        pictures = slide.associated_images
        labels = [pictures[name] for name in LABELS if name in pictures] if container else []
        levels = zip(slide.level_dimensions, slide.level_downsamples, strict=True)
        self._description = SlideDescription(
            format=vendor or "generic-tiff",
            width=slide.dimensions[0],
            height=slide.dimensions[1],
            levels=tuple(PyramidLevel(*size, downsample) for size, downsample in levels),
            stated=stated_resolutions(properties, vendor, "tiffslide"),
            objective_power=objective_power(properties, "tiffslide"),
            scanner=scanner(properties, vendor),
            read_by=ReadBy(NAME),
            has_profile=profile is not None,
            associated=tuple(sorted(set(pictures) & set(LABELS))),
            barcode_agrees=barcode_agrees(labels, container),
        )


def _profile(slide: Any) -> bytes | None:
    tag = slide.ts_tifffile.pages[0].tags.get(_ICC_TAG)
    return bytes(tag.value) if tag else None
