"""When which fault strikes: by the number of acknowledged instances, so that a seed means the same on any machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.bench.harm.faults import Fault, Scene
from tests.bench.load.told import Told, Turnstile


@dataclass
class Schedule:
    """Injects faults one after the other; ``step`` is called by the thread that owns the system's processes."""

    scene: Scene
    faults: Sequence[tuple[Fault, float]]
    total: int
    """Instances that will be sent."""
    told: Told
    turnstile: Turnstile
    gap_s: float = 0.7
    """Shortest pause between two faults, in seconds: restarts need a moment to be struck in the middle."""
    tell: Callable[[str], None] = lambda _text: None
    injected: Counter[str] = field(default_factory=Counter)
    _active: ExitStack | None = None
    _until: float = 0.0
    _next: int = 0

    def __post_init__(self) -> None:
        self._let_pass()

    @property
    def over(self) -> bool:
        """Tell whether every fault was injected and taken back."""
        return self._next == len(self.faults) and self._active is None

    def step(self) -> None:
        """End the fault whose time is over; begin the next one when enough was acknowledged."""
        now = time.monotonic()
        if self._active is not None:
            if now >= self._until:
                self.heal()
        elif self._next < len(self.faults) and now >= self._until + self.gap_s and self._due():
            fault, seconds = self.faults[self._next]
            self._next += 1
            self._active = ExitStack()
            self._active.enter_context(fault.harm(self.scene))
            self.injected[fault.kind] += 1
            self._until = time.monotonic() + seconds
            self.tell(f"{self.told.count:7} acknowledged  {fault.kind} for {seconds:.1f} s")
            self._let_pass()

    def heal(self) -> None:
        """Take back what is going on."""
        if self._active is not None:
            active, self._active = self._active, None
            active.close()
            self._until = time.monotonic()

    def _due(self) -> bool:
        return self.told.count >= self._threshold(self._next)

    def _threshold(self, index: int) -> int:
        return int(self.total * (index + 0.5) / len(self.faults))

    def _let_pass(self) -> None:
        last = self._next >= len(self.faults)
        self.turnstile.limit = self.total if last else self._threshold(self._next) + 1
