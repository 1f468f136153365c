"""GeoJSON as QuPath exports annotations: a FeatureCollection, or a bare list of features (before version 0.3)."""

from __future__ import annotations

import json
from typing import Any

from services.model_factory.formats.annotations.outlines import is_tumour, points_of, refuse_nothing
from services.model_factory.handlers.patches.annotation import Annotation, Region
from shared.domain.errors import InvalidInputError


def read_geojson(content: bytes) -> Annotation:
    """Return the regions classified as tumour; coordinates are pixels of level 0.

    Raises:
        InvalidInputError: If it is no GeoJSON, a tumour annotation is no area, or none is tumour.
    """
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("annotation", "is no JSON") from error
    found = [region for feature in _features(tree) if is_tumour(_class(feature)) for region in _regions(feature)]
    refuse_nothing(found)
    return Annotation(tuple(found))


def _features(tree: Any) -> list[dict[str, Any]]:
    if isinstance(tree, dict):
        tree = tree.get("features", [tree])
    if not isinstance(tree, list) or not all(isinstance(one, dict) and one.get("type") == "Feature" for one in tree):
        raise InvalidInputError("annotation", "is no GeoJSON FeatureCollection")
    return tree


def _class(feature: dict[str, Any]) -> object:
    """Return the name of its class; of derived classes ("Tumor: positive") the first."""
    properties = feature.get("properties")
    found = properties.get("classification") if isinstance(properties, dict) else None
    if not isinstance(found, dict):
        return None
    names = found.get("names")
    if isinstance(names, list) and names:
        return names[0]
    name = found.get("name")
    return name.split(":")[0] if isinstance(name, str) else None


def _regions(feature: dict[str, Any]) -> list[Region]:
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in {"Polygon", "MultiPolygon"}:
        raise InvalidInputError("annotation", f"has tumour drawn as {kind or 'nothing'}; an area is needed")
    coordinates = geometry.get("coordinates")
    polygons = coordinates if kind == "MultiPolygon" else [coordinates]
    if not isinstance(polygons, list) or not all(isinstance(one, list) and one for one in polygons):
        raise InvalidInputError("annotation", "has a polygon without an outline")
    return [Region(points_of(outer), tuple(points_of(hole) for hole in holes)) for outer, *holes in polygons]
