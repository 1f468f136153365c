"""What was looked for on the glass, as rows of the answer; scores without those patches are the predictor's to add."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.domain.slide_answers import QualityRow
from shared.pathology.patch_table import PatchTable
from shared.pathology.quality.flags import BLUR, FOLD, PEN
from shared.pathology.quality.glass_quality import GlassQuality


def quality_rows(quality: GlassQuality | None, table: PatchTable, unchecked: dict[str, str]) -> tuple[QualityRow, ...]:
    """Return one row each for tissue, blur, pen and fold.

    Args:
        quality: Of the overview; None where there was none to look at.
        table: The patches; blur is counted on them.
        unchecked: By kind, why it was not looked for.
    """
    patch_mm2 = (table.grid.side_px * table.microns_per_pixel / 1000) ** 2
    tissue_mm2 = float(table.tissue.sum()) * patch_mm2
    blurred = (table.artefacts & BLUR) > 0
    blur_mm2 = float(table.tissue[blurred].sum()) * patch_mm2
    rows = [_tissue(quality, table, unchecked)]
    rows.append(_row("blur", blur_mm2, tissue_mm2, int(blurred.sum()), unchecked, checked=len(table) > 0))
    whole = _mm2(quality.tissue, quality.um) if quality else 0.0
    for kind, bit, area in (
        ("pen", PEN, _mm2(quality.pen, quality.um) if quality else 0.0),
        ("fold", FOLD, _mm2(quality.fold, quality.um) if quality else 0.0),
    ):
        patches = int(((table.artefacts & bit) > 0).sum())
        rows.append(_row(kind, area, whole, patches, unchecked, checked=quality is not None))
    return tuple(rows)


def _tissue(quality: GlassQuality | None, table: PatchTable, unchecked: dict[str, str]) -> QualityRow:
    if quality is None or "tissue" in unchecked:
        return QualityRow("tissue", checked=False, text=unchecked.get("tissue", "there was no overview to look at"))
    area, glass = _mm2(quality.tissue, quality.um), quality.tissue.size * (quality.um / 1000) ** 2
    return QualityRow("tissue", checked=True, area_mm2=area, share=area / glass, patches=len(table))


def _row(
    kind: str, area: float, tissue: float, patches: int, unchecked: dict[str, str], *, checked: bool
) -> QualityRow:
    if kind in unchecked or not checked:
        why = unchecked.get(kind, "there was nothing to look at")
        return QualityRow(kind, checked=False, text=why)
    return QualityRow(kind, checked=True, area_mm2=area, share=area / tissue if tissue else 0.0, patches=patches)


def _mm2(mask: NDArray[np.bool_], um: float) -> float:
    return float(np.count_nonzero(mask)) * (um / 1000) ** 2
