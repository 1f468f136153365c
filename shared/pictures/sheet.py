"""The sheet a picture stands on: title, banner in its frame and notes, the same around every picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.pictures.caption import Caption
from shared.pictures.scene import SOFT, Frame, Part, Words, wrapped

WIDTH = 842.0
"""A4, landscape."""
MARGIN = 32.0
_NOTE = 8.0
_LEADING = 10.5


def above(caption: Caption) -> Iterator[Part]:
    """Yield title, lines and the framed banner."""
    yield Words(MARGIN, MARGIN + 8, caption.title, 15.0, bold=True)
    y = MARGIN + 8
    for line in caption.lines:
        y += 13
        yield Words(MARGIN, y, line, 9.0, colour=SOFT)
    if caption.banner:
        y += 10
        lines = wrapped(caption.banner, 10.0, WIDTH - 2 * MARGIN - 20)
        yield Frame(MARGIN, y, WIDTH - 2 * MARGIN, 8 + 13 * len(lines))
        for number, text in enumerate(lines, 1):
            yield Words(MARGIN + 10, y + 13 * number, text, 10.0, bold=True)
        y += 13 * len(lines)


def below(caption: Caption, y: float) -> Iterator[Part]:
    """Yield the notes, from ``y`` downwards."""
    for note in caption.notes:
        for number, text in enumerate(wrapped(note, _NOTE, WIDTH - 2 * MARGIN - 10)):
            if not number:
                yield Words(MARGIN, y, "•", _NOTE, colour=SOFT)
            yield Words(MARGIN + 10, y, text, _NOTE, colour=SOFT)
            y += _LEADING


def lowest(parts: Iterable[Part], otherwise: float = MARGIN) -> float:
    """Return the lowest baseline of the words."""
    return max((part.y for part in parts if isinstance(part, Words)), default=otherwise)
