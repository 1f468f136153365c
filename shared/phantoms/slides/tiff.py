"""Pyramidal BigTIFF from encoded tiles, as scanners write it: generic tiled, or as Aperio's with label and keys.

Own, because tiles are written as they were encoded (a slide of 10^9 pixels repeats a few) and no core library does it.
Sources: TIFF 6.0; BigTIFF (AWare Systems); TIFF Technical Note 2 (JPEG tiles); OpenSlide's page on Aperio.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image

from shared.phantoms.slides.optics import Pixels, Scanner
from shared.phantoms.slides.pyramid import TILE, Level, across, encoded

SOFTWARE = "SIMULATED slides of OncoRelay, no patient"
_ASCII, _SHORT, _LONG, _RATIONAL, _BYTES, _LONG8 = 2, 3, 4, 5, 7, 16
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
Tag = tuple[int, int, tuple[int, ...] | bytes]
"""Number, type, values: whole numbers, or bytes as they are written."""


class Style(StrEnum):
    """Whose TIFF it looks like."""

    GENERIC = "generic"
    """Resolution in XResolution and YResolution."""
    APERIO = "aperio"
    """Resolution and objective in the description; may carry a label."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the encoded tiles of a level, or the one strip of a label, lie in the file."""

    width: int
    height: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]


class SlideTiff:
    """A slide being written: levels one after the other, widest first, then ``finish``."""

    def __init__(
        self,
        stream: BinaryIO,
        scanner: Scanner,
        style: Style = Style.GENERIC,
        *,
        unit: int = 3,
        resolution: bool = True,
    ) -> None:
        """Begin a file.

        Args:
            stream: Open for writing, at its start; borrowed.
            scanner: What the file says of its origin.
            style: Of the description.
            unit: ResolutionUnit: 3 centimetre; another says something wrong.
            resolution: False: the file does not say how large a pixel is.
        """
        self._stream, self._scanner, self._style = stream, scanner, style
        self._unit, self._resolution = unit, resolution
        self._levels: list[Placed] = []
        self._strips: list[tuple[str, Placed]] = []
        stream.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))

    def level(self, width: int, height: int, tiles: Iterable[bytes]) -> None:
        """Write the tiles of one level, row by row."""
        self._levels.append(self._placed(width, height, tiles))

    def picture(self, name: str, pixels: Pixels) -> None:
        """Write a picture beside the pyramid, as Aperio does: ``label``, or the thumbnail (no name), as one strip."""
        self._strips.append((name, self._placed(pixels.shape[1], pixels.shape[0], [encoded(pixels)])))

    def finish(self) -> None:
        """Write the directories."""
        wanted = [self._tags(number, one) for number, one in enumerate(self._levels)]
        pictures = [_picture_tags(name, one) for name, one in self._strips]
        # Aperio's second directory is the thumbnail; readers count on it.
        wanted = [*wanted[:1], *pictures[:1], *wanted[1:], *pictures[1:]]
        link = 8
        for tags in wanted:
            link = self._directory(tags, link)

    def _placed(self, width: int, height: int, pieces: Iterable[bytes]) -> Placed:
        offsets, counts = [], []
        for piece in pieces:
            offsets.append(self._stream.tell())
            counts.append(len(piece))
            self._stream.write(piece)
        return Placed(width, height, tuple(offsets), tuple(counts))

    def _tags(self, number: int, one: Placed) -> list[Tag]:
        tags = [
            *_picture(one, 1 if number and self._style is Style.GENERIC else 0), *self._origin(one),
            (322, _LONG, (TILE,)), (323, _LONG, (TILE,)), (324, _LONG8, one.offsets), (325, _LONG, one.counts),
        ]  # fmt: skip
        if self._scanner.profile:
            tags.append((34675, _BYTES, self._scanner.profile))
        return tags

    def _origin(self, one: Placed) -> Iterator[Tag]:
        yield 270, _ASCII, self._description(one)
        yield from ((271, _ASCII, _text(self._scanner.manufacturer)), (272, _ASCII, _text(self._scanner.model)))
        if self._resolution and self._style is Style.GENERIC:
            pixels = round(1e4 / self._scanner.microns_per_pixel / (self._levels[0].width / one.width) * 1000)
            yield from ((282, _RATIONAL, struct.pack("<II", pixels, 1000)),
                        (283, _RATIONAL, struct.pack("<II", pixels, 1000)), (296, _SHORT, (self._unit,)))  # fmt: skip
        yield 305, _ASCII, _text(SOFTWARE)

    def _description(self, one: Placed) -> bytes:
        if self._style is Style.GENERIC:
            return _text(SOFTWARE)
        wide, high = self._levels[0].width, self._levels[0].height
        keys = f"|AppMag = {self._scanner.objective_power}|MPP = {self._scanner.microns_per_pixel:g}"
        size = f"{wide}x{high} ({TILE}x{TILE}) -> {one.width}x{one.height} JPEG/YCC Q=82"
        return _text(f"Aperio Image Library (SIMULATED)\r\n{size}{keys if self._resolution else ''}")

    def _directory(self, tags: list[Tag], link: int) -> int:
        """Write one directory, let ``link`` point to it; return where the next link stands."""
        entries = b""
        for number, kind, values in sorted(tags, key=lambda tag: tag[0]):
            count, content = _packed(kind, values)
            if len(content) > 8:
                content = struct.pack("<Q", self._appended(content))
            entries += struct.pack("<HHQ", number, kind, count) + content.ljust(8, b"\0")
        start = self._appended(struct.pack("<Q", len(tags)) + entries + bytes(8))
        end = self._stream.tell()
        self._stream.seek(link)
        self._stream.write(struct.pack("<Q", start))
        self._stream.seek(end)
        return end - 8

    def _appended(self, content: bytes) -> int:
        self._stream.write(bytes(-self._stream.tell() % 8))
        place = self._stream.tell()
        self._stream.write(content)
        return place


def write_tiff(
    stream: BinaryIO,
    levels: Iterable[Level],
    scanner: Scanner,
    style: Style = Style.GENERIC,
    *,
    label: Pixels | None = None,
    unit: int = 3,
    resolution: bool = True,
) -> None:
    """Write a whole slide; arguments as ``SlideTiff``'s.

    Raises:
        ValueError: If a generic TIFF shall carry a label: no reader would find it.
    """
    if label is not None and style is Style.GENERIC:
        raise ValueError("only Aperio's TIFF carries a label")
    file = SlideTiff(stream, scanner, style, unit=unit, resolution=resolution)
    for level in levels:
        if len(level.tiles) != across(level.width) * across(level.height):
            raise ValueError(f"{len(level.tiles)} tiles do not cover {level.width} x {level.height} pixels")
        file.level(level.width, level.height, level.tiles)
    if style is Style.APERIO:
        file.picture("", _thumbnail(level))
    if label is not None:
        file.picture("label", label)
    file.finish()


def _thumbnail(last: Level) -> Pixels:
    """Return the upper left tile of the narrowest level, which is all of it."""
    with Image.open(BytesIO(last.tiles[0])) as tile:
        return np.asarray(tile.convert("RGB").crop((0, 0, last.width, last.height)))


def _picture(one: Placed, reduced: int) -> Iterator[Tag]:
    """Yield what every JPEG picture in YCbCr, 4:2:2, says of itself."""
    yield from ((254, _LONG, (reduced,)), (256, _LONG, (one.width,)), (257, _LONG, (one.height,)))
    yield from ((258, _SHORT, (8, 8, 8)), (259, _SHORT, (7,)), (262, _SHORT, (6,)))
    yield from ((277, _SHORT, (3,)), (284, _SHORT, (1,)), (530, _SHORT, (2, 1)))


def _picture_tags(name: str, one: Placed) -> list[Tag]:
    # Aperio names such a picture in the second line of its description, and writes it in strips.
    named = _text(f"Aperio Image Library (SIMULATED)\r\n{name} {one.width}x{one.height}")
    return [
        *_picture(one, 1), (270, _ASCII, named), (273, _LONG8, one.offsets), (278, _LONG, (one.height,)),
        (279, _LONG, one.counts),
    ]  # fmt: skip


def _packed(kind: int, values: tuple[int, ...] | bytes) -> tuple[int, bytes]:
    """Return the count and the bytes of a value."""
    if isinstance(values, bytes):
        return (1 if kind == _RATIONAL else len(values)), values
    return len(values), struct.pack(f"<{len(values)}{_CODES[kind]}", *values)


def _text(words: str) -> bytes:
    return words.encode("ascii") + b"\0"
