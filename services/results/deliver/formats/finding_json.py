"""The whole typed finding as JSON, for programs: its own schema, versioned; the same bytes every time.

``stated`` says in a few fields what may be said; ``finding`` is everything the finding holds; ``patches`` are columns,
one value a patch. Where files lie is left out: a slide's file name may name a person.
"""

from __future__ import annotations

import json
from typing import Any

from services.results.deliver.formats.slide_basis import SlideBasis
from services.results.deliver.formats.slide_summary import summary
from services.results.deliver.formats.style import RENDERER_VERSION, Style
from services.results.ledger.codec import dump
from services.results.ledger.findings import Finding

KIND = "json"
VERSION = 1
"""Of this structure; raised with every change that takes something away or gives it another meaning."""
_PLACES = frozenset({"blob_uri"})


def to_json(finding: Finding, basis: SlideBasis | None, style: Style) -> bytes:
    """Return the document; ``basis`` are the patches of an answer about a slide."""
    whole = {
        "schema": f"urn:oncorelay:finding:{VERSION}",
        "renderer": RENDERER_VERSION,
        "stated": summary(finding, style),
        "finding": _without_places(json.loads(dump(finding))),
        "patches": _patches(basis) if basis else None,
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _patches(basis: SlideBasis) -> dict[str, Any]:
    table = basis.patches
    return {
        "cropping": table.grid.cropping.value,
        "side_px": table.grid.side_px,
        "side_um": table.grid.side_um,
        "width": table.width,
        "height": table.height,
        "x": table.corners[:, 0].tolist(),
        "y": table.corners[:, 1].tolist(),
        "probabilities": table.probabilities.tolist(),
        "tissue": table.tissue.tolist(),
        "artefacts": table.artefacts.tolist(),
        "counted": basis.counted.tolist(),
    }


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_places(one) for key, one in value.items() if key not in _PLACES}
    return [_without_places(one) for one in value] if isinstance(value, list) else value
