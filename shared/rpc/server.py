"""A gRPC server with mutual TLS, table of rights, health service, error table and an orderly stop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from shared.rpc.access import AccessInterceptor
from shared.rpc.errors import ErrorInterceptor
from shared.rpc.transport import require_loopback, server_credentials
from shared.rpc.watching import WatchingServer
from shared.security.tls_files import TlsFiles

MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def start(
    address: str, register: Callable[[grpc.Server], None], *, tls: TlsFiles | None = None, threads: int = 8
) -> grpc.Server:
    """Start serving on ``address`` (host:port) and report SERVING; the caller stops it.

    With ``tls`` every caller needs a certificate of the site, and the table of rights says what it may call.

    Raises:
        ForbiddenError: If the address is not loopback and there is no ``tls``.
        NotFoundError: If a certificate is missing.
        OSError: If the address cannot be bound; the sentence says what to change.
    """
    server = grpc.server(
        ThreadPoolExecutor(threads),
        interceptors=[WatchingServer(), ErrorInterceptor(), AccessInterceptor(tls.revoked if tls else None)],
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    register(server)
    checker = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    try:
        bound = _bind(server, address, tls)
    except RuntimeError as error:
        raise OSError(
            f"cannot listen on {address}: is another program using it? Change the address in site.toml"
        ) from error
    if bound == 0:
        raise OSError(f"cannot listen on {address}")
    server.start()
    checker.set("", health_pb2.HealthCheckResponse.SERVING)
    return server


def _bind(server: grpc.Server, address: str, tls: TlsFiles | None) -> int:
    if tls is not None:
        return server.add_secure_port(address, server_credentials(tls))
    require_loopback(address)
    return server.add_insecure_port(address)
