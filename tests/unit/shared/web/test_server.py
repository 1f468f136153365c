"""The HTTP server holds no more than it should, for whoever."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

from shared.testing.ports import wait_until
from shared.web import server
from shared.web.server import Address, HttpServer

_GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    monkeypatch.setattr(server, "_HEADER_S", 0.3)
    refusal = PlainTextResponse("overloaded", 503, {"retry-after": "5"})
    found = HttpServer(Starlette(routes=[]), Address("127.0.0.1", 0, "x"), 2, refusal)
    found.start()
    yield found
    found.stop()


def _connect(small: HttpServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", small.port), timeout=10)


def _answer(connection: socket.socket) -> bytes:
    """Read one answer: its head and its body may come in pieces."""
    heard = b""
    while b"\r\n\r\n" not in heard or len(heard.partition(b"\r\n\r\n")[2]) < _length(heard):
        piece = connection.recv(4096)
        if not piece:
            break
        heard += piece
    return heard


def _length(heard: bytes) -> int:
    stated = re.search(rb"content-length: (\d+)", heard)
    return int(stated[1]) if stated else 0


def _asked(small: HttpServer) -> bytes:
    with _connect(small) as connection, suppress(ConnectionError):
        connection.sendall(_GET)
        return _answer(connection)
    return b""


def test_a_second_request_whose_head_never_ends_is_given_up(small: HttpServer) -> None:
    with _connect(small) as slow:
        slow.sendall(_GET)
        assert _answer(slow).startswith(b"HTTP/1.1 404")
        slow.sendall(b"GET /y HTTP/1.1\r\nX: ")

        with suppress(ConnectionError):
            assert slow.recv(1) == b""


def test_one_connection_too_many_hears_the_doors_own_refusal(small: HttpServer) -> None:
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(_connect(small))
        heard = _asked(small)

    assert heard.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5" in heard
    assert heard.endswith(b"overloaded")


def test_many_more_are_closed_and_others_are_served_once_they_are_gone(small: HttpServer) -> None:
    with ExitStack() as held:
        silent = [held.enter_context(_connect(small)) for _ in range(60)]
        for connection in silent:
            with suppress(ConnectionError):
                assert connection.recv(1) == b""

    wait_until(lambda: _asked(small).startswith(b"HTTP/1.1 404"), "an answer")
    assert small.check() == ""


def test_a_server_that_has_ended_says_so() -> None:
    found = HttpServer(Starlette(routes=[]), Address("127.0.0.1", 0, "x"), 2, Response())
    found.start()
    found.stop()

    assert "has ended" in found.check()
