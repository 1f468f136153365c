"""HTTP that dawdles and lies: slow bodies, wrong lengths, odd methods, endless headers."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending

_BODY = b'{"resourceType":"Basic","id":"hostile-http"}'
Request = Callable[[Doors, random.Random], Iterator[bytes]]
_SHUT = b""
"""Close the sending side."""


def make(chance: random.Random, number: int) -> Attack:
    """Return the request of a number."""
    kind = _KINDS[number % len(_KINDS)]
    seed = chance.getrandbits(32)
    return Attack("http", kind.__name__.strip("_"), lambda doors: _talk(doors, kind(doors, random.Random(seed))))


def _talk(doors: Doors, parts: Iterator[bytes]) -> Answer:
    early = False
    try:
        with socket.create_connection(("127.0.0.1", doors.http_port), timeout=doors.patience_s) as wire:
            for part in parts:
                with suppress(ConnectionError):
                    wire.sendall(part)
                if part == _SHUT:
                    early = True
                    wire.shutdown(socket.SHUT_WR)
            return _judged(wire.recv(65536), early=early)
    except TimeoutError:
        return Answer(Ending.SILENT)
    except ConnectionError:
        return Answer(Ending.CLOSED, "reset")


def _judged(heard: bytes, *, early: bool) -> Answer:
    words = heard.split(b" ", 2)
    if not heard.startswith(b"HTTP/") or len(words) < 2:
        return Answer(Ending.CLOSED if early else Ending.SILENT)
    status = int(words[1])
    if status == 500:
        return Answer(Ending.SILENT, "500")
    return Answer(Ending.TAKEN if status < 400 else Ending.REFUSED, str(status))


def _head(doors: Doors, *lines: str, method: str = "POST", path: str = "/fhir/Basic") -> bytes:
    fixed = (f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {doors.token}", "Connection: close")
    return "\r\n".join((*fixed, *lines, "", "")).encode("latin-1")


_JSON = "Content-Type: application/fhir+json"


def _slow_body(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, "Content-Length: 1000")
    for byte in _BODY[:8]:
        time.sleep(0.1)
        yield bytes([byte])


def _body_that_never_comes(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, f"Content-Length: {chance.choice((1, 4_000_000))}")


def _body_shorter_than_said(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, f"Content-Length: {len(_BODY) + 100}") + _BODY
    yield _SHUT


def _body_longer_than_said(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, f"Content-Length: {chance.choice((1, 10, len(_BODY) - 1))}") + _BODY


def _strange_length(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    length = chance.choice(("-1", "9" * 40, "abc", "1, 2", "0x10", "+5", "99999999999"))
    yield _head(doors, _JSON, f"Content-Length: {length}") + _BODY


def _two_lengths(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n"


def _broken_chunks(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    chunk = chance.choice((b"zz\r\nabc\r\n", b"ffffffffffff\r\n", b"5\r\nabc", b"-1\r\n\r\n", b"\r\n"))
    yield _head(doors, _JSON, "Transfer-Encoding: chunked") + chunk
    yield _SHUT


def _endless_chunks(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, "Transfer-Encoding: chunked")
    for _ in range(100):
        yield b"10000\r\n" + b" " * 0x10000 + b"\r\n"


def _huge_headers(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, "X: " + "A" * chance.choice((70_000, 2_000_000)))


def _many_headers(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, *(f"X-{number}: 1" for number in range(20_000)), "Content-Length: 0")


def _no_token(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    wrong = chance.choice(("", "Bearer", "Bearer x", "Basic eDp4", "Bearer " + "A" * 50_000, "Bearer \xff"))
    yield (
        f"POST /fhir/Basic HTTP/1.1\r\nHost: x\r\nAuthorization: {wrong}\r\n{_JSON}\r\nConnection: close\r\n"
        f"Content-Length: {len(_BODY)}\r\n\r\n"
    ).encode("latin-1") + _BODY


def _wrong_kind(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    kind = chance.choice(
        ("text/plain", "application/fhir+xml", "multipart/form-data", "\x01", "application/json;x=" + "A" * 999)
    )
    yield _head(doors, f"Content-Type: {kind}", f"Content-Length: {len(_BODY)}") + _BODY


def content_type_bomb(chance: random.Random) -> str:
    """Return a media type that is expensive to take apart: parameters, quotes, escapes, commas without end."""
    return chance.choice(
        (
            "application/fhir+json" + "; charset=utf-8" * 4000,
            'multipart/related; boundary="' + "\\\\" * 20_000,
            'multipart/related; type="application/dicom"; boundary=' + "B" * 60_000,
            "application/fhir+json" + ";" * 60_000,
            "application/fhir+json" + ",application/fhir+json" * 2000,
            "multipart/related" + '; boundary="x"' * 4000,
            "a/" * 30_000,
        )
    )


def _content_type_bomb(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, f"Content-Type: {content_type_bomb(chance)}", f"Content-Length: {len(_BODY)}") + _BODY


def _compressed(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield _head(doors, _JSON, "Content-Encoding: gzip", "Content-Length: 20") + b"\x1f\x8b" + bytes(18)


def _strange_path(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    path = chance.choice(
        (
            "/fhir/../../etc/passwd",
            "/fhir/%2e%2e/x",
            "/fhir/Patient/%00",
            "/" + "a" * 30_000,
            "//",
            "/fhir/Patient/a/b/c",
            "*",
        )
    )
    yield _head(doors, _JSON, f"Content-Length: {len(_BODY)}", path=path) + _BODY


def _strange_method(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    method = chance.choice(("DELETE", "TRACE", "CONNECT", "PATCH", "FOO", "G E T", "\x00"))
    yield _head(doors, _JSON, f"Content-Length: {len(_BODY)}", method=method) + _BODY


def _noise(doors: Doors, chance: random.Random) -> Iterator[bytes]:
    yield chance.randbytes(chance.choice((1, 100, 70_000)))
    yield _SHUT


_KINDS: tuple[Request, ...] = (
    _body_shorter_than_said, _body_longer_than_said, _strange_length, _two_lengths, _broken_chunks, _endless_chunks,
    _huge_headers, _many_headers, _no_token, _wrong_kind, _content_type_bomb, _compressed,
    _strange_path, _strange_method, _noise, _slow_body, _body_that_never_comes,
)  # fmt: skip
