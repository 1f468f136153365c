"""Any client of the ledger this site names, for one command, with one sentence where it does not answer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar

from services.cli.answering_client import answering_client
from services.results.config import Settings
from shared.rpc.clients import ServiceClient

C = TypeVar("C", bound=ServiceClient)


def ledger_client(kind: type[C], deadline_s: float) -> AbstractContextManager[C]:
    """Give a client of ``kind``.

    Raises:
        UnavailableError: If results does not answer; says where it was looked for, and what to run.
    """
    settings = Settings()
    return answering_client(kind, settings.grpc_address, settings.site, deadline_s)
