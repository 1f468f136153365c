"""Axes: from a value to a place in points, ticks, labels, a key of the lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.pictures.scene import INK, SOFT, Area, Curve, Line, Part, Words, width_of

GRID = "#d9d9d9"
SERIES = ("#0b3c8c", "#a63603", "#1b6b3a", "#6a3d9a", "#7a5c00", "#8c0b4f", "#35606b", "#4a4a4a")
"""Dark enough on white (contrast above 5 : 1); every line also has a dash, a width or a label of its own."""
BAND = "#9db8e0"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Span:
    """What one axis shows."""

    low: float
    high: float
    label: str
    ticks: tuple[float, ...]

    @property
    def width(self) -> float:
        """Return high - low."""
        return self.high - self.low


def span(low: float, high: float, label: str, *, count: int = 5) -> Span:
    """Return an axis from ``low`` to ``high`` widened to round ticks."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * one for one in (1.0, 2.0, 2.5, 5.0, 10.0) if power * one >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(step * index, 12) for index in range(first, last + 1))
    return Span(ticks[0], ticks[-1], label, ticks)


def share(label: str) -> Span:
    """Return an axis from 0 to 1."""
    return Span(0.0, 1.0, label, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle with two axes; (left, top) and its size in points."""

    left: float
    top: float
    width: float
    height: float
    x: Span
    y: Span

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a value, held within the rectangle."""
        along = min(1.0, max(0.0, (x - self.x.low) / self.x.width))
        up = min(1.0, max(0.0, (y - self.y.low) / self.y.width))
        return self.left + self.width * along, self.top + self.height * (1.0 - up)

    def axes(self, title: str = "") -> Iterator[Part]:
        """Yield the grid, the axes and their labels."""
        bottom, right = self.top + self.height, self.left + self.width
        for tick in self.y.ticks:
            _, y = self.at(self.x.low, tick)
            yield Line(self.left, y, right, y, 0.5, GRID)
            yield Words(self.left - 5, y + 3, f"{tick:g}", 8.5, "end")
        for tick in self.x.ticks:
            x, _ = self.at(tick, self.y.low)
            yield Line(x, bottom, x, bottom + 4, 0.8)
            yield Words(x, bottom + 14, f"{tick:g}", 8.5, "middle")
        yield Line(self.left, bottom, right, bottom, 1.0)
        yield Line(self.left, self.top, self.left, bottom, 1.0)
        yield Words(self.left + self.width / 2, bottom + 29, self.x.label, 9.0, "middle")
        yield Words(self.left - 30, self.top - 9, self.y.label, 9.0)
        if title:
            yield Words(self.left - 30, self.top - 26, title, 10.5, bold=True)

    def curve(self, points: Points, colour: str, width: float = 1.6, *, dashed: bool = False) -> Curve:
        """Return a curve through values."""
        return Curve(tuple(self.at(x, y) for x, y in points), width, colour, dashed)

    def steps(self, points: Points, colour: str, width: float = 1.6, *, dashed: bool = False) -> Curve:
        """Return a step function: each value holds until the next."""
        return self.curve(stepped(points), colour, width, dashed=dashed)

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str = BAND) -> Area:
        """Return the area between two curves."""
        there = [self.at(a, b) for a, b in zip(x, high, strict=True)]
        back = [self.at(a, b) for a, b in zip(x, low, strict=True)]
        return Area((*there, *reversed(back)), colour, 0.45)

    def diagonal(self) -> Line:
        """Return the line of equal values."""
        low, high = max(self.x.low, self.y.low), min(self.x.high, self.y.high)
        return Line(*self.at(low, low), *self.at(high, high), 0.8, SOFT, dashed=True)


def stepped(points: Points) -> list[tuple[float, float]]:
    """Return the corners of a step function."""
    found: list[tuple[float, float]] = []
    for x, y in points:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the key."""

    label: str
    colour: str
    width: float = 1.6
    dashed: bool = False


def key(entries: Sequence[Entry], left: float, top: float) -> Iterator[Part]:
    """Yield the key, one entry below the other; ``top`` is the baseline of the first."""
    for number, one in enumerate(entries):
        y = top + 13.0 * number
        yield Line(left, y - 3, left + 24, y - 3, one.width, one.colour, one.dashed)
        yield Words(left + 30, y, one.label, 8.5, colour=INK)


def shortened(text: str, size: float, width: float) -> str:
    """Return ``text`` cut with an ellipsis where it is wider than ``width``."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "...", size) > width:
        text = text[:-1]
    return text.rstrip() + "..."


def p_text(p: float) -> str:
    """Return a p value as people print it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
