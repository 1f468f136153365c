"""One slice as a picture: the measured phase with the region's outline, and enlarged with the heatmap over it.

Nothing in it names the patient or the day: the object does. Everything that viewers do not show beside a picture stands
in it: what it may be used for, the sides, where the slice lies, the scale of the colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.results.deliver.formats.colours import ENTRIES, OUTLINE, table
from services.results.deliver.formats.lettering import BLACK, GREY, HEIGHT, WHITE, Canvas, on_image, write
from services.results.deliver.formats.measured_images import MeasuredImages
from services.results.deliver.formats.source_slices import SourceSlice

WIDTH, HEIGHT_PX = 900, 484
_PANEL, _GAP, _TOP = 384, 12, 56
_LEGEND_X = 3 * _GAP + 2 * _PANEL
_BANNER: tuple[int, int, int] = (255, 221, 0)
_MARGIN_MM = 12.0
_STRONGEST = 0.75
"""Opacity of the largest value; the anatomy below stays visible everywhere."""
_DARKEST, _BRIGHTEST = 1.0, 99.5
"""Percentiles of the shown slices that are black and white."""
_BARS_MM = (50, 20, 10, 5, 2)
_NEXT = 0.35
"""A direction cosine above it gives the edge a second letter."""


@dataclass(frozen=True, slots=True)
class Words:
    """What stands in every picture of a finding."""

    banner: str
    title: str
    foot: str


@dataclass(frozen=True, slots=True)
class _View:
    """A window on a slice: first row and column, and pixels of the picture per millimetre."""

    row: float
    column: float
    rows: float
    columns: float
    scale: float


def pictures(images: MeasuredImages, slices: Sequence[SourceSlice], words: Words) -> NDArray[np.uint8]:
    """Return (slices, rows, columns, 3): one picture per slice, all with the same window, view and colours."""
    values = np.concatenate([images.pixels[one.index].ravel() for one in slices])
    low, high = (float(v) for v in np.percentile(values, [_DARKEST, _BRIGHTEST]))
    top = float(images.heatmap.voxels.max()) if images.heatmap is not None else 0.0
    draw = _Drawing(images, words, low, max(high, low + 1.0), top)
    near = draw.near()
    return np.stack(
        [draw.picture(one, near, f"{number} of {len(slices)} shown") for number, one in enumerate(slices, 1)]
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    images: MeasuredImages
    words: Words
    low: float
    high: float
    top: float

    def picture(self, one: SourceSlice, near: _View, counted: str) -> Canvas:
        canvas = np.zeros((HEIGHT_PX, WIDTH, 3), np.uint8)
        self._head(canvas)
        whole = self._whole()
        self._panel(canvas, _GAP, one, whole, heat=False)
        self._frame(canvas, whole, near)
        self._panel(canvas, 2 * _GAP + _PANEL, one, near, heat=self.top > 0)
        _bar(canvas, 2 * _GAP + _PANEL, near.scale)
        if self.top > 0:
            _legend(canvas, self.top)
        self._foot(canvas, one, counted)
        return canvas

    def _head(self, canvas: Canvas) -> None:
        if self.words.banner:
            canvas[0 : 2 * HEIGHT + 6] = _BANNER
            write(canvas, WIDTH // 2, 3, self.words.banner, BLACK, size=2, anchor="middle")
        write(canvas, _GAP, 2 * HEIGHT + 12, self.words.title, WHITE)

    def _foot(self, canvas: Canvas, one: SourceSlice, counted: str) -> None:
        across, down = _axes(one)
        place = float(np.dot(np.cross(across, down), [float(v) for v in one.header.ImagePositionPatient]))
        shape = self.images.region.grid.shape[0]
        where = f"slice {one.index + 1} of {shape}, {place:+.1f} mm along the slice normal; {counted}"
        write(canvas, _GAP, _TOP + _PANEL + 8, where, WHITE)
        write(canvas, _GAP, _TOP + _PANEL + 8 + HEIGHT + 4, self.words.foot, GREY)

    def _whole(self) -> _View:
        _, rows, columns = self.images.region.grid.shape
        return self._view(-0.5, -0.5, rows, columns)

    def near(self) -> _View:
        """Return the window around region and heatmap: square in millimetres, the same for every slice."""
        spacing = self.images.region.grid.spacing
        (_, top, left), (_, bottom, right) = self.images.region.box
        side = max((bottom - top) * spacing.rows, (right - left) * spacing.columns) + 2 * _MARGIN_MM
        rows, columns = side / spacing.rows, side / spacing.columns
        return self._view((top + bottom - rows - 1) / 2, (left + right - columns - 1) / 2, rows, columns)

    def _view(self, row: float, column: float, rows: float, columns: float) -> _View:
        spacing = self.images.region.grid.spacing
        return _View(row, column, rows, columns, _PANEL / max(rows * spacing.rows, columns * spacing.columns))

    def _panel(self, canvas: Canvas, x: int, one: SourceSlice, view: _View, *, heat: bool) -> None:
        at = self._places(view)
        grey = np.clip((_linear(self.images.pixels[one.index], *at) - self.low) / (self.high - self.low), 0, 1)
        picture = np.repeat(grey[..., None] * 255.0, 3, axis=2)
        if heat:
            picture = self._warm(picture, one, at)
        inside = _nearest(self.images.region.bits[one.index], *at)
        picture[_edge(inside)] = OUTLINE
        panel = canvas[_TOP : _TOP + _PANEL, x : x + _PANEL]
        panel[: picture.shape[0], : picture.shape[1]] = np.round(picture).astype(np.uint8)
        _sides(panel, one)

    def _places(self, view: _View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the (fractional) rows and columns of the slice behind each pixel of the panel."""
        spacing = self.images.region.grid.spacing
        high, wide = (min(_PANEL, round(n * mm * view.scale)) for n, mm in
                      ((view.rows, spacing.rows), (view.columns, spacing.columns)))  # fmt: skip
        rows: NDArray[np.float64] = view.row + (np.arange(high, dtype=np.float64) + 0.5) / (view.scale * spacing.rows)
        columns: NDArray[np.float64] = view.column + (np.arange(wide, dtype=np.float64) + 0.5) / (
            view.scale * spacing.columns
        )
        return rows, columns

    def _warm(
        self, picture: NDArray[np.float64], one: SourceSlice, at: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        values = self.images.heat(one.index)
        if values is None:
            return picture
        _, row, column = self.images.corner
        part = np.clip(_linear(values, at[0] - row, at[1] - column, outside=0.0) / self.top, 0.0, 1.0)
        colour = table()[np.round(part * (ENTRIES - 1)).astype(int)].astype(np.float64)
        opacity = (_STRONGEST * np.sqrt(part))[..., None]
        blended: NDArray[np.float64] = picture * (1 - opacity) + colour * opacity
        return blended

    def _frame(self, canvas: Canvas, whole: _View, near: _View) -> None:
        """Draw on the whole slice which part is enlarged."""
        spacing = self.images.region.grid.spacing
        y0, y1 = (round((row - whole.row) * spacing.rows * whole.scale) for row in (near.row, near.row + near.rows))
        x0, x1 = (
            round((column - whole.column) * spacing.columns * whole.scale)
            for column in (near.column, near.column + near.columns)
        )
        y0, y1, x0, x1 = (int(np.clip(v, 0, _PANEL - 1)) for v in (y0, y1, x0, x1))
        panel = canvas[_TOP : _TOP + _PANEL, _GAP : _GAP + _PANEL]
        panel[[y0, y1], x0 : x1 + 1] = GREY
        panel[y0 : y1 + 1, [x0, x1]] = GREY


def _axes(one: SourceSlice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cosines = np.array([float(v) for v in one.header.ImageOrientationPatient])
    return cosines[:3], cosines[3:]


def _sides(panel: Canvas, one: SourceSlice) -> None:
    """Write at each edge towards which side of the patient it lies (PS3.3 C.7.6.1.1.1)."""
    across, down = _axes(one)
    middle, end = _PANEL // 2, _PANEL - 4
    on_image(panel, 4, middle - HEIGHT, side(-across), size=2)
    on_image(panel, end, middle - HEIGHT, side(across), size=2, anchor="right")
    on_image(panel, middle, 2, side(-down), size=2, anchor="middle")
    on_image(panel, middle, end - 2 * HEIGHT, side(down), size=2, anchor="middle")


def side(direction: NDArray[np.float64]) -> str:
    """Return the letters of a direction in LPS: L or R, P or A, H or F; the strongest first, a second where oblique."""
    named = [("L", "R"), ("P", "A"), ("H", "F")]
    order = np.argsort(-np.abs(direction), kind="stable")
    letters = [named[n][0 if direction[n] > 0 else 1] for n in order if abs(direction[n]) > _NEXT]
    return "".join(letters[:2])


def _bar(canvas: Canvas, x: int, scale: float) -> None:
    """Draw a scale: the longest that takes no more than a third of the panel."""
    length_mm = next((mm for mm in _BARS_MM if mm * scale < _PANEL / 3), _BARS_MM[-1])
    length, y = round(length_mm * scale), _TOP + _PANEL - 14
    canvas[y - 2 : y + 5, x + 8 : x + 12 + length] = BLACK
    canvas[y : y + 3, x + 10 : x + 10 + length] = WHITE
    on_image(canvas, x + 16 + length, y - 5, f"{length_mm} mm")


def _legend(canvas: Canvas, top: float) -> None:
    """Draw the colours with the values they stand for."""
    high = _PANEL - 80
    steps = np.linspace(1.0, 0.0, high)
    colours = table()[np.round(steps * (ENTRIES - 1)).astype(int)]
    y, x = _TOP + 40, _LEGEND_X
    canvas[y : y + high, x : x + 18] = colours[:, None]
    write(canvas, x, _TOP, "heatmap", WHITE)
    write(canvas, x, _TOP + HEIGHT + 2, "(Grad-CAM)", GREY)
    for part in (1.0, 0.5, 0.0):
        at = y + round((1 - part) * (high - 1))
        canvas[at, x + 18 : x + 23] = WHITE
        write(canvas, x + 26, at - HEIGHT // 2, f"{top * part:.2g}", WHITE)
    canvas[y + high + 22, x : x + 18] = OUTLINE
    write(canvas, x + 26, y + high + 17, "region", WHITE)


def _linear(
    values: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64], outside: float | None = None
) -> NDArray[np.float64]:
    """Return ``values`` between its pixels; beyond them ``outside``, or black."""
    top, left = _within(rows, values.shape[0]), _within(columns, values.shape[1])
    upper = values[top[0]][:, left[0]] * (1 - left[1]) + values[top[0]][:, left[0] + 1] * left[1]
    lower = values[top[0] + 1][:, left[0]] * (1 - left[1]) + values[top[0] + 1][:, left[0] + 1] * left[1]
    blended: NDArray[np.float64] = upper * (1 - top[1][:, None]) + lower * top[1][:, None]
    blended[~top[2]] = -np.inf if outside is None else outside
    blended[:, ~left[2]] = -np.inf if outside is None else outside
    return blended


def _within(at: NDArray[np.float64], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    there = (at >= -0.5) & (at <= count - 0.5)
    low = np.clip(np.floor(at), 0, max(count - 2, 0)).astype(np.int64)
    return low, np.clip(at - low, 0.0, 1.0), there


def _nearest(bits: NDArray[np.bool_], rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.bool_]:
    there = ((rows > -0.5) & (rows < bits.shape[0] - 0.5))[:, None] & (
        (columns > -0.5) & (columns < bits.shape[1] - 0.5)
    )
    row = np.clip(np.round(rows), 0, bits.shape[0] - 1).astype(int)
    column = np.clip(np.round(columns), 0, bits.shape[1] - 1).astype(int)
    found: NDArray[np.bool_] = bits[row][:, column] & there
    return found


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the outermost two pixels of a shape."""
    kept = np.pad(inside, 2)
    for _ in range(2):
        shrunk = kept.copy()
        for axis in (0, 1):
            shrunk &= np.roll(kept, 1, axis) & np.roll(kept, -1, axis)
        kept = shrunk
    return inside & ~kept[2:-2, 2:-2]
