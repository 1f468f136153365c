"""Messages between parent and child: a length in four bytes, then JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from struct import Struct
from typing import Any

LENGTH = Struct("<I")


def send(descriptor: int, body: bytes) -> None:
    """Write one message whole.

    Raises:
        OSError: If nobody reads.
    """
    rest = memoryview(LENGTH.pack(len(body)) + body)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def receive(read: Callable[[int], bytes], largest: int) -> bytes:
    """Return one message; ``read(n)`` returns 1 to n bytes, or none at the end.

    Raises:
        EOFError: If the other side is gone.
        OverflowError: If the message is larger than ``largest`` bytes; it was not read.
    """
    (length,) = LENGTH.unpack(_exactly(read, LENGTH.size))
    if length > largest:
        raise OverflowError
    return _exactly(read, length)


def packed(tree: Any) -> bytes:
    """Return JSON."""
    return json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    parts = []
    while count:
        part = read(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
