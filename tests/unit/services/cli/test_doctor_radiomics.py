from __future__ import annotations

import pytest

from services.cli.doctor_radiomics import told
from shared.radiomics.installed import REMEDY, missing


def test_a_bundle_that_needs_radiomics_fails_without_it_and_the_remedy_is_named() -> None:
    with pytest.raises(ValueError, match=r"ours cannot answer: .*\./run install radiomics"):
        told(["ours"], f"radiomics is not installed (pyradiomics missing): {REMEDY}")


def test_without_such_a_bundle_it_may_be_missing() -> None:
    assert told([], "radiomics is not installed") == "not installed; no installed bundle needs it"


def test_where_it_is_installed_its_version_is_told() -> None:
    assert told(["ours"], missing()) == "pyradiomics 3.0.1"
