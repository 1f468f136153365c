"""A DICOM door: what comes in goes through ``handlers.intake`` into the inbox; the server behind it can be replaced."""

from __future__ import annotations

from typing import Protocol


class Door(Protocol):
    """A C-STORE and C-ECHO server."""

    @property
    def port(self) -> int:
        """Port it listens on without TLS, once started; 0 where it does not."""
        ...

    @property
    def tls_port(self) -> int:
        """Port it listens on with TLS, once started; 0 where it does not."""
        ...

    def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: If the address cannot be bound.
        """
        ...

    def stop(self) -> None:
        """Accept nothing new, let open associations finish for a while, then abort them."""
        ...

    def check(self) -> str:
        """Return "" while connections are accepted, else one sentence with the remedy."""
        ...
