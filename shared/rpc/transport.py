"""How a connection is secured: mutual TLS by the site's certificates; without them loopback and nothing else."""

from __future__ import annotations

from typing import Any

import grpc

from shared.domain.errors import ForbiddenError
from shared.security.loopback import is_loopback
from shared.security.tls_files import TlsFiles, server_name

Stamp = tuple[int, ...]


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Return credentials that demand a client certificate, and take renewed files without a restart.

    Raises:
        NotFoundError: If a file is missing; says what to run.
    """
    source = _Reloading(files)
    initial = source.configuration()
    return grpc.dynamic_ssl_server_credentials(initial, source.changed, require_client_authentication=True)


def client_channel(address: str, service: str, files: TlsFiles | None, options: list[tuple[str, Any]]) -> grpc.Channel:
    """Return a channel to ``service`` at ``address``, which must prove to be that service, wherever it runs.

    Raises:
        ForbiddenError: If there are no certificates and the address is not on this machine.
        NotFoundError: If a file is missing; says what to run.
    """
    if files is None:
        require_loopback(address)
        return grpc.insecure_channel(address, options=options)
    authority, certificate, key = files.read()
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    named = ("grpc.ssl_target_name_override", server_name(service))
    return grpc.secure_channel(address, credentials, options=[*options, named])


def require_loopback(address: str) -> None:
    """Refuse to speak without TLS to, or on, anything but this machine.

    Raises:
        ForbiddenError: If ``address`` (host:port) is not loopback; says what to run.
    """
    if not is_loopback(address.rsplit(":", 1)[0]):
        raise ForbiddenError(
            f"{address} is not on this machine, and [site] tls_folder is not set: run `oncorelay certs`, "
            "and name its folder in site.toml"
        )


class _Reloading:
    """Certificate files, looked at for each new connection."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._stamp()

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Return what the files hold."""
        authority, certificate, key = self._files.read()
        return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=authority)

    def changed(self) -> Any:
        """Return what the files hold where they changed; None keeps what is in use."""
        stamp = self._stamp()
        if not stamp or stamp == self._seen:
            return None
        fresh = self.configuration()
        self._seen = stamp
        return fresh

    def _stamp(self) -> Stamp:
        """Return when the files were last written; nothing while one is missing (a renewal is under way)."""
        try:
            paths = (self._files.authority, self._files.certificate, self._files.key)
            return tuple(path.stat().st_mtime_ns for path in paths)
        except OSError:
            return ()
