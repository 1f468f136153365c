"""A training under way on disk after every epoch, and gone on with."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.loop import EpochLoss, Run
from services.model_factory.ports import Progress, States, Steps

AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a training is kept after every epoch."""

    states: States | None
    name: str
    fingerprint: str

    def keep(self, run: Run[Any]) -> None:
        """Keep everything a run would need to go on."""
        if self.states is None:
            return
        stream = io.BytesIO()
        losses = [(one.training, one.validation) for one in run.losses]
        torch.save(
            {
                "fingerprint": self.fingerprint, "losses": losses, "network": run.network.state_dict(),
                "adam": run.adam.state_dict(), "best": run.best,
            },
            stream,
        )  # fmt: skip
        self.states.put(self.name, stream.getvalue())

    def restore(self, run: Run[Any]) -> None:
        """Go on where it was; a state of other inputs, another recipe or seed is not touched until it is replaced."""
        kept = self.states.get(self.name) if self.states else None
        if kept is None:
            return
        state = torch.load(io.BytesIO(kept), weights_only=True, map_location=run.recipe.device)
        if state["fingerprint"] != self.fingerprint:
            return
        run.losses.extend(EpochLoss(*pair) for pair in state["losses"])
        run.best = state["best"]
        run.network.load_state_dict(state["network"])
        run.adam.load_state_dict(state["adam"])


def carried_through(run: Run[Any], kept: Kept, progress: Progress) -> None:
    """Train from wherever it is to its end, and tell every epoch; those an early stop saves are told at once."""
    kept.restore(run)
    with progress.stage(f"{kept.name}: epochs", run.recipe.epochs) as steps:
        _tell(steps, len(run.losses))
        while not run.over:
            run.epoch()
            kept.keep(run)
            steps()
        _tell(steps, run.recipe.epochs - len(run.losses))


def fingerprint(inputs: NDArray[Any], labels: NDArray[Any], patients: Sequence[str], told: Any) -> str:
    """Return a digest (hex) of everything a training depends on; ``told`` is the recipe with the seed."""
    digest = hashlib.sha256(repr((told, inputs.shape, tuple(patients))).encode())
    digest.update(np.ascontiguousarray(labels, dtype=np.int64).tobytes())
    axes = tuple(range(1, inputs.ndim))
    for start in range(0, len(inputs), AT_ONCE):
        digest.update(np.asarray(inputs[start : start + AT_ONCE]).sum(axis=axes, dtype=np.float64).tobytes())
    return digest.hexdigest()


def weights_bytes(weights: Any) -> bytes:
    """Return weights by name as a file of torch."""
    stream = io.BytesIO()
    torch.save(weights, stream)
    return stream.getvalue()


def _tell(steps: Steps, times: int) -> None:
    for _ in range(times):
        steps()
