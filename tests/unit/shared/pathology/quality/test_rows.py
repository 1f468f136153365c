"""Not found and not checked are different answers."""

from __future__ import annotations

import numpy as np
import pytest

from shared.pathology.quality.flags import BLUR, FOLD
from shared.pathology.quality.glass_quality import GlassQuality
from shared.pathology.quality.rows import quality_rows
from tests.unit.shared.pathology.tables import table


def _quality() -> GlassQuality:
    tissue, fold = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    tissue[:50], fold[:5] = True, True
    return GlassQuality(tissue, np.zeros((100, 100), bool), fold, 10.0)


def test_every_property_has_a_row_with_area_and_patches() -> None:
    flags = np.array([0, BLUR, FOLD, BLUR | FOLD], dtype=np.uint8)
    tissue, blur, pen, fold = quality_rows(_quality(), table(artefacts=flags), {})
    assert (tissue.kind, tissue.checked, tissue.area_mm2, tissue.share) == ("tissue", True, 0.5, 0.5)
    assert (blur.kind, blur.patches) == ("blur", 2)
    assert blur.share == pytest.approx(0.5)
    assert (pen.kind, pen.checked, pen.area_mm2, pen.patches) == ("pen", True, 0.0, 0)
    assert (fold.kind, fold.patches) == ("fold", 2)
    assert [fold.area_mm2, fold.share] == pytest.approx([0.05, 0.1])


def test_what_was_not_looked_for_is_not_called_absent() -> None:
    rows = {row.kind: row for row in quality_rows(_quality(), table(), {"blur": "patches are enlarged"})}
    assert (rows["blur"].checked, rows["blur"].text) == (False, "patches are enlarged")
    assert not any(row.checked for row in quality_rows(None, table(count=0), {}))
