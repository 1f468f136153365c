"""Transfer syntaxes we offer where ``self_check`` proves that this installation decodes them.

Left out on purpose: Explicit VR Big Endian (retired, PS3.5 A.3), Deflated (its size is unknown before it is
inflated), JPEG Extended (…4.51; 12-bit images fail in every decoder at hand).
"""

from __future__ import annotations

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

UNCOMPRESSED: tuple[UID, ...] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Preferred over any compression."""
COMPRESSED: tuple[UID, ...] = (
    JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000, JPEGLosslessSV1, JPEGLossless, JPEGBaseline8Bit,
    RLELossless, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K,
)  # fmt: skip
"""Decodable where a decoder is installed, and right."""


def is_implicit(transfer_syntax: str) -> bool:
    """Tell whether data sets of this transfer syntax carry no value representations."""
    return transfer_syntax == ImplicitVRLittleEndian
