"""What every reader does alike: it closes what it cannot describe, and makes a picture of what it has read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from PIL import Image

from shared.pathology.patches import resized_picture
from shared.slides.colour import WHITE, Colour, ToSrgb
from shared.slides.port import SlideDescription


class Closable(Protocol):
    """A library's open slide."""

    def close(self) -> None:
        """Let go of the files."""
        ...


S = TypeVar("S", bound=Closable)


class BaseReader(ABC, Generic[S]):
    """One slide (``SlideReader``); the owner closes it."""

    _description: SlideDescription
    _srgb: ToSrgb
    _ground: Colour = WHITE

    def __init__(self, slide: S, container: str) -> None:
        self._slide = slide
        try:
            self._describe(container)
        except BaseException:
            slide.close()
            raise

    @property
    def description(self) -> SlideDescription:
        """See ``SlideReader``."""
        return self._description

    def region(
        self, x: int, y: int, level: int, width: int, height: int, to: tuple[int, int] | None = None
    ) -> Image.Image:
        """See ``SlideReader``; what overhangs the slide is its background."""
        image = self._read(x, y, level, (width, height))
        return self._srgb(resized_picture(image, to or image.size))

    def close(self) -> None:
        """See ``SlideReader``."""
        self._slide.close()

    @abstractmethod
    def _describe(self, container: str) -> None:
        """Set the description, the conversion to sRGB and the colour of the background."""

    @abstractmethod
    def _read(self, x: int, y: int, level: int, size: tuple[int, int]) -> Image.Image:
        """Return RGB as it is stored; (x, y) in pixels of level 0, ``size`` (width, height) in pixels of ``level``.

        Raises:
            InvalidInputError: If it cannot be read.
        """
