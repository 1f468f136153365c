"""How often a client of Redis tries: redis-py by itself tries for four seconds, also where it only looks."""

from __future__ import annotations

from redis.backoff import NoBackoff
from redis.retry import Retry


def one_try() -> Retry:
    """For who asks whether Redis is there: what it hears at first is the answer."""
    return Retry(NoBackoff(), 0)


def one_more_try() -> Retry:
    """For who keeps a connection: it may have ended since, and then a new one is opened at once."""
    return Retry(NoBackoff(), 1)
