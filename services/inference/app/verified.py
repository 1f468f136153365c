"""The bundles of the site, verified, and what is said of them when a process starts."""

from __future__ import annotations

import structlog

from services.inference.config import Settings
from shared.bundles.catalog import Catalog, installed_catalog

log = structlog.get_logger("oncorelay.inference")


def verified(settings: Settings) -> Catalog:
    """Return the bundles that are installed; those that are refused are its problems."""
    return installed_catalog(settings.bundle_folders, settings.trusted_key_folder, settings.network_runtime)


def announced(catalog: Catalog) -> Catalog:
    """Say in the log what was found, and return it."""
    for installed in catalog.installed:
        log.info("bundle_verified", bundle_id=installed.reference.bundle_id, digest=installed.reference.digest)
    for problem in catalog.problems:
        log.error("bundle_refused", bundle_id=problem.bundle, reason=problem.reason, remedy=problem.remedy)
    return catalog
