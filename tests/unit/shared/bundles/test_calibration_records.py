"""Calibration records: signed, of one bundle and one scanner, or not applied and said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.bundles.slide_calibration import CalibrationRecord, load_calibrations, write_calibration
from shared.domain.slides import Scanner
from shared.testing.slides import BUNDLE
from tests.slide_bundle import KEY, KEYS

SCANNER = Scanner("Leica", "Aperio AT2")
MADE = datetime(2026, 3, 1, tzinfo=UTC)


def record(**changes: Any) -> CalibrationRecord:
    made = CalibrationRecord(
        record_id="aperio-2026", bundle_id=BUNDLE.bundle_id, bundle_digest=BUNDLE.digest, site="demonstration",
        manufacturer="Leica", model="Aperio AT2", shift=-0.05, n=60, positives=20, method="difference of medians",
        cohort_sha256="a" * 64, made_time=MADE,
    )  # fmt: skip
    return made.model_copy(update=changes)


def test_a_signed_record_of_this_bundle_and_scanner_is_chosen(tmp_path: Path) -> None:
    write_calibration(tmp_path, record(), KEY)
    chosen, why = load_calibrations(tmp_path, KEYS).choose(BUNDLE, SCANNER)

    assert chosen is not None
    assert (chosen.record_id, chosen.shift, chosen.n, chosen.signed_by) == ("aperio-2026", -0.05, 60, "slides.pem")
    assert len(chosen.digest) == 64
    assert why == ()


def test_of_two_the_newer_is_chosen(tmp_path: Path) -> None:
    write_calibration(tmp_path, record(), KEY)
    write_calibration(tmp_path, record(record_id="again", shift=0.01, made_time=MADE + timedelta(days=1)), KEY)
    chosen, _ = load_calibrations(tmp_path, KEYS).choose(BUNDLE, SCANNER)

    assert chosen is not None
    assert chosen.record_id == "again"


@pytest.mark.parametrize("scanner", [Scanner("Acme", "One"), Scanner("Leica", ""), Scanner()])
def test_another_scanner_has_none(tmp_path: Path, scanner: Scanner) -> None:
    write_calibration(tmp_path, record(), KEY)
    write_calibration(tmp_path, record(record_id="nameless", manufacturer="", model=""), KEY)

    assert load_calibrations(tmp_path, KEYS).choose(BUNDLE, scanner) == (None, ())


def test_a_record_of_another_bundle_is_not_applied_and_said(tmp_path: Path) -> None:
    write_calibration(tmp_path, record(), KEY)
    chosen, why = load_calibrations(tmp_path, KEYS).choose(replace(BUNDLE, digest="e" * 64), SCANNER)

    assert chosen is None
    assert "another bundle" in why[0]


def test_a_record_signed_by_a_stranger_is_not_applied_and_said(tmp_path: Path) -> None:
    write_calibration(tmp_path, record(), Ed25519PrivateKey.generate())
    chosen, why = load_calibrations(tmp_path, KEYS).choose(BUNDLE, SCANNER)

    assert chosen is None
    assert "not signed by a trusted key" in why[0]


def test_an_altered_record_is_not_applied(tmp_path: Path) -> None:
    file = write_calibration(tmp_path, record(), KEY)
    file.write_text(file.read_text().replace("-0.05", "0.05"))

    assert load_calibrations(tmp_path, KEYS).records == ()


def test_a_record_without_signature_or_under_another_name_is_not_applied(tmp_path: Path) -> None:
    file = write_calibration(tmp_path, record(), KEY)
    for suffix in (".json", ".sig"):
        (tmp_path / f"other{suffix}").write_bytes(file.with_suffix(suffix).read_bytes())
    file.with_suffix(".sig").unlink()
    loaded = load_calibrations(tmp_path, KEYS)

    assert loaded.records == ()
    assert len(loaded.problems) == 2


def test_a_folder_that_is_not_there_is_said_and_none_at_all_is_fine(tmp_path: Path) -> None:
    assert load_calibrations(None, KEYS).problems == ()
    assert load_calibrations(tmp_path / "gone", KEYS).problems != ()
