"""``oncorelay validate`` of a bundle that measures images, on a cohort with images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.models import validate
from shared.phantoms.dce.cohort import draw_cohort
from shared.phantoms.dce.writing import write_cohort
from shared.radiomics.installed import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="pyradiomics is not installed: shared/radiomics/README.md")


@pytest.mark.parametrize("family", ["clinical", "clinical_dlr"])
def test_a_bundle_is_measured_on_a_cohort_with_images(tmp_path: Path, family: str) -> None:
    manifest = write_cohort(draw_cohort(12, 7), tmp_path, phases=3)

    bundle, kept = f"ln_pcr-{family}-demonstration", tmp_path / "kept"
    options = ["--cohort", str(manifest), "--processes", "1", "--measurements", str(kept), "--json"]
    answer = CliRunner().invoke(validate, [bundle, *options])

    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["bundle"], found["n"], found["positive_class"]) == (bundle, 12, "axillary_pcr")
    assert 0.0 <= found["auc"] <= 1.0
    assert kept.exists() is (family != "clinical")
