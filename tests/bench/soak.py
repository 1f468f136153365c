"""Hours of associations, aborts, probes, peers that do not let go, small studies and facts: does any process grow?

Printed: slope per hour of memory, threads and open files of every service after warm-up, with its 95 % interval, and
whether that is flat, grows, or cannot be told yet.
"""

from __future__ import annotations

import argparse
import logging
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from shared.testing.dicom import knock
from tests.bench.load import dimse
from tests.bench.load.clinging import Clinging
from tests.bench.load.store_scu import StoreScu
from tests.bench.load.studies import StudyToSend
from tests.bench.meter.slopes import LONG_ENOUGH_S, Growth, slope
from tests.bench.meter.vitals import VitalsLog
from tests.bench.rows import Bench, Row
from tests.patients import Someone, a_patient
from tests.system import System, start_system

_HALF_OPEN_S = 2.0
LIMITS = {"rss_mb": 30.0, "threads": 2.0, "files": 5.0}
"""Growth per hour that may be there although nothing leaks: caches, the ledger's own pages."""
_UNITS = {"rss_mb": "MB/h", "threads": "threads/h", "files": "files/h"}


@dataclass
class Traffic:
    """Everything a network does to a door, from several threads, until stopped."""

    system: System
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)
    clinging: Clinging = field(default_factory=Clinging)

    def work(self, number: int) -> None:
        """Do one thing after the other."""
        chance = random.Random(self.seed + number)
        deeds: Sequence[Callable[[], None]] = (
            self.study, self.whole_case, self.echo, self.aborted, self.probe, self.half_open, self.facts, self.rejected,
            self.rejected_and_held, self.idle, self.idle_http, self.slow_second_request,
        )  # fmt: skip
        while not self.stopped.wait(chance.uniform(0.0, 0.3)):
            deed = chance.choice(deeds)
            self.done[deed.__name__] += 1
            with suppress(OSError, httpx.HTTPError):
                deed()

    def study(self) -> None:
        self._send(a_patient())

    def whole_case(self) -> None:
        someone = a_patient()
        for resource in someone.facts():
            self.system.post(resource)
        self._send(someone)

    def _send(self, someone: Someone) -> None:
        with StoreScu(self.system.ports.dicom) as association:
            for instance in StudyToSend(someone, 3, 4000).instances():
                association.store(instance.sop_instance_uid, instance.data_set)
            association.release()

    def echo(self) -> None:
        with StoreScu(self.system.ports.dicom) as association:
            association.exchange(3, dimse.echo_command(1))
            association.release()

    def aborted(self) -> None:
        with StoreScu(self.system.ports.dicom) as association:
            first = next(StudyToSend(a_patient(), 1, 4000).instances())
            parts = list(dimse.p_data(1, dimse.store_command("1.2.3", first.sop_instance_uid, 1), command=True))
            association.send(b"".join(parts))
            association.abort()

    def rejected(self) -> None:
        with StoreScu(self.system.ports.dicom, calling="NOBODY"):
            pass

    def rejected_and_held(self) -> None:
        self.clinging.rejected(self.system.ports.dicom)

    def idle(self) -> None:
        self.clinging.idle(self.system.ports.dicom)

    def idle_http(self) -> None:
        self.clinging.idle(self.system.ports.http)

    def slow_second_request(self) -> None:
        self.clinging.slow_second_request(self.system.ports.http, self.system.token, self.stopped)

    def probe(self) -> None:
        knock(self.system.ports.dicom)

    def half_open(self) -> None:
        with socket.create_connection(("127.0.0.1", self.system.ports.dicom), timeout=5) as wire:
            wire.sendall(b"\x01\x00")
            self.stopped.wait(_HALF_OPEN_S)

    def facts(self) -> None:
        for resource in a_patient().facts():
            self.system.post(resource)


def run(arguments: list[str]) -> Bench:
    """Load the system for some minutes and fit the slopes."""
    parser = argparse.ArgumentParser(prog="./run bench soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return measure(Path(folder), given.minutes * 60, given.seed)


def measure(folder: Path, seconds: float, seed: int, threads: int = 3) -> Bench:
    """Run for ``seconds``; the first fifth (at least 20 s, at most five minutes) is warm-up."""
    with start_system(folder, listener={"acse_timeout_s": 2.0, "quiet_s": 3.0}) as system:
        vitals, traffic = VitalsLog(system, period_s=min(5.0, seconds / 60)), Traffic(system, seed)
        workers = [threading.Thread(target=traffic.work, args=(number,), daemon=True) for number in range(threads)]
        for thread in (*workers, vitals):
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not vitals.died():
            time.sleep(0.2)
        traffic.stopped.set()
        vitals.stopped.set()
        for thread in (*workers, vitals):
            thread.join(20)
        traffic.clinging.let_go()
        return _bench(vitals, traffic, warm_up_s=min(300.0, max(min(20.0, seconds / 2), seconds / 5)))


def _bench(vitals: VitalsLog, traffic: Traffic, warm_up_s: float) -> Bench:
    rows, notes, verdicts = [], [], Counter[Growth]()
    for name, samples in sorted(vitals.samples.items()):
        warm = [row for row in samples if row.seconds >= warm_up_s]
        measured_s = warm[-1].seconds - warm[0].seconds if warm else 0.0
        for attribute, limit in LIMITS.items():
            fitted, unit = slope(warm, attribute), _UNITS[attribute]
            verdict = fitted.verdict(limit, measured_s)
            verdicts[verdict] += 1
            rows.append(Row(f"{name}_{attribute}", fitted.per_hour, limit, "limit", unit))
            now = getattr(warm[-1], attribute) if warm else 0.0
            interval = f"{fitted.surely_above:.1f} to {fitted.at_most:.1f} {unit}"
            notes.append(f"{name} {attribute}: {verdict.value}, {interval} (95 %), at the end {now:.0f}")
    rows += [
        Row(verdict.value, verdicts[verdict], wanted, "expected", "slopes", higher=verdict is Growth.FLAT)
        for verdict, wanted in ((Growth.FLAT, verdicts.total()), (Growth.GROWS, 0), (Growth.UNDECIDED, 0))
    ]
    done = ", ".join(f"{deed} {count}" for deed, count in sorted(traffic.done.items()))
    died = [f"died: {name}" for name in vitals.died()]
    passed = not died and not verdicts[Growth.GROWS]
    return Bench("soak", tuple(rows), (_verdict(verdicts), f"traffic: {done}", *died, *notes), passed=passed)


def _verdict(verdicts: Counter[Growth]) -> str:
    if verdicts[Growth.GROWS]:
        return "verdict: something grows"
    if verdicts[Growth.UNDECIDED]:
        return f"verdict: undecided; {LONG_ENOUGH_S / 60:.0f} minutes behind warm-up decide"
    return "verdict: flat"
