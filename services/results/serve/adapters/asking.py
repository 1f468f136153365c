"""Who asks, as the connection proves it, and why: what every RPC of this door writes into the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import grpc

from services.results.ledger.cases import Step
from shared.domain.errors import InvalidInputError
from shared.rpc.access import actor_of, caller_of


class Asking(Protocol):
    """A request with the fields ``actor`` and ``reason``."""

    actor: str
    reason: str


def step_of(request: Asking, context: grpc.ServicerContext, now: datetime) -> Step:
    """Return the step a person asks for; the field ``actor`` counts only where the connection proves nobody.

    Raises:
        InvalidInputError: If nobody is named, or no reason.
    """
    if not request.actor and caller_of(context) is None:
        raise InvalidInputError("actor", "who asks must be named")
    if not request.reason:
        raise InvalidInputError("reason", "one sentence must say why")
    return Step(actor_of(context, request.actor), now, request.reason)


def viewer_of(context: grpc.ServicerContext, claimed: str = "") -> str:
    """Return who is shown something; empty for a service of ours that looks for itself, and where nobody is told."""
    party = caller_of(context)
    if claimed or (party is not None and party.role is not None):
        return actor_of(context, claimed)
    return ""
