"""One patch brought to the reference's stains: concentrations by closed form, rescaled, and made colours again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.pathology.patch_contract import StainReference
from shared.pathology.stain.density import density32
from shared.pathology.stain_fit import StainFit

_CHUNK = 1 << 14
"""Pixels at a time: what is worked on stays in the cache."""


def reference_vectors(reference: StainReference) -> NDArray[np.float64]:
    """Return (2, 3): haematoxylin, eosin."""
    return np.array([reference.haematoxylin, reference.eosin], dtype=np.float64)


def normalised(rgb: NDArray[np.uint8], fit: StainFit, reference: StainReference) -> NDArray[np.uint8]:
    """Return the pixels as the reference slide's stains would show them; (h, w, 3) in, (h, w, 3) out.

    Each pixel's concentrations are the non-negative least squares solution in two variables (``lasso``, penalty 0),
    times the ratio of the strengths. What the two stains do not explain is left out: bringing it there twice changes
    nothing.
    """
    flat = np.ascontiguousarray(rgb).reshape(-1, 3)
    out = np.empty_like(flat)
    vectors = fit.vectors.astype(np.float32)
    shared = np.float32(vectors[0] @ vectors[1])
    scale = 1 / (1 - shared * shared)
    target = (reference_vectors(reference) * (np.array(reference.strengths) / fit.strengths)[:, None]).astype(
        np.float32
    )
    for begin in range(0, len(flat), _CHUNK):
        some = density32(flat[begin : begin + _CHUNK].T)
        projected = vectors @ some
        free = (projected - shared * projected[::-1]) * scale
        np.minimum(free, projected, out=free)
        np.maximum(free, 0, out=free)
        coloured = target.T @ free
        np.exp(np.negative(coloured, out=coloured), out=coloured)
        coloured *= 255
        out[begin : begin + _CHUNK] = np.rint(coloured, out=coloured).T
    return out.reshape(rgb.shape)
