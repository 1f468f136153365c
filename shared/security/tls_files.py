"""Where one party's certificate files lie, and the name it serves under; who only calls needs no more than this."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.domain.errors import NotFoundError

REMEDY = "run `oncorelay certs` (it makes what is missing) and give the service its own files"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What one party needs to speak TLS: the site's authority, its own certificate and key."""

    authority: Path
    certificate: Path
    key: Path

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Return authority, certificate and key (PEM).

        Raises:
            NotFoundError: If one is missing or unreadable; says what to run.
        """
        try:
            return self.authority.read_bytes(), self.certificate.read_bytes(), self.key.read_bytes()
        except OSError as error:
            raise NotFoundError("certificate or key", f"{error.filename} ({error.strerror}): {REMEDY}") from None

    @property
    def revoked(self) -> Path:
        """Return the list of revoked serial numbers; need not exist."""
        return self.authority.parent / "revoked"


def files_of(folder: Path, name: str) -> TlsFiles:
    """Return the files of a service, or of a person where ``name`` is ``people/NAME``."""
    return TlsFiles(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")


def server_name(service: str) -> str:
    """Return the name a client expects in the certificate of ``service``, wherever that runs."""
    return f"{service.replace('_', '-')}.oncorelay.internal"
