"""From around the tumour to its core as a scene: mean probability by distance from the edge, and on how many patches.

The axis of the probability is whole, 0 to 1, so that a small change does not look large. Points are joined where their
steps touch, by straight lines: nothing is smoothed, and no trend is drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.domain.slide_answers import GradientPoint
from shared.pictures.caption import Caption
from shared.pictures.scene import INK, MARK, SOFT, Area, Curve, Dot, Line, Part, Ring, Scene, Words
from shared.pictures.sheet import MARGIN, WIDTH, above, below, lowest

FEW = 10
"""Fewer patches than this are drawn hollow."""
_LEFT, _RIGHT = 92.0, WIDTH - MARGIN
_PLOT, _BARS = 190.0, 54.0
"""Heights of the two plots."""
_BAR = "#9db8e0"
_GRID = "#d9d9d9"
_SMALL = 7.0
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_STEPS_UM = (100.0, 200.0, 500.0, 1000.0)
_MOST_TICKS = 13
_THOUSANDS = 10_000
_ALONE_UM = 200.0
"""Width of a step where there is only one."""


def gradient_scene(points: Sequence[GradientPoint], caption: Caption, what: str) -> Scene:
    """Return the curve.

    Args:
        points: Mean probability per step of distance, at least one.
        caption: The words around it.
        what: What the probability is one of, for the axis.
    """
    head = list(above(caption))
    plot = _Plot(tuple(sorted(points, key=lambda one: one.distance_um)), lowest(head) + 52)
    bottom = plot.foot + 52
    notes = list(below(caption, bottom))
    height = lowest(notes, bottom) + MARGIN / 2 + 6
    parts = (*head, *plot.axes(what), *plot.bars(), *plot.curve(), *notes)
    return Scene(WIDTH, height, caption.title, gradient_described(points, caption, what), parts)


def gradient_described(points: Sequence[GradientPoint], caption: Caption, what: str) -> str:
    """Return the curve in words: what the picture's alternative text says."""
    said = f"{caption.title}: mean {what} by distance from the edge of the tumour. {gradient_rows(points)}"
    return f"{caption.banner} {said}" if caption.banner else said


def gradient_rows(points: Sequence[GradientPoint]) -> str:
    """Return every point in words, from the farthest outside inwards."""
    rows = (
        f"{abs(one.distance_um):.0f} um {'inside' if one.distance_um > 0 else 'outside'}: {one.mean:.3f} "
        f"({one.patches} {'patch' if one.patches == 1 else 'patches'})"
        for one in sorted(points, key=lambda one: one.distance_um)
    )
    return f"{'; '.join(rows)}."


@dataclass(frozen=True, slots=True)
class _Plot:
    points: tuple[GradientPoint, ...]
    """From outside inwards."""
    top: float

    @property
    def step(self) -> float:
        """Return the width of a step, in micrometres: the least distance of two points."""
        places = [one.distance_um for one in self.points]
        return min((high - low for low, high in itertools.pairwise(places)), default=_ALONE_UM)

    @property
    def low(self) -> float:
        """Return where the axis begins: the edge of the tumour is always on it."""
        return min(0.0, self.points[0].distance_um - self.step / 2)

    @property
    def high(self) -> float:
        return max(0.0, self.points[-1].distance_um + self.step / 2)

    @property
    def bottom(self) -> float:
        """Return the axis of the curve."""
        return self.top + _PLOT

    @property
    def foot(self) -> float:
        """Return the axis of the bars, which is that of the distance."""
        return self.bottom + 18 + _BARS

    def x(self, um: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (um - self.low) / (self.high - self.low)

    def y(self, share: float) -> float:
        return self.bottom - _PLOT * share

    def axes(self, what: str) -> Iterator[Part]:
        for share in _SHARES:
            y = self.y(share)
            yield Line(_LEFT, y, _RIGHT, y, 0.8 if share == 0 else 0.5, INK if share == 0 else _GRID)
            yield Words(_LEFT - 6, y + 3, f"{share:.1f}", 8.5, "end")
        yield Words(MARGIN, self.top - 26, f"mean {what}", 9.0, bold=True)
        yield Words(MARGIN, self.bottom + 26, "patches", 9.0, bold=True)
        yield Line(_LEFT, self.foot, _RIGHT, self.foot, 0.8)
        for um in self._ticks():
            yield Line(self.x(um), self.foot, self.x(um), self.foot + 5, 0.9)
            yield Words(self.x(um), self.foot + 15, f"{um:g}", 8.5, "middle")
        label = "distance from the edge of the tumour in micrometres; below 0: tissue around it"
        yield Words((_LEFT + _RIGHT) / 2, self.foot + 29, label, 9.0, "middle", bold=True)
        yield from self._edge()

    def _edge(self) -> Iterator[Part]:
        x = self.x(0.0)
        yield Line(x, self.top - 6, x, self.foot, 1.0, SOFT, dashed=True)
        if self.low < 0:
            yield Words(x - 6, self.top - 10, "around the tumour", 8.5, "end", colour=SOFT)
        if self.high > 0:
            yield Words(x + 6, self.top - 10, "inside the tumour, towards its core", 8.5, colour=SOFT)

    def _ticks(self) -> Iterator[float]:
        span = self.high - self.low
        step = next((one for one in _STEPS_UM if span / one < _MOST_TICKS), _STEPS_UM[-1])
        at = -(-self.low // step) * step
        while at <= self.high + 1e-9:
            yield at + 0.0
            at += step

    def bars(self) -> Iterator[Part]:
        """Yield how many patches each step holds: a mean of few says little."""
        most = max(one.patches for one in self.points)
        for one in self.points:
            left, right = (self.x(one.distance_um + side * 0.42 * self.step) for side in (-1, 1))
            y = self.foot - (_BARS - 8) * one.patches / most
            yield Area(((left, self.foot), (left, y), (right, y), (right, self.foot)), _BAR)
            yield Words((left + right) / 2, y - 3, _count(one.patches), _SMALL, "middle")

    def curve(self) -> Iterator[Part]:
        for one, other in zip(self.points, self.points[1:], strict=False):
            if other.distance_um - one.distance_um < 1.5 * self.step:
                yield Curve((self._at(one), self._at(other)), 1.4, MARK)
        for one in self.points:
            x, y = self._at(one)
            yield Dot(x, y) if one.patches >= FEW else Ring(x, y, 3.4, MARK)

    def _at(self, one: GradientPoint) -> tuple[float, float]:
        return self.x(one.distance_um), self.y(one.mean)


def _count(patches: int) -> str:
    return f"{patches}" if patches < _THOUSANDS else f"{patches / 1000:.0f}k"
