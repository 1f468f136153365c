"""Prove at start-up which transfer syntaxes this installation decodes, by decoding; only these are negotiated.

A decoder that is installed can still be wrong, or fail at 12 bits: what it makes of a sample is compared with the
pixels the sample was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import HTJ2K, JPEG2000, UID, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000Lossless

from shared.dicom.samples import SAMPLES, SIZE, Sample, pattern
from shared.dicom.transfer_syntaxes import COMPRESSED, UNCOMPRESSED

PROVE = "shared.dicom.self_check:prove"
"""Name of ``prove`` for a jail."""
_JPEG_2000 = (JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)
_BYTE = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of one transfer syntax."""

    transfer_syntax: str
    name: str
    """As PS3.6 table A-1 names it."""
    doubt: str
    """Why it is not offered, and what to install; empty: proven."""

    @property
    def proven(self) -> bool:
        """Tell whether it may be offered."""
        return not self.doubt


def self_check(prove: Callable[[str], str]) -> tuple[Proof, ...]:
    """Look at every transfer syntax we may offer, preferred first; ``prove`` decodes, here or in a jail."""
    return tuple(Proof(str(uid), uid.name, prove(str(uid))) for uid in (*UNCOMPRESSED, *COMPRESSED))


def proven(proofs: Iterable[Proof]) -> tuple[str, ...]:
    """Return the UIDs that were proven, preferred first."""
    return tuple(proof.transfer_syntax for proof in proofs if proof.proven)


def prove(transfer_syntax: str) -> str:
    """Decode the sample of a transfer syntax; return what is wrong in one clause, empty where it is proven."""
    uid = UID(transfer_syntax)
    decoder = get_decoder(uid)
    if uid not in UNCOMPRESSED and not decoder.is_available:
        return f"no decoder is installed: pip install {_package(uid)}"
    try:
        difference = _difference(uid, SAMPLES[uid])
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything; it only costs us this transfer syntax
        return f"decoding the sample failed ({type(error).__name__}): pip install {_package(uid)}"
    if difference > SAMPLES[uid].tolerance:
        return f"the decoder is wrong by up to {difference}: pip install {_package(uid)}"
    return ""


def _difference(uid: UID, sample: Sample) -> int:
    image: dict[str, Any] = {
        "number_of_frames": 1,
        "rows": SIZE,
        "columns": SIZE,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": _BYTE if sample.bits_stored <= _BYTE else 2 * _BYTE,
        "bits_stored": sample.bits_stored,
        "pixel_representation": 0,
        "pixel_keyword": "PixelData",
    }
    content = sample.frame if uid in UNCOMPRESSED else encapsulate([sample.frame])
    decoded, _ = get_decoder(uid).as_array(content, index=0, **image)
    return int(np.abs(decoded.astype(np.int64) - pattern(sample.bits_stored)).max())


def _package(uid: UID) -> str:
    # python-gdcm decodes every form of JPEG and JPEG-LS; HTJ2K only OpenJPEG's newer versions do.
    return "pylibjpeg-openjpeg" if uid in _JPEG_2000 else "python-gdcm"
