"""The engine that is installed here."""

from __future__ import annotations

from shared.predictors.contract import RadiomicsEngine
from shared.radiomics.fast import FastEngine
from shared.radiomics.installed import missing, pyradiomics


def installed_engine() -> RadiomicsEngine | None:
    """Return the engine; None where radiomics is not installed (``installed.missing()`` says why)."""
    return None if missing() else required_engine()


def required_engine() -> RadiomicsEngine:
    """Return the engine.

    Raises:
        NotFoundError: If radiomics is not installed; says what to do.
    """
    pyradiomics()
    return FastEngine()
