"""``read_pipeline``: patches of 512 pixels a second out of the jail, against bare OpenSlide in two threads.

Ours: children read, compose alpha, shrink to the network's 224 pixels, tell background, and hand over through shared
memory. The peer: ``read_region`` of the same places, as an array of red, green and blue, and nothing else. The slide is
a pyramid of 256-pixel JPEG tiles of tissue, every patch of which is kept: background costs ours less. With ``--full``
also patches of 1,448 pixels, as Eq. 1 cuts a slide of 8e9 pixels; there ours reads a coarser level.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
import psutil
import tifffile

from shared.domain.slides import Cropping
from shared.jail.slides import LIMITS, JailedSlides, SlideSession
from shared.pathology.grid import CropGrid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain.fit import STANDARD
from tests.bench.her2.stained_glass import tiles
from tests.bench.ln_pcr.options import Measured, Options, in_turns
from tests.bench.rows import Row

CONTRACT = PatchContract(128.0, 224, 500.0, 0.5, STANDARD, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 7, "none")
_TILE = 256
_PATCHES = 600


def measure(options: Options) -> Measured:
    """Return one row for each side of a patch; the notes say what either side costs the processor."""
    glass = tiles()
    name = "CMU-1" if "CMU-1" in glass else "painted"
    path = write_slide(options.folder / "slide.tiff", glass[name], 20_480)
    measured = [_row(path, side, options.repeats) for side in ((512, 1448) if options.full else (512,))]
    notes = tuple(f"{row.case}, tiles of {name}: {note}" for row, note in measured)
    return Measured(tuple(row for row, _ in measured), notes)


def _row(path: Path, side: int, repeats: int) -> tuple[Row, str]:
    across = 20_480 // side
    grid = CropGrid(Cropping.MICROMETRES, side, side / 4, across, across)
    wanted = list(range(min(_PATCHES, len(grid))))
    jail = JailedSlides(replace(LIMITS, niceness=0))  # as the peer has it
    with openslide.OpenSlide(str(path)) as bare, ThreadPoolExecutor(2) as threads, jail.open([path]) as session:
        _read(session, grid, wanted[:64])  # both children are up
        sides = _Costs(), _Costs()
        ours, peer = in_turns(
            lambda: sides[0].of(lambda: _read(session, grid, wanted)),
            lambda: sides[1].of(lambda: list(threads.map(lambda place: _bare(bare, grid, place), wanted))),
            repeats,
        )
    jail.close()
    case = "read_pipeline" if side == 512 else f"read_pipeline {side}"
    spent = [1000 * one.least / len(wanted) for one in sides]
    note = f"{spent[0]:.2f} ms of the processor a patch, all processes; bare {spent[1]:.2f} ({spent[1] / spent[0]:.2f})"
    return Row(case, len(wanted) / ours, len(wanted) / peer, "openslide, 2 threads", "tiles/s"), note


class _Costs:
    """Processor time of this process and its children: says what the clock cannot while others use the machine."""

    def __init__(self) -> None:
        self.least = float("inf")

    def of(self, run: Callable[[], object]) -> None:
        before = _processor_s()
        run()
        self.least = min(self.least, _processor_s() - before)


def _processor_s() -> float:
    here = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (here, *here.children()))


def _read(session: SlideSession, grid: CropGrid, wanted: list[int]) -> int:
    return sum(len(one.index) for one in session.patches(grid, wanted, CONTRACT))


def _bare(slide: openslide.OpenSlide, grid: CropGrid, place: int) -> int:
    region = slide.read_region(grid.corner(place), 0, (grid.side_px, grid.side_px))
    return len(np.asarray(region.convert("RGB")))


def write_slide(path: Path, tissue: np.ndarray, side: int) -> Path:
    """Write a square pyramid (levels 4 apart) of the JPEG tiles of ``tissue``, repeated."""
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in range(3):
            shrunk = np.ascontiguousarray(tissue[: _TILE * 2, : _TILE * 2])
            encoded = _encoded(path.with_suffix(".tiles"), shrunk)
            pixels = side >> (2 * level)
            count = (pixels // _TILE) ** 2
            file.write(
                (encoded[number % len(encoded)] for number in range(count)), shape=(pixels, pixels, 3), dtype=np.uint8,
                tile=(_TILE, _TILE), photometric="ycbcr", compression="jpeg", subsampling=(2, 2), metadata=None,
                subfiletype=1 if level else 0, resolution=(4e4, 4e4), resolutionunit="CENTIMETER",
            )  # fmt: skip
    return path


def _encoded(path: Path, rgb: np.ndarray) -> list[bytes]:
    tifffile.imwrite(
        path, rgb, tile=(_TILE, _TILE), photometric="rgb", compression="jpeg", compressionargs={"level": 85},
        subsampling=(2, 2), metadata=None,
    )  # fmt: skip
    with tifffile.TiffFile(path) as file:
        page, raw = file.pages[0], path.read_bytes()
        places = zip(page.dataoffsets, page.databytecounts, strict=True)
        return [raw[offset : offset + count] for offset, count in places]
