"""What ``oncorelay doctor`` says of radiomics: an extra that only some bundles need."""

from __future__ import annotations

from collections.abc import Sequence

from services.cli.models import site_catalog
from shared.radiomics.installed import VERSION, missing


def radiomics() -> str:
    """Return what is installed, or that nothing needs it.

    Raises:
        ValueError: If an installed bundle needs what is missing; says what to do.
    """
    installed = site_catalog().installed
    needing = [one.reference.bundle_id for one in installed if one.manifest.imaging and one.manifest.imaging.rad_score]
    return told(needing, missing())


def told(needing: Sequence[str], why: str) -> str:
    """Return the sentence for the bundles that need radiomics and for what it lacks (empty: nothing).

    Raises:
        ValueError: If both are there.
    """
    if why and needing:
        raise ValueError(f"{', '.join(needing)} cannot answer: {why}")
    return "not installed; no installed bundle needs it" if why else f"pyradiomics {VERSION}"
