"""STOW-RS requests that lie: the same hostile objects as parts, and multipart bodies that are none."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending, Maker
from tests.bench.hostility.bytes_mutants import ANY
from tests.bench.hostility.dicom_mutants import Seed, Source
from tests.bench.hostility.http_mutants import content_type_bomb
from tests.bench.load.dimse import command_set
from tests.bench.load.stow_scu import part10

_BOUNDARY = "XX-hostile"
_KIND = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'


def by_stow(*sources: Source) -> Maker:
    """Send what the sources make, in turn, as the only part of a request."""

    def make(chance: random.Random, number: int) -> Attack:
        kind, seed = sources[number % len(sources)](chance, number // len(sources))
        return Attack("stow", kind, lambda doors: post(doors, _body(_file(seed))))

    return make


def parts(seed: Seed) -> Maker:
    """Break the multipart body around a good object."""

    def make(chance: random.Random, number: int) -> Attack:
        kind = _KINDS[number % len(_KINDS)]
        body, media_type = kind(chance, _file(seed))
        return Attack("stow", kind.__name__.strip("_"), lambda doors: post(doors, body, media_type))

    return make


def post(doors: Doors, body: bytes, media_type: str = _KIND) -> Answer:
    """POST to the studies; classify the answer (PS3.18 10.5.3: 200, 202, 409, else refused as a whole)."""
    headers = {"Authorization": f"Bearer {doors.stow_token}", "Content-Type": media_type}
    url = f"http://127.0.0.1:{doors.stow_port}/dicomweb/studies"
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=doors.patience_s, trust_env=False)
    except httpx.TimeoutException:
        return Answer(Ending.SILENT)
    except httpx.HTTPError as error:
        return Answer(Ending.SILENT, type(error).__name__)
    if answer.status_code == 500:
        return Answer(Ending.SILENT, "500")
    return Answer(Ending.TAKEN if answer.status_code < 400 else Ending.REFUSED, str(answer.status_code))


def _file(seed: Seed) -> bytes:
    return part10(seed.sop_class, seed.sop_instance, seed.syntax, seed.data_set)


def _part(content: bytes, headers: bytes = b"Content-Type: application/dicom") -> bytes:
    return b"--" + _BOUNDARY.encode() + b"\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


def _body(*files: bytes) -> bytes:
    return b"".join(_part(content) for content in files) + b"--" + _BOUNDARY.encode() + b"--\r\n"


Broken = tuple[bytes, str]


def _never_ends(chance: random.Random, content: bytes) -> Broken:
    return _part(content)[: -chance.randrange(1, 200)], _KIND


def _another_boundary(chance: random.Random, content: bytes) -> Broken:
    return _body(content), _KIND.replace(_BOUNDARY, chance.choice(("YY", "", "A" * 5000, ";;", '"')))


def _no_multipart(chance: random.Random, content: bytes) -> Broken:
    return content, chance.choice(
        ("application/dicom", "text/plain", "multipart/related", "multipart/mixed; boundary=X")
    )


def _endless_part_headers(chance: random.Random, content: bytes) -> Broken:
    return _part(content, b"X: " + b"A" * chance.choice((9000, 2_000_000))), _KIND


def _thousands_of_parts(chance: random.Random, content: bytes) -> Broken:
    return _body(*[b""] * chance.choice((1000, 20_000))), _KIND


def _wrong_part_kind(chance: random.Random, content: bytes) -> Broken:
    kind = chance.choice((b"text/html", b"application/dicom+json", b"multipart/related; boundary=Z", b"\xff\0"))
    return _part(content, b"Content-Type: " + kind) + b"--" + _BOUNDARY.encode() + b"--", _KIND


def _file_that_is_none(chance: random.Random, content: bytes) -> Broken:
    return _body(chance.choice((b"", b"DICM", bytes(132), content[:140], command_set(), chance.randbytes(300)))), _KIND


def _broken_meta(chance: random.Random, content: bytes) -> Broken:
    return _body(content[:132] + chance.choice(ANY)(chance, content[132:300]) + content[300:]), _KIND


def _boundary_inside(chance: random.Random, content: bytes) -> Broken:
    return _body(content[:400] + b"\r\n--" + _BOUNDARY.encode() + b"\r\n" + content[400:]), _KIND


def _almost_the_boundary_inside(chance: random.Random, content: bytes) -> Broken:
    # RFC 2046 5.1.1: a line that only begins like the boundary is data where anything but white space follows.
    almost = chance.choice((b"\r\n--" + _BOUNDARY.encode()[:-1], b"--" + _BOUNDARY.encode(), b"\n--XX-hostile\n"))
    return _body(content[:-40] + almost * chance.choice((1, 5000)) + content[-40:]), _KIND


def _part_header_bomb(chance: random.Random, content: bytes) -> Broken:
    line = chance.choice((b"X: 1\r\n", b"Content-Type: application/dicom\r\n", b" folded\r\n", b":\r\n", b"X\0: 1\r\n"))
    headers = b"Content-Type: application/dicom\r\n" + line * chance.choice((3, 1000, 50_000))
    return _part(content, headers.removesuffix(b"\r\n")) + b"--" + _BOUNDARY.encode() + b"--\r\n", _KIND


def _nested_multipart(chance: random.Random, content: bytes) -> Broken:
    inner = content
    for depth in range(chance.choice((1, 50))):
        mark = f"inner-{depth}".encode()
        inner = b"--" + mark + b"\r\nContent-Type: application/dicom\r\n\r\n" + inner + b"\r\n--" + mark + b"--\r\n"
    kind = b'Content-Type: multipart/related; type="application/dicom"; boundary=inner-0'
    return _part(inner, kind) + b"--" + _BOUNDARY.encode() + b"--\r\n", _KIND


def _content_type_bomb(chance: random.Random, content: bytes) -> Broken:
    return _body(content), content_type_bomb(chance)


def _broken_body(chance: random.Random, content: bytes) -> Broken:
    return chance.choice(ANY)(chance, _body(content)), _KIND


_KINDS: tuple[Callable[[random.Random, bytes], Broken], ...] = (
    _never_ends, _another_boundary, _no_multipart, _endless_part_headers, _thousands_of_parts, _wrong_part_kind,
    _file_that_is_none, _broken_meta, _boundary_inside, _almost_the_boundary_inside, _part_header_bomb,
    _nested_multipart, _content_type_bomb, _broken_body,
)  # fmt: skip
