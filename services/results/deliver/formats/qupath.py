"""The patches of a slide for QuPath: a GeoJSON FeatureCollection (RFC 7946), gzipped; the same bytes every time.

Coordinates are pixels of level 0, as QuPath reads them (``qupath.lib.io``: ``objectType``, ``classification``,
``measurements``, ``isLocked``). Patches are tiles, regions a pathologist left out are annotations, and one annotation
around the patches that count carries the result. What every reader must know stands in its name, and in the foreign
member ``oncorelay``, which readers of GeoJSON pass over.
"""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.slide_basis import SlideBasis
from services.results.deliver.formats.slide_summary import summary
from services.results.deliver.formats.style import Style, object_digest
from services.results.ledger.findings import Finding
from shared.codes.local import SLIDE_CLASS
from shared.domain.slide_answers import SlideAnswer
from shared.domain.slides import Exclusion
from shared.pathology.patch_table import NEGATIVE, NON_TUMOUR, POSITIVE
from shared.predictors.her2.tables import BITS

KIND = "geojson"
CLASSES = {
    NON_TUMOUR: (f"{SLIDE_CLASS}no tumour", (150, 150, 150)),
    NEGATIVE: (f"{SLIDE_CLASS}tumour, patch class HER2-negative slides", (40, 90, 170)),
    POSITIVE: (f"{SLIDE_CLASS}tumour, patch class HER2-positive slides", (200, 90, 20)),
}
"""Column of the patch table -> name and colour; two hues and a grey, no ramp."""
_RESULT = (f"{SLIDE_CLASS}result", (0, 0, 0))
_EXCLUDED = ("Left out by a pathologist", (230, 60, 200))
_PROBABILITIES = {NON_TUMOUR: "p no tumour", NEGATIVE: "p class negative", POSITIVE: "p class positive"}
_Json = dict[str, Any]


def to_geojson(finding: Finding, basis: SlideBasis, style: Style) -> bytes:
    """Return the gzipped FeatureCollection of an answer about a slide.

    Raises:
        ValueError: If there is no answer about a slide.
    """
    answer = finding.prediction.slide if finding.prediction else None
    if answer is None:
        raise ValueError("only an answer about a slide has patches")
    name = uuid.UUID(object_digest(finding, KIND, style)[:32])
    features = [_result(finding, answer, basis, style, name), *_excluded(answer.exclusions, name)]
    whole = {
        "type": "FeatureCollection",
        "features": [*features, *_tiles(basis, name)],
        "oncorelay": summary(finding, style),
    }
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def _result(finding: Finding, answer: SlideAnswer, basis: SlideBasis, style: Style, name: uuid.UUID) -> _Json:
    table, side = basis.patches, basis.patches.grid.side_px
    corners = table.corners[basis.counted] if basis.counted.any() else table.corners
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), (corners.max(axis=0) + side).tolist()
    made = answer.croppings[0]
    measurements = {"score": answer.score, "patches": made.patches, "tumour patches": made.tumour_patches}
    if answer.score_interval:
        low, high = answer.score_interval
        measurements |= {"score 95% low": low, "score 95% high": high}
    mark = wording.use_mark(finding, style)
    said = " ".join(part for part in (f"{mark}." if mark else "", *wording_of(finding)) if part)
    outline = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return _feature(uuid.uuid5(name, "result"), "annotation", outline, _RESULT, measurements, said)


def wording_of(finding: Finding) -> Sequence[str]:
    """Return what must stand beside every picture of the patches."""
    answer = finding.prediction
    if answer is None:
        return [wording.SUPPORT]
    return [*list(wording.answers(answer))[:2], slide_wording.CONFIRM, wording.SUPPORT, slide_wording.model(answer)]


def _excluded(rows: tuple[Exclusion, ...], name: uuid.UUID) -> Iterator[_Json]:
    for number, row in enumerate(rows):
        outline = [(one.x, one.y) for one in row.outline]
        key = uuid.uuid5(name, f"excluded {number}")
        yield _feature(key, "annotation", outline, _EXCLUDED, {}, f"{row.reason} ({row.author})")


def _tiles(basis: SlideBasis, name: uuid.UUID) -> Iterator[_Json]:
    table, side = basis.patches, basis.patches.grid.side_px
    rows = zip(
        table.index.tolist(), table.corners.tolist(), table.probabilities.tolist(), table.tissue.tolist(),
        table.artefacts.tolist(), basis.classes.tolist(), basis.counted.tolist(), strict=True,
    )  # fmt: skip
    for index, (x, y), probabilities, tissue, artefacts, kind, counted in rows:
        measurements = {_PROBABILITIES[column]: value for column, value in enumerate(probabilities)}
        measurements |= {"tissue": tissue, "counted": int(counted)}
        measurements |= {row: int(bool(artefacts & bit)) for row, bit in BITS.items()}
        outline = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
        yield _feature(uuid.uuid5(name, f"patch {index}"), "tile", outline, CLASSES[kind], measurements)


def _feature(
    key: uuid.UUID, kind: str, outline: Sequence[tuple[float, float]], classified: tuple[str, tuple[int, int, int]],
    measurements: dict[str, float], name: str = "",
) -> _Json:  # fmt: skip
    named, colour = classified
    properties: _Json = {
        "objectType": kind, "classification": {"name": named, "color": list(colour)}, "isLocked": True,
        "measurements": measurements,
    }  # fmt: skip
    if name:
        properties["name"] = name
    ring = [list(one) for one in (*outline, outline[0])]  # RFC 7946 3.1.6: a ring ends where it began
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "id": str(key), "geometry": geometry, "properties": properties}
