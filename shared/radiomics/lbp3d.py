"""Local binary patterns on a sphere, the same however the region is turned: pyradiomics' LBP-3D.

Banerjee et al., ACCV 2012 Workshops, LNCS 7728, doi 10.1007/978-3-642-37410-4_3; radius 1 voxel, 42 points, two bands.
For each voxel of the region the image is read at the points of a sphere by cubic splines. Which of them are at least as
bright as the voxel is a pattern of 42 bits. Its length in the band of degree 0 and of degree 1 of the spherical
harmonics are the images m1 and m2; the kurtosis of the 42 intensities is the image k.

Texture classes see these through histograms, and m2 of an even pattern is nothing but rounding: so every operation is
the one of the definition, in its order. What is saved: a pattern is worked out once however often it occurs, and the
image is read for thousands of voxels at once (``spheres``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from shared.imaging.volume import Bits, Voxels
from shared.radiomics.spheres import Around, read_around

Floats = NDArray[np.float64]
DEGREES = 2
PORTION = 2**14
"""Voxels whose spheres are read at a time: some slices of a lesion, about 6 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sphere:
    points: Floats
    """(42, 3), offsets of slice, row, column in voxels."""
    harmonics: NDArray[np.complex128]
    """(42, 4): degree 0, then degree 1 with orders -1, 0, 1."""
    degree: NDArray[np.int64]
    """(4,): which degree a column is."""


@cache
def _sphere() -> _Sphere:
    from scipy.special import sph_harm_y
    from trimesh.creation import icosphere

    points = np.array(icosphere(1, 1).vertices)
    # The definition takes the polar angle as azimuth and the other way round; so do the values that are out there.
    azimuth, polar = np.arccos(points[:, 2]), np.arctan2(points[:, 1], points[:, 0])
    pairs = [(n, m) for n in range(DEGREES) for m in range(-n, n + 1)]
    columns = [sph_harm_y(n, m, polar, azimuth) for n, m in pairs]
    return _Sphere(points, np.column_stack(columns), np.array([n for n, _ in pairs]))


def lbp_3d(voxels: Voxels, bits: Bits) -> tuple[Floats, Floats, Floats]:
    """Return m1, m2 and k of every voxel of the region, in the order of ``voxels[bits]``."""
    from scipy import ndimage

    sphere, places = _sphere(), np.argwhere(bits)
    smooth = ndimage.spline_filter(voxels, 3, np.float64, mode="constant")
    patterns, kurtoses = [], []
    for start in range(0, len(places), PORTION):
        portion = places[start : start + PORTION]
        around = read_around(voxels, smooth, portion, sphere.points)
        patterns.append(_packed((around.read >= voxels[tuple(portion.T)]).T))
        kurtoses.append(_kurtoses(around))
    energy = _energies(np.concatenate(patterns), sphere)
    return energy[:, 0], energy[:, 1], np.concatenate(kurtoses)


def _kurtoses(around: Around) -> Floats:
    """Return the excess kurtosis of each voxel's sphere; NaN where nothing varies."""
    from scipy.stats import kurtosis

    off = around.read - around.read.mean(axis=0)
    square = np.multiply(off, off, out=off)
    found: Floats = np.mean(square * square, axis=0) / np.square(square.mean(axis=0)) - 3.0
    if around.exact.any():
        found[around.exact] = kurtosis(np.ascontiguousarray(around.read[:, around.exact].T), axis=1)
    return found


def _packed(pattern: Bits) -> NDArray[np.uint64]:
    """Return each row of 42 bits as one number."""
    octets = np.packbits(pattern, axis=1)
    return np.ascontiguousarray(np.pad(octets, ((0, 0), (0, 8 - octets.shape[1])))).view(np.uint64)[:, 0]


def _energies(patterns: NDArray[np.uint64], sphere: _Sphere) -> Floats:
    """Return the two bands' energies (voxels, 2)."""
    distinct, which = np.unique(patterns, return_inverse=True)
    octets = distinct[:, None].view(np.uint8)
    rows = np.unpackbits(octets, axis=1, count=len(sphere.points)).astype(np.int64)
    parts = [_bands(rows[start : start + 512], sphere) for start in range(0, len(rows), 512)]
    found: Floats = np.concatenate(parts)[which]
    return found


def _bands(pattern: NDArray[np.int64], sphere: _Sphere) -> Floats:
    """Expand patterns (n, 42) in the harmonics, put each degree together again, and take its length."""
    coefficients = np.multiply(pattern[:, :, None], sphere.harmonics[None]).sum(axis=1)
    bands = [
        np.multiply(coefficients[:, None, sphere.degree == n], sphere.harmonics[None, :, sphere.degree == n])
        for n in range(DEGREES)
    ]
    together = np.concatenate([bands[0], *(np.sum(band, axis=2, keepdims=True) for band in bands[1:])], axis=2)
    length: Floats = np.real(np.sqrt(np.sum(together**2, axis=1)))
    return length
