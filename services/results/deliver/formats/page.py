"""The page a person opens: the nomogram with the patient's reading lines, then everything in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.results.deliver.formats import horizons, slide_wording, wording
from services.results.deliver.formats.fhir_parts import method_text
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.case import FindingKind
from shared.domain.prediction import Prediction
from shared.pictures.caption import Caption
from shared.pictures.chart import Chart, marks_of
from shared.pictures.gradient import gradient_scene
from shared.pictures.nomogram import nomogram_scene
from shared.pictures.pdf import A4_LANDSCAPE, to_pdf
from shared.pictures.scene import INK, SOFT, Frame, Part, Raster, Scene, Words, wrapped

_WIDTH, _HEIGHT = A4_LANDSCAPE
_MARGIN = 40.0
_TYPE = 10.0
"""Size of the text, in points."""
_SLICE = "the slice with the peak of the heatmap, or with most of the region"
_TOLERANCE = 1e-4
"""Of a risk: a graph in single precision and its printed numbers agree far better, and nobody reads it finer."""
_BELOW_FRAME = 10.0
"""Least white space above a page's first line: the frame ends 8 points below its words."""
_LEADING = 1.35
"""Distance of baselines, in sizes of the type."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of type; ``before`` is white space above it, in points."""

    text: str
    size: float = _TYPE
    bold: bool = False
    soft: bool = False
    before: float = 0.0

    @property
    def height(self) -> float:
        return self.before + _LEADING * self.size


def page(finding: Finding, style: Style, chart: Chart | None, picture: NDArray[np.uint8] | None = None) -> bytes:
    """Return the PDF; ``chart`` is the nomogram of the bundle that answered, None where there is nothing to draw.

    ``picture`` (rows, columns, 3) shows what was measured, and the heatmap; None where nothing was measured in images.
    """
    answer = finding.prediction
    drawn = [nomogram_scene(chart, _caption(finding, style), marks_of(answer))] if chart and answer else []
    shown = [_shown(finding, picture)] if picture is not None else []
    return to_pdf(*drawn, *_said(finding, style), *_gradient(finding, style), *shown)


def _gradient(finding: Finding, style: Style) -> Iterator[Scene]:
    """Return the page with the curve from around the tumour to its core; none where the slide shows no edge."""
    answer = finding.prediction.slide if finding.prediction else None
    if answer is None or not answer.gradient:
        return
    named = f"case {finding.case_id}, revision {finding.revision}"
    notes = (*filter(None, slide_wording.curve_notes(answer)), named)
    caption = replace(_caption(finding, style), notes=notes)
    yield gradient_scene(answer.gradient, caption, slide_wording.PATCH_PROBABILITY)


def _shown(finding: Finding, picture: NDArray[np.uint8]) -> Scene:
    """Return the page with the picture, as wide as the paper; the banner stands in the picture itself."""
    rows, columns, _ = picture.shape
    room = _HEIGHT - 2 * _MARGIN - 44
    width = min(_WIDTH - 2 * _MARGIN, room * columns / rows)
    head = (
        Words(_MARGIN, _MARGIN + 15, title(finding), 15.0, bold=True),
        Words(_MARGIN, _MARGIN + 32, patient(finding), _TYPE, colour=SOFT),
    )
    image = Raster(_MARGIN, _MARGIN + 44, width, width * rows / columns, columns, rows, picture.tobytes())
    where = "the slide, and the probability of each of its tumour patches" if wording.about_slide(finding) else _SLICE
    named = f"case {finding.case_id}, revision {finding.revision}; {where}"
    foot = Words(_MARGIN, _HEIGHT - 18, named, 8.0, colour=SOFT)
    about = "what was measured and, in colour, where the network's answer comes from"
    return Scene(_WIDTH, _HEIGHT, title(finding), f"{title(finding)}: {about}", (*head, image, foot))


def agrees(chart: Chart, answer: Prediction) -> bool:
    """Tell whether the total points of this answer, read from this nomogram, give its risks."""
    total = horizons.total(answer)
    read = {axis.years: chart.scale.risk(axis.horizon, total) for axis in chart.risks if not axis.refused}
    return all(abs(read.get(row.years, -1.0) - value) <= _TOLERANCE for row, value in horizons.given(answer))


def title(finding: Finding) -> str:
    """Return what the page is headed: what was asked, or that the answer is taken back."""
    about = local.assessment(finding.predictor).display
    return f"WITHDRAWN: {about}" if finding.kind is FindingKind.WITHDRAWN else about


def patient(finding: Finding) -> str:
    """Return whose page it is: a sheet of paper leaves the chart it was printed from."""
    born = finding.demographics.birth_date
    whose = f"Patient {finding.identity.identifier} ({finding.identity.authority})"
    return f"{whose}, born {born.isoformat()}" if born else whose


def _caption(finding: Finding, style: Style) -> Caption:
    """Return the words around the picture; the remarks stand in words on the next page."""
    answer = finding.prediction
    beside = horizons.alternatives(answer) if answer else ()
    banner = " ".join(wording.use_sentences(finding, style))
    lines = (patient(finding), wording.validity(finding, style), method_text(finding))
    return Caption(title(finding), lines, banner, beside)


def _said(finding: Finding, style: Style) -> Iterator[Scene]:
    """Return the words, on as many pages as they need; each says whose it is and what it may be used for."""
    head = [_Line(title(finding), 15.0, bold=True), _Line(patient(finding), soft=True, before=2)]
    banner = list(_wrapped(wording.use_sentences(finding, style), bold=True))
    head += [_Line(row.text, row.size, bold=True, before=6 if row is banner[0] else 0) for row in banner]
    pages = list(_pages(list(_body(finding, style)), _HEIGHT - 2 * _MARGIN - sum(row.height for row in head) - 16))
    for number, rows in enumerate(pages, 1):
        foot = f"case {finding.case_id}, revision {finding.revision}; in words: page {number} of {len(pages)}"
        first = replace(rows[0], before=max(rows[0].before, _BELOW_FRAME))
        parts = [
            *_set([*head, first, *rows[1:]]),
            *_framed(head, banner),
            Words(_MARGIN, _HEIGHT - 18, foot, 8.0, colour=SOFT),
        ]
        yield Scene(_WIDTH, _HEIGHT, title(finding), f"{title(finding)}, in words", tuple(parts))


def _body(finding: Finding, style: Style) -> Iterator[_Line]:
    answer = finding.prediction
    if finding.kind is FindingKind.WITHDRAWN:
        yield from _section("This result no longer counts", [wording.withdrawal(finding)])
        return
    if finding.not_analysed:
        yield from _section("Asked, and not answered", [wording.refusal(finding)])
    if answer:
        yield from _section("Result", wording.answers(answer))
        yield from _section("Variants", (wording.variant(answer), *wording.variant_lines(answer)))
        yield from _section("Images", wording.image_lines(answer))
        yield from _section("Measured region", _region(answer))
        yield from _section("What it rests on", slide_wording.basis(answer.slide) if answer.slide else ())
    yield from _section("Slide", slide_wording.slide_lines(finding))
    yield from _section("Inputs", wording.input_lines(finding))
    if answer:
        yield from _section("Remarks", wording.flags(answer.flags))
    replaced = [wording.replacement(finding)] if finding.revision > 1 else []
    yield from _section(
        "What this is", [*replaced, wording.side(finding), wording.validity(finding, style), method_text(finding)]
    )


def _region(answer: Prediction) -> Iterator[str]:
    if answer.images and answer.images.region:
        yield wording.region_line(answer.images.region)
    yield from wording.measured_lines(answer)


def _section(name: str, texts: Iterable[str]) -> Iterator[_Line]:
    said = [text for text in texts if text]
    if said:
        yield _Line(name, 11.0, bold=True, before=10)
        yield from _wrapped(said)


def _wrapped(texts: Iterable[str], *, bold: bool = False) -> Iterator[_Line]:
    for text in texts:
        for number, line in enumerate(wrapped(text, _TYPE, _WIDTH - 2 * _MARGIN - 20)):
            yield _Line(line, bold=bold, before=0 if number else 2)


def _pages(lines: list[_Line], room: float) -> Iterator[list[_Line]]:
    rows: list[_Line] = []
    for line in lines:
        if rows and sum(row.height for row in rows) + line.height > room:
            yield rows
            rows = []
        rows.append(line)
    yield rows


def _set(lines: Iterable[_Line]) -> Iterator[Part]:
    y = _MARGIN
    for line in lines:
        y += line.height
        x = _MARGIN + (0 if line.size > _TYPE or line.soft else 10)
        yield Words(x, y, line.text, line.size, bold=line.bold, colour=SOFT if line.soft else INK)


def _framed(head: list[_Line], banner: list[_Line]) -> Iterator[Part]:
    """Return the frame around what the page may be used for."""
    top = _MARGIN + sum(row.height for row in head[: len(head) - len(banner)]) + 5
    height = sum(row.height for row in head[len(head) - len(banner) :]) + 3
    yield Frame(_MARGIN, top, _WIDTH - 2 * _MARGIN, height)
