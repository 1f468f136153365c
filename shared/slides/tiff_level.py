"""Regions of one level of a TIFF, segment by segment (tifffile): without zarr, whose event loop needs a socket."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.slides.colour import Colour

_KEPT_SEGMENTS = 64
"""Decoded tiles that are remembered: neighbouring patches share them."""
_LARGEST_SEGMENT = 1 << 27
"""Bytes of a decoded tile or strip."""
_CHANNELS = (3, 4)


class TiffLevel:
    """One page of interleaved red, green, blue and perhaps alpha, tiled or in strips."""

    def __init__(self, page: Any) -> None:
        """``page`` is a ``tifffile.TiffPage``.

        Raises:
            InvalidInputError: If it is laid out otherwise.
        """
        self._page = page
        rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        self._rows, self._columns, channels = min(rows, page.imagelength), columns, page.samplesperpixel
        if page.dtype != np.uint8 or page.axes != "YXS" or channels not in _CHANNELS:
            raise InvalidInputError("slide", "tifffile reads only interleaved red, green, blue of 8 bits")
        if self._rows * columns * channels > _LARGEST_SEGMENT:
            raise InvalidInputError("slide", "its tiles are too large")
        self._across = -(-page.imagewidth // columns)
        self._segment = lru_cache(_KEPT_SEGMENTS)(self._decoded)

    def region(self, left: int, top: int, width: int, height: int, ground: Colour) -> NDArray[np.uint8]:
        """Return (height, width, channels); beyond the edges and in tiles that are not there lies ``ground``."""
        page = self._page
        colour = (*ground, 255)[: page.samplesperpixel]
        out = np.full((height, width, page.samplesperpixel), colour, np.uint8)
        bottom, right = min(top + height, page.imagelength), min(left + width, page.imagewidth)
        if bottom <= top or right <= left:
            return out
        shown = out[: bottom - top, : right - left]  # tiles at the edge are padded beyond it
        for row in range(max(top, 0) // self._rows, -(-bottom // self._rows)):
            for column in range(max(left, 0) // self._columns, -(-right // self._columns)):
                tile = self._segment(row * self._across + column)
                if tile is not None:  # tiles at the edge are padded beyond it
                    _lay(tile, shown, row * self._rows - top, column * self._columns - left)
        return out

    def _decoded(self, index: int) -> NDArray[np.uint8] | None:
        page = self._page
        count = page.databytecounts[index]
        if not count:
            return None
        page.parent.filehandle.seek(page.dataoffsets[index])
        data = page.parent.filehandle.read(count)
        decoded, _, shape = page.decode(data, index, jpegtables=page.jpegtables)
        if decoded is None:
            return None
        found: NDArray[np.uint8] = decoded[0, : shape[1], : shape[2]]
        return found


def _lay(tile: NDArray[np.uint8], out: NDArray[np.uint8], top: int, left: int) -> None:
    """Copy ``tile`` into ``out`` with its corner at (top, left), as far as they overlap."""
    rows = slice(max(top, 0), min(top + tile.shape[0], out.shape[0]))
    columns = slice(max(left, 0), min(left + tile.shape[1], out.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        out[rows, columns] = tile[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
