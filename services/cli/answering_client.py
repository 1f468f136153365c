"""A client of one service this site names, for one command, with one sentence where it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from services.cli.person import person_tls
from shared.domain.errors import UnavailableError
from shared.rpc.clients import ServiceClient
from shared.site.settings import Site

C = TypeVar("C", bound=ServiceClient)


@contextmanager
def answering_client(kind: type[C], address: str, site: Site, deadline_s: float) -> Iterator[C]:
    """Give a client of ``kind`` at ``address``.

    Raises:
        UnavailableError: If the service does not answer; says where it was looked for, and what to run.
    """
    down = f"{kind.name} does not answer at {address}: is `oncorelay up` running?"
    try:
        client = kind(address, tls=person_tls(site), deadline_s=deadline_s)
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
