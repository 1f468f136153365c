"""Health and metrics of serve."""

from __future__ import annotations

from services.results.config import Settings
from services.results.ledger.numbers import Numbers
from shared.observability import checks
from shared.observability.operations import Operations


def operations(settings: Settings, numbers: Numbers) -> Operations:
    """Return what an operator of serve may look at."""
    watched = {
        "ledger": checks.succeeds(numbers.reachable),
        "disk": checks.disk(settings.site.data_folder, settings.min_free_mb),
    }
    return Operations("results.serve", settings.ops_address, settings.site.otlp_endpoint, watched)
