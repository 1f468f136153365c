"""Memory, threads and open files of every process of a system, and whether they are still the same processes."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from tests.system import System


@dataclass(frozen=True, slots=True)
class Vitals:
    """One service (its main process and its children together) at one moment."""

    seconds: float
    rss_mb: float
    threads: int
    files: int


@dataclass
class VitalsLog(threading.Thread):
    """Samples every service until ``stopped``."""

    system: System
    period_s: float = 0.5
    samples: dict[str, list[Vitals]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._start = time.monotonic()
        self._first = process_ids(self.system)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.stopped.wait(self.period_s):
            self.sample()

    def sample(self) -> None:
        """Look once."""
        for name, number in self._first.items():
            with suppress(psutil.NoSuchProcess):
                self.samples.setdefault(name, []).append(self._vitals(psutil.Process(number)))

    def growth_mb(self, warm_up: int = 3) -> dict[str, float]:
        """Return, for each service, the peak above its median after warm-up samples, in MB."""
        return {
            name: max(row.rss_mb for row in rows) - rows[min(warm_up, len(rows) - 1)].rss_mb
            for name, rows in self.samples.items()
        }

    def died(self) -> list[str]:
        """Return the services that are not the processes any more that they were."""
        now = process_ids(self.system)
        return sorted(name for name, number in self._first.items() if now.get(name) != number)

    def _vitals(self, process: psutil.Process) -> Vitals:
        family = [process, *process.children(recursive=True)]
        rss = threads = files = 0
        for one in family:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                rss += one.memory_info().rss
                threads += one.num_threads()
                files += one.num_fds()
        return Vitals(time.monotonic() - self._start, rss / 1e6, threads, files)


def process_ids(system: System) -> dict[str, int]:
    """Return the process id of every service that runs."""
    children = system.supervisor.children
    return {name: child.process.pid for name, child in children.items() if child.process.poll() is None}
