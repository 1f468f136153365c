"""Only what decodes right is offered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import HTJ2KLossless, JPEGLSLossless, RLELossless

from shared.dicom import samples, self_check
from shared.dicom.samples import SAMPLES
from shared.dicom.self_check import prove, proven
from shared.dicom.transfer_syntaxes import COMPRESSED, UNCOMPRESSED


def test_every_transfer_syntax_we_may_offer_has_a_sample() -> None:
    assert set(SAMPLES) == {*UNCOMPRESSED, *COMPRESSED}


def test_a_proof_agrees_with_what_is_installed() -> None:
    proofs = {proof.transfer_syntax: proof for proof in self_check.self_check(prove)}

    for uid in COMPRESSED:
        available = bool(get_decoder(uid).is_available)
        assert proofs[uid].proven is available, proofs[uid]
        assert available or "pip install" in proofs[uid].doubt


def test_uncompressed_syntaxes_come_first_and_retired_ones_never() -> None:
    offered = proven(self_check.self_check(prove))

    assert offered[:2] == ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
    assert RLELossless in offered
    assert not {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"} & set(offered)


def test_a_decoder_that_is_wrong_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    other = samples.pattern(12)
    other[3, 3] ^= 1
    monkeypatch.setattr(self_check, "pattern", lambda bits: other)

    assert "wrong by up to 1" in prove(str(JPEGLSLossless))


def test_a_decoder_that_fails_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(SAMPLES[JPEGLSLossless], frame=b"\xff\xd8 nothing of use")
    monkeypatch.setitem(SAMPLES, JPEGLSLossless, broken)

    assert "failed" in prove(str(JPEGLSLossless))


@pytest.mark.skipif(get_decoder(HTJ2KLossless).is_available, reason="a decoder for HTJ2K is installed")
def test_a_missing_decoder_names_the_package() -> None:
    assert prove(str(HTJ2KLossless)) == "no decoder is installed: pip install pylibjpeg-openjpeg"
