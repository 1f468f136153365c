"""Tumour nests as QuPath writes annotations: a GeoJSON FeatureCollection of polygons in pixels of level 0."""

from __future__ import annotations

import json

from shared.phantoms.slides.outlines import Outline
from shared.phantoms.slides.slide import SimulatedSlide

_TUMOUR = {"name": "Tumor", "color": [200, 0, 0]}


def geojson(slide: SimulatedSlide) -> str:
    """Return the annotations of a slide."""
    features = [_feature(number, one, slide.plan.side_px) for number, one in enumerate(slide.nests, start=1)]
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))


def _feature(number: int, one: Outline, side_px: int) -> dict[str, object]:
    # Who draws cannot draw beyond the glass: of a small slide, nests reach over its edge.
    line = [[round(float(x), 1), round(float(y), 1)] for x, y in one.points.clip(0, side_px)]
    return {
        "type": "Feature",
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "geometry": {"type": "Polygon", "coordinates": [[*line, line[0]]]},
        "properties": {"objectType": "annotation", "classification": _TUMOUR, "isLocked": False},
    }
