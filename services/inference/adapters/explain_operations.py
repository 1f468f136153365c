"""Health of the process that answers "what if"."""

from __future__ import annotations

from collections.abc import Callable

from services.inference.config import Settings
from shared.bundles.catalog import Catalog
from shared.observability.health import Check
from shared.observability.operations import Operations


def explain_operations(settings: Settings, catalog: Callable[[], Catalog]) -> Operations:
    """Return what an operator of the process may look at."""
    watched: dict[str, Check] = {"bundles": lambda: bundle_trouble(catalog())}
    return Operations("inference.explain", settings.explain_ops_address, settings.site.otlp_endpoint, watched)


def bundle_trouble(catalog: Catalog) -> str:
    """Return why a bundle is refused and what to do, or that there is none; empty where all are well."""
    if not catalog.problems:
        return "" if catalog.installed else "no bundle is installed"
    first = catalog.problems[0]
    return f"{first.bundle}: {first.reason}; {first.remedy}"
