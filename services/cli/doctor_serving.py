"""Whether a service of ours answers, as ``oncorelay doctor`` asks it."""

from __future__ import annotations

from shared.rpc.clients import ServiceClient


def serving(client: ServiceClient) -> str:
    """Ask by its health service; the client is closed.

    Raises:
        ValueError: If it does not answer; says what to do.
    """
    try:
        if client.healthy():
            return "serving"
        raise ValueError("does not answer: start it with `oncorelay up`, or look into its log")
    finally:
        client.close()
