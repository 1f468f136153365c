"""What a network's engine offers, and which one a site has chosen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from shared.domain.errors import PermanentError

if TYPE_CHECKING:
    import numpy as np  # settings name an engine and compute nothing
    from numpy.typing import NDArray

Engine = Literal["onnxruntime", "openvino", "cuda"]
Precision = Literal["float32", "bfloat16", "int8"]

CROP, PROBABILITY, HEAT = "crop", "probability", "heat"
"""Names in the graph: the input, and both outputs."""


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """Which engine runs networks here."""

    engine: Engine = "onnxruntime"
    """``openvino`` needs the extra of that name, ``cuda`` an ONNX Runtime built for it and a GPU."""
    precision: Precision = "float32"
    """What is wished for: a bundle that does not admit it runs in float32, and the result says so."""
    threads: int = 0
    """For one network; 0: as many as the process may use cores."""

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise ValueError(f"threads are counted from 0 (as many as there are cores), got {self.threads}")
        if self.precision == "bfloat16" and self.engine != "openvino":
            raise ValueError(f"{self.engine} computes in float32 only; choose openvino for bfloat16")

    @property
    def cores(self) -> int:
        """Return the number of threads meant."""
        return self.threads or len(os.sched_getaffinity(0))


DEFAULT_RUNTIME = RuntimeChoice()


class RuntimeMissingError(PermanentError):
    """The engine that was chosen is not installed here, or cannot run this graph."""

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(engine, reason)
        self.engine = engine
        self.reason = reason

    def __str__(self) -> str:
        return f"the runtime {self.engine} cannot be used: {self.reason}"


class NetworkRuntime(Protocol):
    """One loaded network."""

    @property
    def name(self) -> str:
        """Engine, version and device, for example ``onnxruntime 1.23.2 CPUExecutionProvider``."""
        ...

    @property
    def precision(self) -> str:
        """The arithmetic it really uses here."""
        ...

    def run(self, crops: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probability and heat of crops.

        Of volumes [n, channels, slices, rows, columns]: probability [n], heat [n, slices, rows, columns]. Of patches
        [n, 3, rows, columns]: probability [n, classes], heat [n, rows, columns].
        """
        ...
