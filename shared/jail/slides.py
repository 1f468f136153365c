"""Reading whole slides in child processes: whatever their bytes do there, the caller gets pixels or a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.jail.limits import Limits
from shared.pathology.grid import CropGrid
from shared.pathology.stain_fit import StainFit
from shared.pathology.trouble import SlideTrouble
from shared.predictors.slides import PatchContract
from shared.slides.port import SlideDescription

LIMITS = Limits(memory_mb=768, window_mb=96, cpu_s=120, wall_s=180.0, answer_bytes=1 << 22, niceness=5)


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """The whole slide, small."""

    rgb: NDArray[np.uint8]
    """(rows, columns, 3), read-only."""
    um_per_px: float
    """As asked for, or coarser where the slide is so large that it would not fit."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchBatch:
    """Patches read of one grid, in the order they were asked for; arrays are the parent's own."""

    index: NDArray[np.int32]
    """(n,): place in the grid."""
    pixels: NDArray[Any]
    """(n, input_px, input_px, 3) uint8, sRGB at the network's scale; or, where a fit was given, (n, 3, input_px,
    input_px) float32, stain-normalised and scaled: what ``shared.pathology.patches.prepared`` returns."""
    background: NDArray[np.int32]
    """(m,): places of the patches since the last batch that the background rule left out."""


class SlideSession:
    """One slide held open in the children; ``with`` closes it. Not thread-safe."""

    def patches(
        self,
        grid: CropGrid,
        wanted: Sequence[int] | NDArray[np.int32],
        contract: PatchContract,
        *,
        fit: StainFit | None = None,
        batch: int = 8,
    ) -> Iterator[PatchBatch]:
        """Read the patches at these places of the grid, ahead of the caller, and yield them in batches of ``batch``.

        A patch whose variance is below the contract's ``background_variance`` is left out. The last batch may be
        smaller, also empty where only background was left. May be called again on the same session, for example first
        for a sample to fit the stains on, without ``fit``, and then for all with it.

        Raises:
            SlideTroubleError: If the slide cannot be read to the end, or was changed meanwhile.
            TemporaryError: If no child can be started.
        """
        raise NotImplementedError

    def overview(self, um: float, um_per_px: float) -> Overview:
        """As ``JailedSlides.overview``, on the open slide; raises SlideTroubleError instead of returning trouble."""
        raise NotImplementedError

    def close(self) -> None:
        """End the children."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class JailedSlides:
    """Reads slides, each in children of its own; thread-safe; the owner closes it.

    A slide is the list of its files: one for most formats, all instances of a DICOM pyramid, the ``.mrxs`` file and
    those it refers to; the first is opened. A symbolic link is not followed.
    """

    def __init__(self, limits: Limits = LIMITS, *, children: int = 2) -> None:
        """``children``: how many read one slide side by side in a session."""

    def warm(self) -> bool:
        """Start a child now; return whether the kernel filters its system calls.

        Raises:
            TemporaryError: If no child can be started.
        """
        raise NotImplementedError

    def describe(self, paths: Sequence[Path], container: str = "") -> SlideDescription | SlideTrouble:
        """Return what the slide says of itself, not gated yet; see ``shared.slides.resolution.gated``.

        Args:
            paths: All files of the slide, the one to open first.
            container: What the label's barcode should say; compared in the jail where a barcode is found on the label.

        Raises:
            TemporaryError: If no child can be started.
        """
        raise NotImplementedError

    def overview(self, paths: Sequence[Path], um: float, um_per_px: float) -> Overview | SlideTrouble:
        """Return the whole slide at ``um`` micrometres per pixel (area average), read strip by strip.

        Args:
            paths: As for ``describe``.
            um: Micrometres per pixel asked for, for example 8.
            um_per_px: Of level 0, as the gate let it pass.

        Raises:
            TemporaryError: If no child can be started.
        """
        raise NotImplementedError

    def open(self, paths: Sequence[Path]) -> SlideSession:
        """Return a session; trouble with the slide comes out of its first use."""
        raise NotImplementedError

    def close(self) -> None:
        """End all children, also those at work."""
