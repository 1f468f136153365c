"""A matrix/TRC ICC profile (ICC.1:2001-04, version 2.4) from primaries and a gamma: how a scanner sees colour."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np

_D50 = (0.9642, 1.0, 0.8249)
_D65 = (0.95047, 1.0, 1.08883)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def matrix_profile(name: str, primaries: Sequence[tuple[float, float]], gamma: float) -> bytes:
    """Return the profile of an RGB device with white D65.

    Args:
        name: What the profile calls itself, ASCII.
        primaries: CIE x and y of red, green, blue.
        gamma: Exponent from stored value to light.
    """
    red, green, blue = _columns(primaries).T
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {
        b"desc": _description(name), b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    return _assembled(tags)


def _columns(primaries: Sequence[tuple[float, float]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return XYZ of the primaries as columns, adapted from D65 to D50."""
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    xyz = xyz * np.linalg.solve(xyz, np.array(_D65))
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ np.array(_D65))
    adapted: np.ndarray[tuple[int, int], np.dtype[np.float64]] = np.linalg.solve(
        _BRADFORD, np.diag(cones) @ _BRADFORD @ xyz
    )
    return adapted


def _assembled(tags: dict[bytes, bytes]) -> bytes:
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, content in tags.items():
        table += key + struct.pack(">II", place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s6H4s28x3I48x", place + len(body), b"\0\0\0\0", 0x02400000, b"scnr", b"RGB ", b"XYZ ",
        2026, 1, 1, 0, 0, 0, b"acsp", *(round(value * 65536) for value in _D50),
    )  # fmt: skip
    return head + struct.pack(">I", len(tags)) + table + body


def _xyz(value: Iterable[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(one) * 65536) for one in value))


def _description(name: str) -> bytes:
    text = name.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
