"""Tiny encoded images with known pixels, one per transfer syntax we may offer: what a decoder must be able to read.

Origin: 16 x 16 pixels computed by ``pattern``, encoded once: JPEG and JPEG-LS by DCMTK 3.6.7 (dcmcjpeg, dcmcjpls), JPEG
2000 by OpenJPEG and HTJ2K by OpenJPH (both through imagecodecs 2026.3.6), RLE by pydicom 3.0.2. No foreign image.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
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

SIZE = 16
"""Rows, and columns."""
_BYTE = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame."""

    frame: bytes
    """As it lies in Pixel Data."""
    bits_stored: int
    tolerance: int = 0
    """Largest difference of a pixel value: 0 where the encoding is lossless."""


def pattern(bits_stored: int) -> NDArray[np.uint16]:
    """Return the pixels every sample shows: scattered over the whole range at 12 bits, a ramp at 8."""
    row, column = np.indices((SIZE, SIZE), dtype=np.uint16)
    pixels = row * 8 + column * 7 if bits_stored == _BYTE else (row * SIZE + column) * 167 % 4096
    return pixels.astype(np.uint16)


def _sample(bits_stored: int, tolerance: int, text: str) -> Sample:
    return Sample(b64decode(text), bits_stored, tolerance)


_NATIVE = Sample(pattern(12).tobytes(), 12)
_JPEGLOSSLESS = _sample(
    12,
    0,
    "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALEAAQABABAREA/8QAGAABAQEBAQAAAAAAAAAAAAAACgsMCBD/2gAIAQEABgAA91P1P1P1P1P1P1P1P1P1"
    "P1P1P1P1P1PqcKnFTipxU4qcVOKnFTjKbk3JuTcm5Nybybybk3JuTcm5Nybk32nFTipxU4qcVOKnGpwqcZTcm5Nybk3JuTcm5Nybk3JuTcm8m8m+"
    "04qcVOKnFTipxU4qcZTcm5Nybk3JvJvJuTcm5Nybk3JuTcm+04qcVOKnFTipxqcKnFTjKbk3JuTcm5Nybk3JuTcm5Nybybybk32nFTipxU4qcVOK"
    "nFTjKbk3JuTcm8m8m5Nybk3JuTcm5Nybk32nFTipxU4qcanCpxU4qcZTcm5Nybk3JuTcm5Nybk3JvJvJuTcm+04qcVOKnFTipxU4qcZTcm5Nybyb"
    "ybk3JuTcm5Nybk3JuTcm+04qcVOKnGpwqcVOKnFTjKbk3JuTcm5Nybk3JuTcm8m8m5Nybk32nFTipxU4qcVOKnFTjKbk3JvJvJuTcm5Nybk3JuTc"
    "m5Nybk32nFTipxqcKnFTipxU4qcZTcm5Nybk3JuTcm5Nyb///9k=",
)
_JPEGLOSSLESSSV1 = _sample(
    12,
    0,
    "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALEAAQABABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAACAwLEP/aAAgBAQABAADlOp1Op1Op1Op1Op1Op1Op"
    "1PU4KdTqdTqdTqdTwUynU6nU6nU+Tep1Op1Op1Op1Op1Op1Op1Op6nBTwUynU6nU6nU6nU6nU6nU6nyb1Op1Op1Op1Op1PBTKdTqdTqfJvU6nU6n"
    "U6nU6nU6nU6nU6nU9Tgp1PBTKdTqdTqdTqdTqdTqdT5N6nU6nU6nU6nU6nU8FMp1Op1Pk3qdTqdTqdTqdTqdTqdTqdTqepwU6nU8FMp1Op1Op1Op"
    "1Op1Op8m9TqdTqdTqdTqdTqdTwUynU6nyb1Op1Op1Op1Op1Op1Op1Op1PU4KdTqdTwUynU6nU6nU6nU6nU+Tep1Op1Op1Op1Op1Op1PBTKdT5N6n"
    "U6nU6nU6nU6nU6nU6nU6nqcFOp1Op1PBTKdTqdTqdTqdTqf//9k=",
)
_JPEGBASELINE8BIT = _sample(
    8,
    4,
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsK"
    "DAkKCgr/wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAACAYJ/8QAGRAAAQUAAAAAAAAAAAAAAAAACAAkM0JR/9oACAEBAAA/AM0R/G2B"
    "hlU4B/G2BhlVQD+NsDDKpwD+NsDDKr///9k=",
)
_JPEGLSLOSSLESS = _sample(
    12,
    0,
    "/9j/9wALEAAQABABAREA//gADQH//wASAEMBFABA/9oACAEBAAAAAKptTam1L0nR9F0PQc/z1O05TdNQTgqdUzStI0bRNC0AAAWDACAIAgEAgAcf"
    "gEAgICAgICAAJwVAp9TynWcVOM3s2AAFlwEBAQIECBAgQIECAFjsAKblNqaUyphS6llKgABa8CBAgQBslgQIEEEEEEAKblKqUUmpJUxTapFSABuG"
    "CCCCCCCCCCCALG4IApsUgo9RyjVGKLUUAbtggggGymCCCCCCCCCAKbFFKJUQ0pTWodQyhQDe8EEEIQhCEIAsZhCAKalCqEUGoJQKgE/gHA4QgGy2"
    "EIQhCEIQgCmpP6fmkKaU+p8T2noA4bCEIQhCEIBYvCEQCmhPSeU8J3TsnVOgBxmIDZjEREREREQCmhOjRlM6c05JxTgm8A5HEREREQD//9k=",
)
_JPEGLSNEARLOSSLESS = _sample(
    12,
    2,
    "/9j/9wALDAAQABABAREA/9oACAEBAAIAAIIhMIkJCQkL9+/fv3r16AAAAADYUIiIiICIgICKExpAAAAAAF7FrUAAAAAAbIHz58+CRO3xFrXVVUTe"
    "idvnjp46eOnSuScmylgnLpw6cERN3DZ92e8TnScuGzRs0bNGh6TXs7CbtGTIiRuyZMnWn+E38jdkwXMFzBcuOI199iNVywiRquWKljbfcJuzI1WK"
    "lCpQqUKMjF/+RmmIkaqEyZMkZTvg/9kA",
)
_JPEG2000LOSSLESS = _sample(
    12,
    0,
    "/0//UQApAAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABCwEB/1IADAAAAAEAAQQEAAH/XAAHQGBoaHD/ZAAlAAFDcmVhdGVkIGJ5"
    "IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAADoAAH/k8/lcBGEpmUTny5oTq+c7bL5BO3ytrCVTulNd+1zEFZotQ/4nxkSZucRmDZpvTw6"
    "CKd4z5EyUTcFB5WXTE/Q6Nh1Ra75PBvsbAWsbcA2isWdUllO2ERQdNhr6Osd2AYjx/JPP8G0f4FQGoIGw1zuWJ46Gr5vtaUuAdxH0z663oCzwrY0"
    "qHv8neD4xK0UuUqBE7FKRPFawQZMZbRElXPVarxtGq+PAOvO/zFO6UcItSXjNvMZUPL/EbaYcUqlK9ahVKIcVP9/D0NCiA8REoTULFlCdxs3/3//"
    "f/9//9k=",
)
_JPEG2000 = _sample(
    8,
    4,
    "/0//UQApAAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1IADgECAAEAAQQEAACIiP9cAAtCSCRX01fTV2L/ZAAlAAFDcmVh"
    "dGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAABfAAH/k8+45BFQFXc+UKeyxzNyQ4hPBOvNcVHIU4K/Hp4JLESocFesEiEM2MRL"
    "WeF4MSHGgiS/mwty5w9jN1xDUMA+EaAfAQA2oYHPh7Q9pi1lYRmDcf/Z",
)
_HTJ2KLOSSLESS = _sample(
    12,
    0,
    "/0//UQApQAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQkJCQ"
    "kJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAYcAAf+TwAAmBfAFB3QAAKAACaAACUBo/gIHdADzAQd0AMAAFTAABVQAAVSR"
    "mea73QFHNAAYyA1HTe8AwZQAJ+SobvrxAYc0AMAAFuQAAW/AABbgjxx0fOuvI93118h2sdENTPbRj6/8M8iMQCmXAG7094/86D7H8L2RHHLifxzY"
    "9JZ6sPn+AGjCQgG2uAAf4T+P+Mvf3vGBh37kDR/61kd/+ABlySEAhZgAwAAu5gABe1wAAukA/v9/P6ZM/uMf/2t//2P/MGLyr/98/1f/GGX6P/96"
    "/z//YxSm/AGBGj8nK8Y/lxdWg9hGBLfID3QB/s//fP9/9f9/+/9//fc//uc//v9//39/+4d/+If/ex/+79/+6/9/x/9/v/9/f/95/33f/37/fuP/"
    "f8d/+A//dv9eqTf1D2/0j4/j/w/z/0f578f+z8f+AC811Db0THoBCIopCgM7EKAZlAH+/3//e7//f9//e7//f/9//vf/fxh/V8FKYCOOVwmYB8wP"
    "cAH/2Q==",
)
_HTJ2K = _sample(
    8,
    4,
    "/0//UQApQAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1AACAACAAAAIv9SAAwAAgABAAUEBEAA/1wAIyJ3GHbqdup2vG8A"
    "bwBu4mdMZ0xnZFADUANQRlfSV9JXYf9kABcAAU9wZW5KUEggVmVyIDAuMjYuMy7/kAAKAAAAAACJAAH/k8ABMPX9Awd0AADAAlgASj4CB3QAtgIH"
    "dADABUQAVICDgdf7AIK0AAMAAwD+AMa0AMAVsAVwiHNkiXiOlBklppt2ACop4QmecMIAACm76jcAwBaMAWoAJBKJRCKRSFwSXZLsl1FZGgACoqFR"
    "NIpG0X5AJKdMkpu+teo8AP/Z",
)
_RLELOSSLESS = _sample(
    12,
    0,
    "AgAAAEAAAACQAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8A/wEAAv8DAAT/BQAG/wcACP8J"
    "AAr/CwAM/w0ADv8P/wAAAf8CAQMEAQQF/wYAB/8IAAn/CgAL/wwADf8O/w8AAP8BAAL/AwAE/wUABv8HAQgJAQkK/wsADP8N/w4AD/8AAAH/AgAD"
    "/wQABf8GAAf/CAAJ/woAC/8M/w0ADv8PAAD/AQAC/wMABP8FAAb/BwAI/wkACv8L/wwADf8OAA//AAAB/wIAA/8EAAX/BgAH/wgACf8K/wsBDA0B"
    "DQ7/DwAA/wEAAv8DAAT/BQAG/wcACP8J/woAC/8MAA3/DgAP/wABAQIBAgP/BAAF/wYAB/8I/wkACv8LAAz/DQAO/w8AAP8BAAL/AwAE/wUBBgcA"
    "B/8IAAn/CgAL/wwADf8OAA//AAAB/wIAA/8EAAX/Bv8HAAj/CQAK/wsADP8NAA7/DwAA/wEAAv8DAAT/BQAGAA8Ap071nEPqkTjfhi3UeyLJD3AX"
    "vmUMs1oBqE/2nUTrkjkP4Icu1XwjynEYv2YNtFsCqQ9Q955F7JM64Ygv1n0ky3IZD8BnDrVcA6pR+J9G7ZQ74okPMNd+JcxzGsFoD7ZdBKtS+Q+g"
    "R+6VPOOKMdh/Js10G8JpDxC3XgWsU/qhSO+WPeSLMtkPgCfOdRzDahG4XwatVPuiSQ/wlz7ljDPagSjPdh3EaxK5D2AHrlX8o0rxmD/mjTTbgikP"
    "0HcexWwTumEIr1b9pEvymQ9A54413IMq0Xgfxm0Uu2IJD7BX/qVM85pB6I823YQr0nkPIMduFbxjCrFY/6ZN9JtC6Q+QN96FLNN6IchvFr1kC7JZ",
)

SAMPLES: dict[UID, Sample] = {
    ExplicitVRLittleEndian: _NATIVE,
    ImplicitVRLittleEndian: _NATIVE,
    JPEGLossless: _JPEGLOSSLESS,
    JPEGLosslessSV1: _JPEGLOSSLESSSV1,
    JPEGBaseline8Bit: _JPEGBASELINE8BIT,
    JPEGLSLossless: _JPEGLSLOSSLESS,
    JPEGLSNearLossless: _JPEGLSNEARLOSSLESS,
    JPEG2000Lossless: _JPEG2000LOSSLESS,
    JPEG2000: _JPEG2000,
    HTJ2KLossless: _HTJ2KLOSSLESS,
    HTJ2K: _HTJ2K,
    RLELossless: _RLELOSSLESS,
    HTJ2KLosslessRPCL: _HTJ2KLOSSLESS,  # OpenJPH's order of progression is RPCL
}
"""Every transfer syntax of ``transfer_syntaxes`` has one."""
