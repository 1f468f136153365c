"""Patches made ready for the network while it judges those before them: neither waits for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.inference.ports import ReadPatches
from shared.pathology.patch_contract import PatchContract
from shared.pathology.patches import scaled
from shared.pathology.quality.blur import is_blurred
from shared.pathology.stain.transform import normalised
from shared.pathology.stain_fit import StainFit

_Read = TypeVar("_Read")
_Ready = TypeVar("_Ready")


@dataclass(frozen=True, slots=True, eq=False)
class ReadyPatches:
    """What the network takes of one batch, and what was seen on its pixels."""

    crops: NDArray[np.float32]
    """(n, 3, input_px, input_px)."""
    blurred: tuple[bool, ...]


def made_ready(batch: ReadPatches, fit: StainFit, contract: PatchContract, *, sharp: bool) -> ReadyPatches | None:
    """Return the batch in the reference's stains and scaled; None where only background was left of it.

    ``sharp``: whether blur can be told from the pixels as they are.
    """
    if not len(batch.index):
        return None
    crops = np.stack([scaled(normalised(one, fit, contract.stain), contract) for one in batch.pixels])
    return ReadyPatches(crops, tuple(sharp and is_blurred(one, contract.input_px) for one in batch.pixels))


def ahead(batches: Iterable[_Read], ready: Callable[[_Read], _Ready]) -> Iterator[tuple[_Read, _Ready]]:
    """Yield each batch with what ``ready`` makes of it, in order; the next one is made meanwhile, in a thread."""
    with ThreadPoolExecutor(1, "patches") as thread:
        before: tuple[_Read, Future[_Ready]] | None = None
        for batch in batches:
            now = batch, thread.submit(ready, batch)
            if before is not None:
                yield before[0], before[1].result()
            before = now
        if before is not None:
            yield before[0], before[1].result()
