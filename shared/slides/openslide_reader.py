"""OpenSlide: the first reader that is tried."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import openslide
from PIL import Image, ImageCms

from shared.domain.errors import InvalidInputError
from shared.domain.slides import PyramidLevel, ReadBy
from shared.slides.barcode import LABELS, barcode_agrees
from shared.slides.base_reader import BaseReader
from shared.slides.colour import background, opaque, to_srgb
from shared.slides.edges import corner, within
from shared.slides.port import SlideDescription
from shared.slides.statements import objective_power, scanner, stated_resolutions

NAME = f"openslide {openslide.__library_version__}"
_TELLABLE = re.compile(
    r"Unsupported TIFF compression: \d{1,5}|Unsupported photometric interpretation \w{1,16} for [\d.]{1,64}"
)
"""What may be repeated of its reasons; others may quote what they read, or where."""


class OpenSlideReader(BaseReader[openslide.OpenSlide]):
    """One slide; the owner closes it."""

    def __init__(self, paths: Sequence[Path], container: str = "") -> None:
        """Open the first path; OpenSlide finds the other files beside it.

        Raises:
            InvalidInputError: If OpenSlide refuses it; says why.
        """
        try:
            slide = openslide.OpenSlide(str(paths[0]))
        except (openslide.OpenSlideError, OSError) as error:
            raise InvalidInputError("slide", _reason(error)) from error
        super().__init__(slide, container)

    def _read(self, x: int, y: int, level: int, size: tuple[int, int]) -> Image.Image:
        place = self._description.levels[level]

        def read(inside: tuple[int, int]) -> Image.Image:
            return opaque(self._slide.read_region((x, y), level, inside), self._ground)

        try:
            return within(place, corner(place, x, y), size, self._ground, read)
        except (openslide.OpenSlideError, OSError) as error:
            raise InvalidInputError("region", "OpenSlide cannot read it") from error

    def _describe(self, container: str) -> None:
        slide, properties = self._slide, self._slide.properties
        vendor = properties.get("openslide.vendor", "")
        try:
            profile = slide.color_profile
            self._srgb = to_srgb(profile)
            agrees = barcode_agrees(self._labels() if container else (), container)
        except (openslide.OpenSlideError, ImageCms.PyCMSError, OSError, ValueError) as error:
            raise InvalidInputError("slide", "its colour profile or its label is broken") from error
        self._ground = background(properties.get("openslide.background-color"))
        levels = zip(slide.level_dimensions, slide.level_downsamples, strict=True)
        self._description = SlideDescription(
            format=vendor,
            width=slide.dimensions[0],
            height=slide.dimensions[1],
            levels=tuple(PyramidLevel(*size, downsample) for size, downsample in levels),
            stated=stated_resolutions(properties, vendor),
            objective_power=objective_power(properties),
            scanner=scanner(properties, vendor),
            read_by=ReadBy(NAME),
            has_profile=profile is not None,
            associated=tuple(sorted(set(slide.associated_images) & set(LABELS))),
            barcode_agrees=agrees,
            accession=properties.get("dicom.AccessionNumber", ""),
            container=properties.get("dicom.ContainerIdentifier", ""),
            specimens=_specimens(properties),
            frame_of_reference_uid=properties.get("dicom.FrameOfReferenceUID", ""),
        )

    def _labels(self) -> list[Image.Image]:
        pictures = self._slide.associated_images
        return [pictures[name] for name in LABELS if name in pictures]


def _specimens(properties: Mapping[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    while one := properties.get(f"dicom.SpecimenDescriptionSequence[{len(found)}].SpecimenIdentifier"):
        found.append(one)
    return tuple(found)


def _reason(error: Exception) -> str:
    if isinstance(error, openslide.OpenSlideUnsupportedFormatError):
        return "OpenSlide knows no such format"
    told = _TELLABLE.search(str(error))
    return f"OpenSlide: {told.group()}" if told else f"OpenSlide cannot open it ({type(error).__name__})"
