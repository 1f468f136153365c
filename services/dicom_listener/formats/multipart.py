"""Read a ``multipart/related`` body part by part as it comes in (RFC 2046 5.1, RFC 2387); nothing is held whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from services.dicom_listener.ports.parts import BrokenBodyError
from shared.domain.refusals import Cause
from shared.web.media_types import media_type

MAX_HEADER_BYTES = 8192
"""Headers of one part, and what may stand before the first boundary."""
MAX_BOUNDARY = 200
"""RFC 2046 5.1.1 allows 70 characters; Orthanc's DICOMweb client (1.7) sends 73."""


@dataclass(slots=True)
class MultipartPart:
    """Implements ``ports.parts.Part``."""

    media_type: str
    _body: _Body

    def chunks(self) -> Iterator[bytes]:
        """Yield what lies before the next boundary."""
        return self._body.content()


def read_parts(chunks: Iterable[bytes], boundary: str, max_parts: int) -> Iterator[MultipartPart]:
    """Yield the parts of a body up to its closing boundary.

    Raises:
        BrokenBodyError: If the body breaks off, or has more than ``max_parts`` parts, or is no such body.
    """
    body = _Body(iter(chunks), b"\r\n--" + boundary.encode("ascii"))
    body.skip_preamble()
    for count in range(max_parts + 1):
        if body.closed():
            return
        if count == max_parts:
            raise BrokenBodyError(Cause.TOO_LARGE, f"more than {max_parts} parts")
        yield MultipartPart(body.headers(), body)
        for _ in body.content():
            pass


@dataclass(slots=True)
class _Body:
    source: Iterator[bytes]
    delimiter: bytes
    """CR LF, two hyphens, the boundary."""
    held: bytearray = field(default_factory=lambda: bytearray(b"\r\n"))
    """Read and not consumed; begins with a line end, so that the first boundary looks like every other."""
    inside: bool = True
    """True while the content of a part (or what stands before the first) is being read."""

    def skip_preamble(self) -> None:
        skipped = 0
        for chunk in self.content():
            skipped += len(chunk)
            if skipped > MAX_HEADER_BYTES:
                raise _broken("the body does not begin with its boundary")

    def content(self) -> Iterator[bytes]:
        """Yield bytes up to the next delimiter, and leave what follows it."""
        while self.inside:
            at = self.held.find(self.delimiter)
            piece = self._take(at if at >= 0 else max(0, len(self.held) - len(self.delimiter) + 1))
            if at >= 0:
                self._take(len(self.delimiter))
                self.inside = False
            if piece:
                yield piece
            if self.inside:
                self._more()

    def closed(self) -> bool:
        """Read the end of a boundary line; return whether it was the closing one. What follows that is ignored."""
        self._need(2)
        if self.held.startswith(b"--"):
            return True
        line = self._line("a boundary line does not end")
        if line.strip(b" \t"):
            raise _broken("something stands behind a boundary")
        return False

    def headers(self) -> str:
        """Read the headers of a part; return its media type."""
        lines = bytearray()
        while line := self._line("the headers of a part do not end"):
            lines += line + b"\r\n"
            if len(lines) > MAX_HEADER_BYTES:
                raise BrokenBodyError(Cause.TOO_LARGE, f"headers of a part longer than {MAX_HEADER_BYTES} bytes")
        self.inside = True
        # A part may be empty: its delimiter then begins with the line end that ended the headers.
        self.held[:0] = b"\r\n" if self._empty_part() else b""
        return media_type(str(BytesHeaderParser().parsebytes(bytes(lines)).get("content-type", ""))).name

    def _empty_part(self) -> bool:
        self._need(len(self.delimiter) - 2)
        return self.held.startswith(self.delimiter[2:])

    def _line(self, complaint: str) -> bytes:
        while (at := self.held.find(b"\r\n")) < 0:
            if len(self.held) > MAX_HEADER_BYTES:
                raise _broken(complaint)
            self._more()
        line = self._take(at)
        del self.held[:2]
        return line

    def _take(self, count: int) -> bytes:
        taken = bytes(memoryview(self.held)[:count])
        del self.held[:count]
        return taken

    def _need(self, count: int) -> None:
        while len(self.held) < count:
            self._more()

    def _more(self) -> None:
        chunk = next(self.source, None)
        if chunk is None:
            raise _broken("the body ends before its closing boundary")
        self.held += chunk


def _broken(reason: str) -> BrokenBodyError:
    return BrokenBodyError(Cause.UNREADABLE, reason)
