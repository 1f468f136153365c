"""Health and metrics of a worker, kept by its parent: it hears how every child ended, and forks none of this.

The parent may not touch gRPC (a channel does not survive a fork), so results is asked by a bare connection.
"""

from __future__ import annotations

from collections.abc import Callable

import redis

from services.inference.adapters.explain_operations import bundle_trouble
from services.inference.config import Settings
from shared.bundles.catalog import Catalog
from shared.messaging.orders import client_url
from shared.messaging.patience import one_try
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.operations import Operations

_TIMEOUT_S = 1.0


def operations(settings: Settings, catalog: Callable[[], Catalog]) -> Operations:
    """Return what an operator of a worker may look at."""
    watched: dict[str, Check] = {
        "redis": lambda: _redis(settings.broker_url),
        "results": checks.listens(settings.results_address, "results.serve"),
        "bundles": lambda: bundle_trouble(catalog()),
    }
    return Operations("inference", settings.ops_address, settings.site.otlp_endpoint, watched)


def order_ended(outcome: str, seconds: float | None = None) -> None:
    """Count one order."""
    metrics.INFERENCE_ORDERS.add(outcome=outcome)
    if seconds is not None:
        metrics.INFERENCE_SECONDS.observe(seconds)


def _redis(url: str) -> str:
    client = redis.Redis.from_url(
        client_url(url), socket_connect_timeout=_TIMEOUT_S, socket_timeout=_TIMEOUT_S, retry=one_try()
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        # The type only: the text of such an error may quote the URL with its password.
        return f"redis cannot be reached ({type(error).__name__}): is it up, and is redis_url right?"
    finally:
        client.close()
    return ""
