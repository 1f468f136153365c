"""The proxy passes everything on, and harms exactly as told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from shared.testing.ports import free_port
from shared.testing.tcp_proxy import TcpProxy, start_proxy


@pytest.fixture
def echo_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo_port: int) -> Iterator[TcpProxy]:
    with start_proxy(echo_port) as running:
        yield running


def _serve(server: socket.socket) -> None:
    while True:
        try:
            wire, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(wire,), daemon=True).start()


def _echo(wire: socket.socket) -> None:
    with wire:
        try:
            while content := wire.recv(65536):
                wire.sendall(content)
        except OSError:
            return


def connected(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def said(wire: socket.socket, content: bytes) -> bytes:
    wire.sendall(content)
    heard = b""
    while len(heard) < len(content) and (more := wire.recv(65536)):
        heard += more
    return heard


def is_ended(proxy: TcpProxy) -> bool:
    """Reset or closed: which of the two one sees is the kernel's affair."""
    try:
        with connected(proxy) as wire:
            return said(wire, b"a") == b""
    except ConnectionError:
        return True


def test_everything_passes_and_the_end_passes_too(proxy: TcpProxy) -> None:
    with connected(proxy) as wire:
        assert said(wire, b"x" * 300_000) == b"x" * 300_000
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(1) == b""


def test_a_cut_resets_what_is_open_and_the_next_connection_works(proxy: TcpProxy) -> None:
    with connected(proxy) as wire:
        assert said(wire, b"a") == b"a"
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            wire.recv(1)
    with connected(proxy) as wire:
        assert said(wire, b"b") == b"b"


def test_a_refusing_proxy_resets_until_it_is_healed(proxy: TcpProxy) -> None:
    proxy.refusing = True
    assert is_ended(proxy)
    proxy.heal()
    with connected(proxy) as wire:
        assert said(wire, b"b") == b"b"


def test_swallowed_answers_never_come(proxy: TcpProxy) -> None:
    with connected(proxy) as wire:
        proxy.swallowing = True
        wire.settimeout(0.3)
        with pytest.raises(TimeoutError):
            said(wire, b"a")


def test_a_delay_delays(proxy: TcpProxy) -> None:
    proxy.delay_s = 0.1
    with connected(proxy) as wire:
        start = time.monotonic()
        assert said(wire, b"a") == b"a"
        assert time.monotonic() - start >= 0.2


def test_nobody_behind_the_proxy_is_a_reset() -> None:
    with start_proxy(free_port()) as proxy:
        assert is_ended(proxy)
