"""Slide files for tests: small pyramids with known pixels, an Aperio look-alike with a label, a vast empty one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

TILE = 128
_APERIO = "Aperio Image Library v11.2.1\n{w}x{h} (128x128)|AppMag = 20|MPP = 0.5|ScanScope ID = SS1234"


def painted(width: int, height: int, seed: int = 1) -> NDArray[np.uint8]:
    """Return (height, width, 3): smooth pink and violet blotches with white glass in the right third."""
    coarse = np.random.default_rng(seed).integers(60, 220, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    rgb = np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    rgb[:, 2 * width // 3 :] = 244
    return rgb


def write_slide(path: Path, rgb: NDArray[np.uint8], *, um: float | None = 0.5, levels: int = 1, **options: Any) -> Path:
    """Write a tiled TIFF, a pyramid of ``levels`` halvings; ``options`` go to tifffile."""
    options = {"tile": (TILE, TILE), "photometric": "rgb", "compression": "adobe_deflate", **options}
    if um is not None:
        options |= {"resolution": (1e4 / um, 1e4 / um), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as file:
        for level in range(levels):
            size = rgb.shape[1] >> level, rgb.shape[0] >> level
            small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
            file.write(small, subfiletype=1 if level else 0, metadata=None, **options)
    return path


def write_aperio(path: Path, rgb: NDArray[np.uint8], label: NDArray[np.uint8]) -> Path:
    """Write what OpenSlide takes for an Aperio slide of 0.5 micrometres at 20x, with a label."""
    height, width = rgb.shape[:2]
    head = _APERIO.format(w=width, h=height)
    with tifffile.TiffWriter(path) as file:
        file.write(rgb, tile=(TILE, TILE), photometric="rgb", compression="jpeg", description=head, metadata=None)
        size = f"{label.shape[1]}x{label.shape[0]}"
        for number, (name, picture) in enumerate((("", rgb[::4, ::4]), (f"label {size}", label))):
            text = f"Aperio Image Library v11.2.1\n{name}"
            file.write(
                np.ascontiguousarray(picture), photometric="rgb", compression="lzw", rowsperstrip=16,
                description=text, subfiletype=number, metadata=None,
            )  # fmt: skip
    return path


def label_saying(text: str) -> NDArray[np.uint8]:
    """Return a label with a Data Matrix code."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix)
    grey = np.asarray(code.to_image(scale=6, add_quiet_zones=True))
    return np.repeat(np.pad(grey, 40, constant_values=255)[:, :, None], 3, axis=2)


def write_blank(path: Path, side: int, *, tile: int = 2048, levels: int = 5) -> Path:
    """Write a white pyramid of ``side`` x ``side``, of one compressed tile repeated."""
    one = _encoded(np.full((tile, tile, 3), 255, np.uint8), path.with_suffix(".one"))
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in range(levels):
            pixels = side >> (2 * level)
            file.write(
                _repeated(one, (-(-pixels // tile)) ** 2), shape=(pixels, pixels, 3), dtype=np.uint8,
                tile=(tile, tile), photometric="rgb", compression="adobe_deflate", metadata=None,
                subfiletype=1 if level else 0, resolution=(4e4, 4e4), resolutionunit="CENTIMETER",
            )  # fmt: skip
    return path


def _repeated(one: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield one


def _encoded(rgb: NDArray[np.uint8], path: Path) -> bytes:
    tifffile.imwrite(path, rgb, tile=rgb.shape[:2], photometric="rgb", compression="adobe_deflate", metadata=None)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        found = path.read_bytes()[page.dataoffsets[0] : page.dataoffsets[0] + page.databytecounts[0]]
    path.unlink()
    return found
