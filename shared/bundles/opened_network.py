"""What every network of a bundle shares: the engine it is opened on, its arithmetic, and its golden inputs."""

from __future__ import annotations

import io
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.bundles.errors import BundleRefusedError
from shared.bundles.imaging import PrecisionPart
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import NetworkRuntime, Precision, RuntimeChoice, RuntimeMissingError
from shared.bundles.verify import Verified

_CHOOSE = "choose another runtime or precision in the worker's configuration, or have the bundle built for this one"
_REBUILD = "have the bundle built again"


class NetworkStated(Protocol):
    """What a part of ``bundle.json`` says of its network."""

    @property
    def graph(self) -> str:
        """The file of the float32 graph."""
        ...

    @property
    def precisions(self) -> tuple[PrecisionPart, ...]:
        """Cheaper arithmetics that passed the gate."""
        ...


class OpenedNetwork:
    """A bundle's network on the engine chosen here; whoever derives from it runs its golden inputs before serving.

    Raises:
        BundleRefusedError: If the engine is missing or cannot load the graph.
    """

    def __init__(self, bundle: Verified, stated: NetworkStated, choice: RuntimeChoice) -> None:
        precision, graph = _admitted(stated, choice)
        try:
            self._engine: NetworkRuntime = open_network(bundle.files[graph], choice, precision)
        except RuntimeMissingError as error:
            raise refused(bundle, str(error)) from error
        drifts = (one.largest_difference for one in stated.precisions if one.precision == self.precision)
        self._measured_drift = max(drifts, default=0.0)

    @property
    def runtime(self) -> str:
        """Return engine, version and device."""
        return self._engine.name

    @property
    def precision(self) -> str:
        """Return the arithmetic it computes in here."""
        return self._engine.precision

    def _run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probability and heat of a batch."""
        return self._engine.run(np.ascontiguousarray(inputs, dtype=np.float32))

    def _allowed(self, tolerance: float) -> float:
        """Return how far a probability may lie from the one stated: further where the gate measured a larger drift."""
        return max(tolerance, self._measured_drift)


def golden_input(bundle: Verified, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a golden input of the bundle: float32, of ``shape``.

    Raises:
        BundleRefusedError: If the file is none.
    """
    try:
        array: NDArray[np.float32] = np.load(io.BytesIO(bundle.files[name]), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleRefusedError(bundle.manifest.id, f"{name} is no NumPy file", _REBUILD) from error
    if array.shape != shape or array.dtype != np.float32:
        raise BundleRefusedError(bundle.manifest.id, f"{name} is no input its network takes", _REBUILD)
    return array


def refused(bundle: Verified, reason: str) -> BundleRefusedError:
    """Return the refusal of a bundle whose network cannot be served on the engine chosen."""
    return BundleRefusedError(bundle.manifest.id, reason, _CHOOSE)


def _admitted(stated: NetworkStated, choice: RuntimeChoice) -> tuple[Precision, str]:
    """Return the precision to compute in and the graph's file: what is wished for, where the bundle admits it."""
    for one in stated.precisions:
        if one.precision == choice.precision:
            return one.precision, one.graph
    return "float32", stated.graph
