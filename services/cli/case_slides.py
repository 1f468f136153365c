"""A slide in ``oncorelay case``: score, level, interval, advice; and regions a pathologist leaves out of the score."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from shared.codes.local import LEVELS, SLIDE_CLASS
from shared.domain.case import CaseDetail, Currency
from shared.domain.prediction import Prediction
from shared.domain.slide_answers import CropAnswer, QualityRow, SlideAnswer
from shared.domain.slides import Point, Slide
from shared.rpc.clients import ResultsClient

LARGEST_GEOJSON = 32 << 20
Outline = tuple[Point, ...]
_ONE_RING = 1
_DRAWN = "annotation"


def show_slide(answer: Prediction, console: Console) -> None:
    """Print what stands behind an answer about a slide; nothing for another answer."""
    if answer.slide is None:
        return
    for line in slide_lines(answer.slide):
        console.print(f"  {line}", soft_wrap=True)


def slide_lines(slide: SlideAnswer) -> Iterator[str]:
    """Yield the lines."""
    low_high = slide.score_interval
    between = f", 95 % interval {low_high[0]:.3f} to {low_high[1]:.3f}" if low_high else ", no interval"
    yield f"score {slide.score:.3f}{between}"
    yield slide.indeterminate or f"{LEVELS[slide.level].display}, predicted from H&E: confirm by IHC/ISH"
    for share in slide.levels:
        yield f"  {LEVELS[share.level].display}: {share.share:.1%} of the resamples"
    yield f"Area_IHC {slide.area_share:.3f}; grades " + ", ".join(f"{one.grade} {one.patches}" for one in slide.grades)
    for crop in slide.croppings:
        yield f"  {_crop(crop, stated=not slide.indeterminate)}"
    stain = slide.stain
    instead = f"; {stain.fallback}" if stain.fallback else ""
    yield f"stains: {stain.method}, {stain.angle_degrees:.0f} degrees apart{instead}"
    for row in slide.quality:
        yield f"  {_quality(row)}"
    if slide.gradient_slope is not None:
        yield f"core to edge: {slide.gradient_slope:+.3f} of the probability per mm inwards"
    yield f"calibration: {slide.calibration}"
    for term in slide.terms:
        yield f"  {term.name} = {term.choice}: {term.text}"
    for left_out in slide.exclusions:
        when = f"{left_out.time:%Y-%m-%d %H:%M}"
        yield f"left out: a region of {len(left_out.outline)} corners by {left_out.author}, {when}: {left_out.reason}"


def asked_about_slide(detail: CaseDetail, slide: Slide) -> str:
    """Return the line that says which slide is asked about."""
    glass, at = slide.specimen, slide.resolution
    size = f"{slide.width} x {slide.height}" + (f" at {at.x:.3g} micrometres ({at.source})" if at else "")
    where = f"specimen {glass.specimen}, block {glass.block}, slide {glass.slide}"
    return f"{where}  {slide.format or 'format unknown'}, {size}  side {detail.side or 'not stated'}"


def exclude_region(
    client: ResultsClient, detail: CaseDetail, who: str, outlines: Sequence[Outline], reason: str
) -> str:
    """Leave regions out of what is said now; return the state of the case.

    Raises:
        click.ClickException: If nothing is said of this slide.
    """
    current = next((one for one in detail.findings if one.currency is Currency.CURRENT), None)
    if detail.slide is None or current is None:
        raise click.ClickException(f"case {detail.case.case_id[:12]} says nothing of a slide")
    return client.exclude_region(detail.case.case_id, who, current.finding_id, outlines, reason=reason).value


def outlines_of(polygons: Sequence[str], geojson: Path | None) -> tuple[Outline, ...]:
    """Return the regions of ``x,y x,y x,y`` texts and of a GeoJSON file, in pixels of level 0.

    Raises:
        click.UsageError: If one cannot be read; says what is expected.
    """
    return tuple(_typed(one) for one in polygons) + (_in_file(geojson) if geojson else ())


def _typed(text: str) -> Outline:
    try:
        return tuple(_point(*pair.split(",")) for pair in text.split())
    except (TypeError, ValueError) as error:
        raise click.UsageError('--polygon takes "x,y x,y x,y": three corners or more, in pixels') from error


def _in_file(path: Path) -> tuple[Outline, ...]:
    try:
        if path.stat().st_size > LARGEST_GEOJSON:
            raise click.UsageError("--geojson: the file is larger than regions are")
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as stream:
            tree = json.loads(stream.read(LARGEST_GEOJSON))
        found = tuple(outline for one in _geometries(tree) for outline in _polygons(one))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise click.UsageError(f"--geojson: no GeoJSON of polygons ({type(error).__name__})") from error
    if not found:
        raise click.UsageError("--geojson: the file holds no polygon that a person drew")
    return found


def _geometries(tree: Any) -> Iterator[Any]:
    """Yield the geometries a person drew: of a FeatureCollection, a list of features, a feature, or a bare geometry."""
    if isinstance(tree, list):
        for one in tree:
            yield from _geometries(one)
    elif tree["type"] == "FeatureCollection":
        yield from _geometries(tree["features"])
    elif tree["type"] != "Feature":
        yield tree
    elif _is_drawn(dict(tree.get("properties") or {})):
        yield tree["geometry"]


def _is_drawn(properties: dict[str, Any]) -> bool:
    """Tell a person's annotation from what QuPath exports beside it: our own tiles and result, detections, cells."""
    classified = properties.get("classification")
    named = str(classified.get("name", "")) if isinstance(classified, dict) else ""
    return properties.get("objectType", _DRAWN) == _DRAWN and not named.startswith(SLIDE_CLASS)


def _polygons(geometry: Any) -> Iterator[Outline]:
    if geometry["type"] not in {"Polygon", "MultiPolygon"}:
        raise click.UsageError(f"--geojson: a {str(geometry['type'])[:20]} is no region; draw polygons")
    bodies = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    for rings in bodies:
        if len(rings) != _ONE_RING:
            raise click.UsageError("--geojson: a region with a hole cannot be left out; draw it without")
        points = tuple(_point(x, y) for x, y, *_ in rings[0])
        yield points[:-1] if points[0] == points[-1] else points


def _point(x: Any, y: Any) -> Point:
    return Point(float(x), float(y))


def _crop(one: CropAnswer, *, stated: bool) -> str:
    level = f", {LEVELS[one.level].display}" if stated and one.level else ""
    score = "not scorable" if one.score is None else f"{one.score:.3f}{level}"
    size = f"{one.side_px} pixels, {one.side_um:.0f} micrometres"
    return f"patches by {one.cropping} ({size}): {one.patches}, of these {one.tumour_patches} tumour: {score}"


def _quality(row: QualityRow) -> str:
    if not row.checked:
        return f"{row.kind}: not checked ({row.text})"
    if not row.area_mm2 and not row.patches:
        return f"{row.kind}: none found"
    without = "" if row.score_without is None else f"; score without them {row.score_without:.3f}"
    return f"{row.kind}: {row.area_mm2:.2f} mm2 ({row.share:.1%}), {row.patches} patches{without}"
