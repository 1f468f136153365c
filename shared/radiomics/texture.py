"""pyradiomics' own feature formulas, given matrices that were counted once.

Its classes are filled by hand instead of by their constructors, which would discretise the image again and count each
matrix with tables as large as the largest zone. That reaches into pyradiomics 3.0.1; no other version is accepted here
(``installed``), and every feature is held against the plain engine in the tests.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from shared.radiomics.levels import Levels
from shared.radiomics.matrices import Neighbourhood, glcm, gldm, glrlm, glszm, ngtdm
from shared.radiomics.prepared import Floats

Values = Iterator[tuple[str, float]]


def texture(group: str, features: Collection[str], levels: Levels, around: Neighbourhood) -> Values:
    """Yield the wanted features of one class; NaN where one has no value."""
    filled = _FILLED[group](levels, around)
    for name in features:
        yield name, float(np.squeeze(getattr(filled, f"get{name}FeatureValue")()))


def _empty(module: str, name: str, coefficients: Mapping[str, Any]) -> Any:
    """Return an object of pyradiomics' class without running its constructor."""
    import importlib

    kind = getattr(importlib.import_module(f"radiomics.{module}"), name)
    made = kind.__new__(kind)
    made.coefficients, made.logger = dict(coefficients), logging.getLogger("radiomics")
    return made


def _glcm(levels: Levels, _: Neighbourhood) -> Any:
    p = glcm(levels)
    made = _empty("glcm", "RadiomicsGLCM", _glcm_sums(p, levels))
    made.symmetricalGLCM, made.P_glcm = True, p
    return made


def _glcm_sums(p: Floats, levels: Levels) -> Mapping[str, Any]:
    """Return the margins of a GLCM (1, levels, levels, directions), in the names and shapes of pyradiomics."""
    present, highest = levels.present.astype(np.float64), levels.highest
    i, j = present[:, None], present[None, :]
    eps = np.spacing(1)
    apart = np.abs(levels.present[:, None] - levels.present[None, :])
    together = levels.present[:, None] + levels.present[None, :] - 2
    return {
        "eps": eps,
        "grayLevels": levels.present,
        "Ng": highest,
        "i": i,
        "j": j,
        "kValuesSum": np.arange(2, highest * 2 + 1, dtype=np.float64),
        "kValuesDiff": np.arange(0, highest, dtype=np.float64),
        "px": p.sum(2, keepdims=True),
        "py": p.sum(1, keepdims=True),
        "ux": np.sum(i[None, :, :, None] * p, (1, 2), keepdims=True),
        "uy": np.sum(j[None, :, :, None] * p, (1, 2), keepdims=True),
        "pxAddy": _diagonals(p, together, 2 * highest - 1),
        "pxSuby": _diagonals(p, apart, highest),
        "HXY": -np.sum(p * np.log2(p + eps), (1, 2)),
    }


def _diagonals(p: Floats, where: Any, n: int) -> Floats:
    """Return (1, n, directions): the sum over all pairs of levels with the same entry of ``where``."""
    index = where.ravel()
    sums = [np.bincount(index, weights=one, minlength=n) for one in p[0].reshape(len(index), -1).T]
    return np.stack(sums, axis=-1)[None].astype(np.float64)


def _glrlm(levels: Levels, around: Neighbourhood) -> Any:
    p, lengths = glrlm(levels, around)
    runs = p.sum((1, 2))
    runs[runs == 0] = np.nan
    margins = {"pr": p.sum(1), "pg": p.sum(2), "Nr": runs}
    made = _empty("glrlm", "RadiomicsGLRLM", {**margins, "ivector": levels.present * 1.0, "jvector": lengths})
    made.P_glrlm = p
    return made


def _glszm(levels: Levels, _: Neighbourhood) -> Any:
    p, sizes = glszm(levels)
    ps = p.sum(1)
    margins = {"ps": ps, "pg": p.sum(2), "Nz": p.sum((1, 2)), "Np": np.sum(ps * sizes, 1)}
    made = _empty("glszm", "RadiomicsGLSZM", {**margins, "ivector": levels.present * 1.0, "jvector": sizes})
    made.P_glszm = p
    return made


def _gldm(levels: Levels, around: Neighbourhood) -> Any:
    p, dependences = gldm(levels, around)
    margins = {"pd": p.sum(1), "pg": p.sum(2), "Nz": p.sum((1, 2))}
    made = _empty("gldm", "RadiomicsGLDM", {**margins, "ivector": levels.present * 1.0, "jvector": dependences})
    made.P_gldm = p
    return made


def _ngtdm(levels: Levels, around: Neighbourhood) -> Any:
    made = _empty("ngtdm", "RadiomicsNGTDM", {})
    made.P_ngtdm = ngtdm(levels, around)
    made._calculateCoefficients()  # noqa: SLF001 - pyradiomics' own, from the matrix
    return made


_FILLED = {"glcm": _glcm, "glrlm": _glrlm, "glszm": _glszm, "gldm": _gldm, "ngtdm": _ngtdm}
