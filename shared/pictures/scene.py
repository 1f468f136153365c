"""What a picture consists of, before anybody decides on a file format: lines, curves, areas, frames and texts.

Lengths are points (1/72 inch), x to the right, y downwards from the upper left corner; texts stand on their baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Anchor = Literal["start", "middle", "end"]

INK = "#000000"
SOFT = "#4a4a4a"
"""Contrast with white 8.9 : 1 (WCAG 2.2 asks for 4.5 of text, 7 for its strictest level)."""
MARK = "#0b3c8c"
"""The patient's marks: contrast with white 10.2 : 1; dark grey on a grey printer, and thicker than every axis."""
PAPER = "#ffffff"


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float = 0.8
    colour: str = INK
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle with a white rim, so that it stands out on a line of its own colour."""

    x: float
    y: float
    radius: float = 4.0
    colour: str = MARK


@dataclass(frozen=True, slots=True)
class Frame:
    """An empty rectangle with an outline."""

    x: float
    y: float
    width: float
    height: float
    line: float = 1.2


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text."""

    x: float
    y: float
    text: str
    size: float = 9.0
    anchor: Anchor = "start"
    bold: bool = False
    colour: str = INK
    backed: bool = False
    """Lies on white, so that a line behind it does not run through it."""

    @property
    def left(self) -> float:
        """Return where it begins, as far as its width is known."""
        return self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * width_of(self.text, self.size)

    @property
    def width(self) -> float:
        """Return its width as far as it is known."""
        return width_of(self.text, self.size)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through many points."""

    points: tuple[tuple[float, float], ...]
    width: float = 1.4
    colour: str = INK
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A filled shape without an outline: an interval around a curve, a bar."""

    points: tuple[tuple[float, float], ...]
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle's outline."""

    x: float
    y: float
    radius: float
    colour: str = INK
    width: float = 1.4


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture of pixels, scaled to a rectangle."""

    x: float
    y: float
    width: float
    height: float
    columns: int
    rows: int
    rgb: bytes
    """Three bytes per pixel, row by row."""


Part = Line | Dot | Frame | Words | Curve | Area | Ring | Raster


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture; parts that come later lie on top."""

    width: float
    height: float
    title: str
    description: str
    """What a person who cannot see the picture is told."""
    parts: tuple[Part, ...]


_WIDEST_FACE = 1.15
"""DejaVu Sans against Helvetica, both measured on English sentences and numbers."""

# Advance widths of Helvetica in thousandths of the size (Adobe Font Metrics), by class of character.
_NARROW = frozenset("ijl.,:;|!'`")
_SLIM = frozenset("ftrI()[]/ -")
_WIDE = frozenset("mwMW%@—")


def width_of(text: str, size: float) -> float:
    """Return about how wide ``text`` is, at most: in the widest face an SVG may fall back to (DejaVu Sans)."""
    return _WIDEST_FACE * size * sum(_advance(character) for character in text)


def _advance(character: str) -> float:
    if character in _NARROW:
        return 0.25
    if character in _SLIM:
        return 0.32
    if character in _WIDE:
        return 0.86
    return 0.69 if character.isupper() else 0.556


def wrapped(text: str, size: float, width: float) -> Sequence[str]:
    """Return ``text`` in lines no wider than ``width``; a single longer word stays whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
