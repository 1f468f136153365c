"""A slide of any number of pixels in seconds: a few simulated squares of tissue, repeated as encoded tiles.

Narrow levels are made of the whole slide; of the two widest, every tile repeats one of a few. For measurements: how
long a slide takes, how much memory; the picture is a patchwork.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.slides.optics import SCANNERS, Pixels, Scanner, fine
from shared.phantoms.slides.pyramid import STEP, TILE, across, encoded_level, pyramid, reduced
from shared.phantoms.slides.slide import Plan, make_slide
from shared.phantoms.slides.tiff import SlideTiff

BLOCK = 2048
"""Side of a square of the patchwork, in pixels of level 0."""
_KINDS = 4
"""Squares that differ: glass, and three of tissue."""
_REPEATED = 2
"""Levels whose tiles are repeated."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    path: Path
    side_px: int
    microns_per_pixel: float
    tissue_share: float
    """Of the glass, by area of squares with tissue."""


def slide_of_pixels(n: int, path: Path, *, tissue: float = 0.25, seed: int = 1) -> Written:
    """Write a square slide of about ``n`` pixels at 40x to ``path`` (BigTIFF).

    Args:
        n: Pixels of level 0; 10**7 to 4 * 10**9 were tried.
        path: Is written over.
        tissue: Share of the squares that have tissue.
        seed: The same numbers, the same file.

    Raises:
        ValueError: If ``n`` is smaller than one square.
    """
    side = round(math.sqrt(n))
    if side < BLOCK:
        raise ValueError(f"a slide has at least {BLOCK * BLOCK} pixels")
    scanner, plan = fine(SCANNERS[0]), _patchwork(-(-side // BLOCK), tissue, seed)
    squares = _squares(seed, scanner)
    with path.open("wb") as stream:
        file = SlideTiff(stream, scanner)
        for number in range(_REPEATED):
            _repeat(file, side // STEP**number, plan, [reduced(one, STEP**number) for one in squares])
        for level in pyramid(_whole(side // STEP**_REPEATED, plan, [reduced(s, STEP**_REPEATED) for s in squares])):
            file.level(level.width, level.height, level.tiles)
        file.finish()
    return Written(path, side, scanner.microns_per_pixel, float((plan > 0).mean()))


def _patchwork(across_px: int, tissue: float, seed: int) -> NDArray[np.intp]:
    """Return (n, n): which square lies where; tissue nearest to the middle."""
    y, x = np.mgrid[0:across_px, 0:across_px] - (across_px - 1) / 2
    nearest = np.argsort((x**2 + y**2).ravel(), kind="stable")[: max(1, round(tissue * across_px**2))]
    plan = np.zeros(across_px**2, dtype=np.intp)
    plan[nearest] = np.random.default_rng(seed).integers(1, _KINDS, len(nearest))
    return plan.reshape(across_px, across_px)


def _squares(seed: int, scanner: Scanner) -> list[Pixels]:
    """Return glass, and squares full of tissue that show less and more."""
    rng = np.random.default_rng(seed)
    glass = np.empty((BLOCK, BLOCK, 3), dtype=np.uint8)
    glass[:] = np.round(scanner.lamp)
    full = [Plan(shown=one, side_px=BLOCK, tissue_share=2.5, tumour_share=0.3) for one in (-1.0, 0.5, 2.0)]
    return [glass, *(make_slide(rng, scanner, one).pixels for one in full)]


def _repeat(file: SlideTiff, side: int, plan: NDArray[np.intp], squares: list[Pixels]) -> None:
    tiles = [encoded_level(one).tiles for one in squares]
    wide = squares[0].shape[1] // TILE

    def repeated() -> Iterator[bytes]:
        for row in range(across(side)):
            for column in range(across(side)):
                kind = plan[row // wide, column // wide]
                yield tiles[kind][(row % wide) * wide + column % wide]

    file.level(side, side, repeated())


def _whole(side: int, plan: NDArray[np.intp], squares: list[Pixels]) -> Pixels:
    rows = [np.concatenate([squares[kind] for kind in row], axis=1) for row in plan]
    return np.concatenate(rows, axis=0)[:side, :side]
