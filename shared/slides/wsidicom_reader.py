"""wsidicom: for DICOM slides that OpenSlide refuses (YBR_FULL baseline JPEG, missing Image Type)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image
from wsidicom import WsiDicom

from shared.domain.errors import InvalidInputError
from shared.domain.slides import PyramidLevel, ReadBy, Scanner
from shared.slides.barcode import barcode_agrees
from shared.slides.base_reader import BaseReader
from shared.slides.colour import opaque, to_srgb
from shared.slides.edges import corner, within
from shared.slides.port import SlideDescription
from shared.slides.statements import stated_resolutions

NAME = f"wsidicom {version('wsidicom')}"


class WsiDicomReader(BaseReader[WsiDicom]):
    """One slide: all instances of a pyramid; the owner closes it."""

    def __init__(self, paths: Sequence[Path], container: str = "") -> None:
        """Open all paths.

        Raises:
            InvalidInputError: If wsidicom refuses them.
        """
        try:
            super().__init__(WsiDicom.open([str(one) for one in paths]), container)
        except Exception as error:  # declares no family of errors
            raise InvalidInputError("slide", f"wsidicom cannot open it ({type(error).__name__})") from error

    def _read(self, x: int, y: int, level: int, size: tuple[int, int]) -> Image.Image:
        place = self._description.levels[level]
        at = corner(place, x, y)

        def read(inside: tuple[int, int]) -> Image.Image:
            return opaque(self._slide.read_region(at, self._numbers[level], inside, threads=1), self._ground)

        try:
            return within(place, at, size, self._ground, read)
        except Exception as error:  # declares no family of errors
            raise InvalidInputError("region", f"wsidicom cannot read it ({type(error).__name__})") from error

    def _describe(self, container: str) -> None:
        base = self._slide.pyramid.base_level
        self._numbers = [level.level for level in self._slide.pyramid]
        header = base.default_instance.dataset.as_dataset()
        profile = _profile(header)
        self._srgb = to_srgb(profile)
        levels = tuple(
            PyramidLevel(one.size.width, one.size.height, base.size.width / one.size.width)
            for one in self._slide.pyramid
        )
        self._description = SlideDescription(
            format="dicom",
            width=base.size.width,
            height=base.size.height,
            levels=levels,
            stated=stated_resolutions(_properties(header), "dicom"),
            objective_power=_power(header),
            scanner=Scanner(str(header.get("Manufacturer", "")), str(header.get("ManufacturerModelName", ""))),
            read_by=ReadBy(NAME),
            has_profile=profile is not None,
            associated=self._associated(),
            barcode_agrees=barcode_agrees(self._labels() if container else (), container),
            accession=str(header.get("AccessionNumber", "") or ""),
            container=str(header.get("ContainerIdentifier", "") or ""),
            specimens=tuple(str(one.SpecimenIdentifier) for one in header.get("SpecimenDescriptionSequence", [])),
            frame_of_reference_uid=str(header.get("FrameOfReferenceUID", "") or ""),
        )

    def _associated(self) -> tuple[str, ...]:
        there = (("label", self._slide.labels), ("macro", self._slide.overviews))
        return tuple(name for name, found in there if found)

    def _labels(self) -> list[Image.Image]:
        slide = self._slide
        found = [slide.read_label()] if slide.labels else []
        return [*found, slide.read_overview()] if slide.overviews else found


def _properties(header: Any) -> dict[str, object]:
    """Return what ``stated_resolutions`` asks for, under the names OpenSlide gives it."""
    names = ("ImagedVolumeWidth", "ImagedVolumeHeight", "TotalPixelMatrixColumns", "TotalPixelMatrixRows")
    found: dict[str, object] = {f"dicom.{name}": header.get(name) for name in names}
    for group in header.get("SharedFunctionalGroupsSequence", []):
        for measures in group.get("PixelMeasuresSequence", []):
            for place, value in enumerate(measures.get("PixelSpacing") or ()):
                key = f"dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[{place}]"
                found[key] = value
    return found


def _profile(header: Any) -> bytes | None:
    for path in header.get("OpticalPathSequence", []):
        if path.get("ICCProfile"):
            return bytes(path.ICCProfile)
    return None


def _power(header: Any) -> float | None:
    for path in header.get("OpticalPathSequence", []):
        if path.get("ObjectiveLensPower"):
            return float(path.ObjectiveLensPower)
    return None
