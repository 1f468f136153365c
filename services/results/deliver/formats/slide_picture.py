"""The slide as a picture: the overview, and beside it the same in grey with the probability of each tumour patch.

Nothing in it names the patient, the day or the glass. Its legend speaks in the probability of a patch's class and never
in levels: the levels are no ladder, and colour must not make them one. Patches that are no tumour have no colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.colours import ENTRIES, table
from services.results.deliver.formats.lettering import BLACK, HEIGHT, Canvas, write
from services.results.deliver.formats.slide_basis import Overview, SlideBasis
from services.results.deliver.formats.style import DEVICE_NAME, Style
from services.results.ledger.findings import Finding
from shared.domain.slide_answers import SlideAnswer
from shared.domain.slides import Exclusion
from shared.pathology.patch_table import POSITIVE

WIDTH = 1240
_PANEL, _GAP = 600, 13
_TOP, _FOOT = 92, 118
_PAPER: tuple[int, int, int] = (255, 255, 255)
_BANNER: tuple[int, int, int] = (255, 221, 0)
_SOFT: tuple[int, int, int] = (74, 74, 74)
_LEFT_OUT: tuple[int, int, int] = (0, 130, 90)
_STRENGTH = 0.72
"""Opacity of a patch's colour; the tissue below stays visible."""
_BARS_MM = (20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1)
_LONGEST_BAR = 0.3
"""Of the panel's width."""
_LEGEND = 260


def to_picture(finding: Finding, answer: SlideAnswer, basis: SlideBasis, style: Style) -> Canvas | None:
    """Return (rows, columns, 3); None where no overview was kept."""
    if basis.overview is None:
        return None
    drawing = _Drawing(basis, basis.overview, answer)
    canvas = drawing.canvas()
    _head(canvas, wording.use_mark(finding, style), slide_wording.level(answer), slide_wording.score(answer))
    drawing.panels(canvas)
    model = slide_wording.model(finding.prediction) if finding.prediction else ""
    drawing.foot(canvas, f"{DEVICE_NAME} {finding.predictor}. {slide_wording.CONFIRM} {model}")
    return canvas


@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    basis: SlideBasis
    overview: Overview
    answer: SlideAnswer

    @property
    def scale(self) -> float:
        """Return pixels of the picture per pixel of level 0."""
        return min(_PANEL / self.basis.patches.width, _PANEL / self.basis.patches.height)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height of a panel's slide, in pixels of the picture."""
        table_ = self.basis.patches
        return max(1, round(table_.width * self.scale)), max(1, round(table_.height * self.scale))

    def canvas(self) -> Canvas:
        return np.full((_TOP + self.size[1] + _FOOT, WIDTH, 3), _PAPER, np.uint8)

    def panels(self, canvas: Canvas) -> None:
        shown = np.asarray(Image.fromarray(self.overview, "RGB").resize(self.size, Image.Resampling.BOX))
        for x, picture in ((_GAP, shown), (2 * _GAP + _PANEL, self._heated(shown))):
            canvas[_TOP : _TOP + self.size[1], x : x + self.size[0]] = self._outlined(picture)
            _frame(canvas, x, _TOP, *self.size)

    def _heated(self, shown: Overview) -> Overview:
        """Return the slide in grey, tumour patches that count in the colour of their probability."""
        grey = np.repeat(shown.mean(axis=2, keepdims=True), 3, axis=2)
        colours = table()[::-1].astype(np.float64)  # on bright glass the larger value is the darker one
        patches, tumour = self.basis.patches, self.basis.tumour
        side = patches.grid.side_px * self.scale
        rows = zip(patches.corners[tumour].tolist(), patches.probabilities[tumour, POSITIVE].tolist(), strict=True)
        for (x, y), probability in rows:
            left, top = x * self.scale, y * self.scale
            place = np.s_[round(top) : max(round(top + side), round(top) + 1),
                          round(left) : max(round(left + side), round(left) + 1)]  # fmt: skip
            colour = colours[min(int(probability * ENTRIES), ENTRIES - 1)]
            grey[place] = (1 - _STRENGTH) * grey[place] + _STRENGTH * colour
        found: Overview = np.round(grey).astype(np.uint8)
        return found

    def _outlined(self, picture: Overview) -> Overview:
        """Return the picture with the outlines of the regions that were left out."""
        image = Image.fromarray(np.ascontiguousarray(picture), "RGB")
        draw = ImageDraw.Draw(image)
        for one in self.answer.exclusions:
            draw.line(self._ring(one), fill=_LEFT_OUT, width=3)
        return np.asarray(image)

    def _ring(self, one: Exclusion) -> list[tuple[float, float]]:
        corners = [(row.x * self.scale, row.y * self.scale) for row in one.outline]
        return [*corners, corners[0]]

    def foot(self, canvas: Canvas, text: str) -> None:
        y = _TOP + self.size[1] + 10
        self._bar(canvas, _GAP, y)
        x = 2 * _GAP + _PANEL
        _legend(canvas, x, y)
        if self.answer.exclusions:
            canvas[y + 34 : y + 37, _GAP : _GAP + 24] = _LEFT_OUT
            write(canvas, _GAP + 32, y + 30, "left out of the score by a pathologist", BLACK)
        tumour = int(self.basis.tumour.sum())
        counted = f"grey: no tumour recognised, or not counted; {tumour} tumour patches in colour"
        write(canvas, x, y + 52, counted, _SOFT)
        write(canvas, _GAP, y + 52, "left: the slide as it is; right: the same in grey, with its patches", _SOFT)
        write(canvas, _GAP, y + 78, text, BLACK)

    def _bar(self, canvas: Canvas, x: int, y: int) -> None:
        """Draw the longest of a few round lengths that fits."""
        per_mm = 1000.0 / self.basis.patches.microns_per_pixel * self.scale
        fitting = (length for length in _BARS_MM if length * per_mm <= _LONGEST_BAR * self.size[0])
        length = next(fitting, _BARS_MM[-1])
        canvas[y : y + 4, x : x + max(1, round(length * per_mm))] = BLACK
        write(canvas, x, y + 8, f"{length:g} mm", BLACK)


def _head(canvas: Canvas, mark: str, level: str, score: str) -> None:
    if mark:
        canvas[0 : 2 * HEIGHT + 6] = _BANNER
        write(canvas, WIDTH // 2, 3, mark, BLACK, size=2, anchor="middle")
    write(canvas, _GAP, 2 * HEIGHT + 14, _fitting(level), BLACK, size=2)
    write(canvas, _GAP, 4 * HEIGHT + 22, score, _SOFT)


def _fitting(text: str) -> str:
    """Return as many whole sentences as stand in the picture's width; the page says the rest."""
    longest = (WIDTH - 2 * _GAP) // 12
    if len(text) <= longest:
        return text
    kept = ""
    for sentence in text.split(". "):
        if len(kept) + len(sentence) + 2 > longest:
            break
        kept += f"{sentence}. "
    return kept.strip() or text[:longest]


def _legend(canvas: Canvas, x: int, y: int) -> None:
    ramp: NDArray[np.uint8] = table()[::-1][np.linspace(0, ENTRIES - 1, _LEGEND).astype(int)]
    canvas[y : y + 14, x : x + _LEGEND] = np.round((1 - _STRENGTH) * 190 + _STRENGTH * ramp[None]).astype(np.uint8)
    _frame(canvas, x, y, _LEGEND, 14)
    write(canvas, x, y + 18, "0", BLACK)
    write(canvas, x + _LEGEND // 2, y + 18, "0.5", BLACK, anchor="middle")
    write(canvas, x + _LEGEND, y + 18, "1", BLACK, anchor="right")
    write(canvas, x + _LEGEND + 10, y, "probability of the patch class", BLACK)
    write(canvas, x + _LEGEND + 10, y + HEIGHT + 2, "'tumour of a HER2-positive slide':", BLACK)
    write(canvas, x + _LEGEND + 10, y + 2 * HEIGHT + 4, "of one patch, no level and no IHC/ISH", BLACK)


def _frame(canvas: Canvas, x: int, y: int, width: int, height: int) -> None:
    for place in (np.s_[y - 1, x - 1 : x + width + 1], np.s_[y + height, x - 1 : x + width + 1],
                  np.s_[y - 1 : y + height + 1, x - 1], np.s_[y - 1 : y + height + 1, x + width]):  # fmt: skip
        canvas[place] = _SOFT
