"""``python -m tests.faults.troubled_worker FOLDER``: the real worker, whose predictor has trouble with some patients.

``FOLDER/kill`` and ``FOLDER/hang`` hold identifiers, one per line: answering the first kills the process that does it,
every time; answering the second stops it in its tracks, once (its process id is then in ``FOLDER/hung``).
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from services.inference import __main__ as worker
from services.inference.app import worker as app
from shared.observability.process import service_main
from shared.predictors import REGISTRY


@dataclass(frozen=True)
class Troubled:
    """A predictor with bad days."""

    inner: Any
    folder: Path

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def answer(self, pins: Any, model: Any) -> Any:
        self._suffer(pins)
        return self.inner.answer(pins, model)

    def answer_images(self, pins: Any, *measured: Any) -> Any:
        self._suffer(pins)
        return self.inner.answer_images(pins, *measured)

    def _suffer(self, pins: Any) -> None:
        identifier = pins.identity.identifier
        if identifier in self._named("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        hung = self.folder / "hung"
        if identifier in self._named("hang") and not hung.exists():
            hung.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)

    def _named(self, name: str) -> set[str]:
        file = self.folder / name
        return set(file.read_text().split()) if file.exists() else set()


if __name__ == "__main__":
    bad = Path(sys.argv[1])
    troubled = MappingProxyType({name: Troubled(one, bad) for name, one in REGISTRY.items()})
    setattr(app, "REGISTRY", troubled)  # noqa: B010 - a name the module imports, not one it exports
    service_main("inference", worker.main)
