"""The engine that is installed here."""

from __future__ import annotations

from shared.predictors.contract import RadiomicsEngine
from shared.radiomics.fast import FastEngine
from shared.radiomics.installed import missing, pyradiomics


def installed_engine(cores: int = 1) -> RadiomicsEngine | None:
    """Return the engine; None where radiomics is not installed (``installed.missing()`` says why)."""
    return None if missing() else required_engine(cores)


def required_engine(cores: int = 1) -> RadiomicsEngine:
    """Return the engine for one or two cores: one to serve a few features, two to train on all of them.

    Raises:
        NotFoundError: If radiomics is not installed; says what to do.
    """
    pyradiomics()
    return FastEngine(cores=cores)
