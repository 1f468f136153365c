"""pyradiomics as it is installed here: found, of the version that is known, with what SciPy took away given back.

SciPy 1.17 has no ``scipy.special.sph_harm`` any more, and ``scipy.ndimage.interpolation`` goes with SciPy 2.
pyradiomics 3.0.1 imports from both when it makes its LBP-3D images; where that fails it logs one warning and leaves the
images out.
"""

from __future__ import annotations

import importlib.metadata
import logging
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from shared.domain.errors import NotFoundError

VERSION = "3.0.1"
NEEDED = ("pyradiomics", "pykwalify", "PyWavelets", "scikit-image", "six", "trimesh")
REMEDY = (
    "install it with ./run install radiomics (it compiles pyradiomics 3.0.1: gcc and Python's headers are needed), "
    "or by hand as shared/radiomics/README.md says"
)
_BORROWED = threading.RLock()
_MODULE = "scipy.ndimage.interpolation"


@cache
def missing() -> str:
    """Return what radiomics lacks here, with the remedy; empty where nothing does."""
    absent = [name for name in NEEDED if not _version(name)]
    if absent:
        return f"radiomics is not installed ({', '.join(absent)} missing): {REMEDY}"
    found = _version("pyradiomics")
    return "" if found == VERSION else f"pyradiomics {found} is installed, {VERSION} is known here: {REMEDY}"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


@cache
def pyradiomics() -> types.ModuleType:
    """Import pyradiomics, quiet: what it would warn about is asserted by whoever measures.

    Raises:
        NotFoundError: If it is not here, or another version; says what to do.
    """
    if why := missing():
        raise NotFoundError("radiomics", why)
    import radiomics

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    return radiomics  # type: ignore[no-any-return]


@contextmanager
def former_scipy() -> Iterator[None]:
    """Give SciPy the two names back for the time of a block; outside of it nobody sees a changed SciPy."""
    import scipy.special

    with _BORROWED:
        absent = not hasattr(scipy.special, "sph_harm")
        if absent:
            scipy.special.sph_harm = _sph_harm
        module = sys.modules.get(_MODULE)
        sys.modules[_MODULE] = _interpolation()
        try:
            yield
        finally:
            if absent:
                del scipy.special.sph_harm
            del sys.modules[_MODULE]
            if module is not None:
                sys.modules[_MODULE] = module


def _sph_harm(m: int, n: int, theta: Any, phi: Any) -> Any:
    """``scipy.special.sph_harm`` as it was: theta is the azimuth, phi the polar angle."""
    from scipy.special import sph_harm_y

    return sph_harm_y(n, m, phi, theta)


def _interpolation() -> types.ModuleType:
    from scipy.ndimage import map_coordinates

    module = types.ModuleType(_MODULE)
    module.map_coordinates = map_coordinates  # type: ignore[attr-defined]
    return module
