"""What can be done to any bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

Mutant = Callable[[random.Random, bytes], bytes]


def truncated(chance: random.Random, content: bytes) -> bytes:
    """Cut it off anywhere."""
    return content[: chance.randrange(len(content))] if content else content


def flipped(chance: random.Random, content: bytes) -> bytes:
    """Flip one to sixteen bits."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16)) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flipped_early(chance: random.Random, content: bytes) -> bytes:
    """Flip bits where the structure is: in the first two kilobytes."""
    return flipped(chance, content[:2048]) + content[2048:]


def spliced(chance: random.Random, content: bytes) -> bytes:
    """Take a piece out, or put one in twice."""
    start = chance.randrange(max(1, len(content)))
    piece = content[start : start + chance.randrange(1, 64)]
    return content[:start] + (piece * 2 if chance.random() < 0.5 else b"") + content[start + len(piece) :]


def junk_inside(chance: random.Random, content: bytes) -> bytes:
    """Overwrite a piece with random bytes."""
    start = chance.randrange(max(1, len(content)))
    piece = chance.randbytes(chance.choice((1, 4, 32, 256)))
    return content[:start] + piece + content[start + len(piece) :]


def random_bytes(chance: random.Random, content: bytes) -> bytes:
    """Nothing but noise."""
    return chance.randbytes(min(len(content), 4096) or 64)


ANY: tuple[Mutant, ...] = (truncated, flipped, flipped_early, spliced, junk_inside, random_bytes)
