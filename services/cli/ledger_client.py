"""Any client of the ledger this site names, for one command, with one sentence where it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from services.cli.person import person_tls
from services.results.config import Settings
from shared.domain.errors import UnavailableError
from shared.rpc.clients import ServiceClient

C = TypeVar("C", bound=ServiceClient)


@contextmanager
def ledger_client(kind: type[C], deadline_s: float) -> Iterator[C]:
    """Give a client of ``kind``.

    Raises:
        UnavailableError: If results does not answer; says where it was looked for, and what to run.
    """
    settings = Settings()
    down = f"results does not answer at {settings.grpc_address}: is `oncorelay up` running?"
    try:
        client = kind(settings.grpc_address, tls=person_tls(settings.site), deadline_s=deadline_s)
    except UnavailableError as error:
        raise UnavailableError(f"{down} ({error})") from error
    try:
        yield client
    except UnavailableError as error:
        if client.healthy():
            raise
        raise UnavailableError(down) from error
    finally:
        client.close()
