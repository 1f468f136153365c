"""An annotation says where the tumour is, or is refused with the reason."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.model_factory.formats.annotations.reading import read_annotation
from services.model_factory.handlers.patches.annotation import tumour_mask
from shared.domain.errors import InvalidInputError

SQUARE = [[100, 200], [300, 200], [300, 400], [100, 400], [100, 200]]
HOLE = [[150, 250], [250, 250], [250, 350], [150, 350], [150, 250]]


def feature(coordinates: Any, kind: str = "Polygon", name: str = "Tumor", **properties: Any) -> dict[str, Any]:
    told = {"objectType": "annotation", "classification": {"name": name, "color": [200, 0, 0]}, **properties}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": told}


def geojson(*features: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


def asap(group: str = "Tumor", kind: str = "Polygon", more: str = "") -> bytes:
    corners = "".join(f'<Coordinate Order="{n}" X="{x}" Y="{y}"/>' for n, (x, y) in reversed([*enumerate(SQUARE[:4])]))
    one = f'<Annotation Name="1" Type="{kind}" PartOfGroup="{group}"><Coordinates>{corners}</Coordinates></Annotation>'
    return f"<?xml version='1.0'?><ASAP_Annotations><Annotations>{one}{more}</Annotations></ASAP_Annotations>".encode()


def png(mask: NDArray[Any], mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(mask)
    (picture.convert(mode) if mode else picture).save(stream, "PNG")
    return stream.getvalue()


def drawn(content: bytes, suffix: str, shrink: float = 10) -> NDArray[np.bool_]:
    return tumour_mask(read_annotation(content, suffix), 1000, 800, shrink)


@pytest.mark.parametrize(
    "content",
    [
        geojson(feature([SQUARE])),
        geojson(feature([[SQUARE]], "MultiPolygon")),
        json.dumps([feature([SQUARE])]).encode(),
        geojson(feature([SQUARE], classification={"names": ["Tumor", "Positive"]})),
        geojson(feature([SQUARE], name="Tumor: Positive")),
        geojson(feature([SQUARE]), feature([[[0, 0], [900, 0], [900, 100]]], name="Stroma")),
    ],
)
def test_outlines_of_qupath_are_where_they_were_drawn(content: bytes) -> None:
    mask = drawn(content, ".geojson")

    assert mask.shape == (80, 100)
    rows, columns = np.nonzero(mask)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == pytest.approx((10, 29, 20, 39), abs=1)
    assert mask.sum() == pytest.approx(400, rel=0.11)


def test_a_hole_is_no_tumour_and_covers_no_other_region() -> None:
    inner = feature([[[180, 280], [220, 280], [220, 320], [180, 320]]])

    mask = drawn(geojson(inner, feature([SQUARE, HOLE])), ".geojson")

    assert mask[22, 12]
    assert not mask[26, 16]
    assert mask[30, 20]


def test_outlines_of_asap_are_taken_in_their_order_without_the_excluded_ones() -> None:
    corners = "".join(f'<Coordinate Order="{n}" X="{x}" Y="{y}"/>' for n, (x, y) in enumerate(HOLE[:4]))
    left_out = f'<Annotation Type="Polygon" PartOfGroup="Exclusion"><Coordinates>{corners}</Coordinates></Annotation>'

    plain, without = drawn(asap(), ".xml"), drawn(asap(more=left_out), ".xml")

    assert plain.sum() == pytest.approx(400, rel=0.11)
    assert plain[30, 20]
    assert not without[30, 20]
    assert without[21, 11]


def test_a_mask_has_the_scale_of_its_slide() -> None:
    mask = np.zeros((200, 250), dtype=np.uint8)
    mask[50:100, 25:75] = 255

    made = drawn(png(mask), ".png")

    assert made.shape == (80, 100)
    assert made.sum() == 20 * 20
    assert made[20:40, 10:30].all()


@pytest.mark.parametrize(
    ("content", "suffix", "reason"),
    [
        (b"{", ".geojson", "no JSON"),
        (b"3", ".json", "no GeoJSON"),
        (geojson(), ".geojson", "no region of a class that means tumour"),
        (geojson(feature([SQUARE], name="Stroma")), ".geojson", "no region of a class that means tumour"),
        (geojson(feature([SQUARE], classification=None)), ".geojson", "no region of a class that means tumour"),
        (geojson(feature(SQUARE, "LineString")), ".geojson", "drawn as LineString"),
        (geojson(feature([SQUARE[:2]])), ".geojson", "without an area"),
        (geojson(feature([[[0, 0], [5, 5], [9, 9]]])), ".geojson", "without an area"),
        (geojson(feature([[["a", 0], [5, 5], [9, 0]]])), ".geojson", "something else than pairs"),
        (geojson(feature([[[float("inf"), 0], [5, 5], [9, 0]]])), ".geojson", "something else than pairs"),
        (geojson(feature([])), ".geojson", "without an outline"),
        (b"<ASAP", ".xml", "no XML"),
        (b"<other/>", ".xml", "no XML of ASAP"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><ASAP_Annotations/>', ".xml", "declares a document type"),
        (asap(group="Normal"), ".xml", "no region of a class that means tumour"),
        (asap(kind="PointSet"), ".xml", "drawn as PointSet"),
        (b"no picture", ".png", "no PNG or TIFF"),
        (png(np.zeros((8, 10), dtype=np.uint8)), ".png", "without tumour"),
        (png(np.arange(80, dtype=np.uint8).reshape(8, 10)), ".png", "other values than 0 and one more"),
        (png(np.full((8, 10), 255, dtype=np.uint8), "RGB"), ".png", "one channel"),
        (b"", ".ndpa", "is none of"),
    ],
)
def test_what_is_no_annotation_is_refused_with_the_reason(content: bytes, suffix: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read_annotation(content, suffix)


def test_the_annotation_of_another_slide_is_refused() -> None:
    far = [[x * 10, y * 10] for x, y in SQUARE]

    with pytest.raises(InvalidInputError, match="beyond the slide"):
        drawn(geojson(feature([far])), ".geojson")
    with pytest.raises(InvalidInputError, match="not of the same shape"):
        drawn(png(np.eye(20, dtype=np.uint8)), ".png")
