"""A gRPC server with health service, error table and an orderly stop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from shared.rpc.errors import ErrorInterceptor
from shared.rpc.watching import WatchingServer

MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def start(address: str, register: Callable[[grpc.Server], None], *, threads: int = 8) -> grpc.Server:
    """Start serving on ``address`` (host:port) and report SERVING; the caller stops it.

    Raises:
        OSError: If the address cannot be bound; the sentence says what to change.
    """
    server = grpc.server(
        ThreadPoolExecutor(threads),
        interceptors=[WatchingServer(), ErrorInterceptor()],
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
        bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(
            f"cannot listen on {address}: is another program using it? Change the address in site.toml"
        ) from error
    if bound == 0:
        raise OSError(f"cannot listen on {address}")
    server.start()
    checker.set("", health_pb2.HealthCheckResponse.SERVING)
    return server
