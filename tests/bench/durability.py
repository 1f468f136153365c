"""Is anything lost, doubled or stuck when everything is killed, cut, filled and emptied under live traffic?

The whole system runs as real processes on a small file system of its own. What senders were told is held against what
ledger, listener, PACS and EHR hold in the end; ``tests/bench/README.md`` says what counts as lost, doubled and stuck.
"""

from __future__ import annotations

import argparse
import logging
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.testing.small_disk import SmallDisk, small_disk
from shared.testing.tcp_proxy import TcpProxy, start_proxy
from tests.bench.harm.faults import WATERMARK_MB, Scene, chosen
from tests.bench.harm.schedule import Schedule
from tests.bench.load.early_door import start_early_door
from tests.bench.load.senders import Traffic, traffic
from tests.bench.load.studies import StudyToSend
from tests.bench.meter.audit import Verdict, audit_running, audit_stored
from tests.bench.meter.settle import Settled, settle
from tests.bench.rows import Bench, Row
from tests.patients import a_patient
from tests.system import System, start_system

EXPECTED = "expected"
EARLY_S = 0.3
"""How long a door that acknowledges first holds an object before it stores it, in seconds."""
_SETTINGS: dict[str, Any] = {"attempt_lease_s": 3.0, "redispatch_s": 5.0, "collect_s": 6 * 3600.0}


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    instances: int = 1500
    seed: int = 1
    per_study: int = 10
    size_bytes: int = 16_000
    faults: int = 24
    deadline_s: float = 240.0
    """Longest wait for everything to settle."""
    send_limit_s: float = 3600.0
    hold_s: float = 0.0
    """Above 0: put a door in front that acknowledges this much before it stores; the meter must report losses."""
    kinds: tuple[str, ...] = ()
    """Kinds of faults; none named: all."""
    modalities: int = 4

    @property
    def disk_mb(self) -> int:
        """Room for everything twice, and some for ledger and logs."""
        return 2 * self.instances * (self.size_bytes + 4096) // 1_000_000 + 1024 + 2 * WATERMARK_MB


@dataclass(frozen=True)
class Outcome:
    """What a run found."""

    acknowledged: int
    verdict: Verdict
    injected: Counter[str]
    refusals: Counter[str]
    settled: Settled
    sending_s: float
    disk: str


def run(arguments: list[str]) -> Bench:
    """Run once and print what was found."""
    plan = _plan(arguments)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="durability-") as folder:
        outcome = measure(Path(folder), plan)
    return Bench("durability", _rows(plan, outcome), _notes(plan, outcome), passed=_passed(plan, outcome))


def measure(folder: Path, plan: Plan) -> Outcome:
    """Start everything, send under faults, settle, stop, compare."""
    studies = _studies(plan)
    with small_disk(folder / "site", plan.disk_mb) as disk:
        start = time.monotonic()
        with _system(folder, disk) as (system, proxies), _door(proxies, plan.hold_s) as port:
            with traffic(system, port, studies, plan.seed, plan.modalities) as senders:
                schedule = _strike(system, disk, proxies, senders, plan)
                told = senders.told
                sending_s = time.monotonic() - start
                settled = settle(system, studies, plan.deadline_s)
            verdict = audit_running(system, studies, told, settled)
        audit_stored(verdict, disk.folder / "dicom", studies, told)
        if told.count < plan.instances:
            verdict.stuck.append(f"{plan.instances - told.count} instances were never acknowledged")
        return Outcome(told.count, verdict, schedule.injected, told.refusals, settled, sending_s, disk.kind)


@contextmanager
def _system(folder: Path, disk: SmallDisk) -> Iterator[tuple[System, dict[str, TcpProxy]]]:
    """The system with a proxy before its door, its ledger and both sinks."""
    with ExitStack() as stack:
        proxies: dict[str, TcpProxy] = {}

        def wire(name: str, port: int) -> int:
            proxies[name] = stack.enter_context(start_proxy(port))
            return proxies[name].port

        listener = {"min_free_mb": WATERMARK_MB if disk.own else _watermark(disk), "quiet_s": 4.0}
        system = stack.enter_context(start_system(folder, listener=listener, wire=wire, **_SETTINGS))
        wire("door", system.ports.dicom)
        yield system, proxies


def _watermark(disk: SmallDisk) -> int:
    """On a shared file system: a watermark that a small ballast can reach."""
    return max(WATERMARK_MB, disk.free_bytes() // (1 << 20) - 512)


@contextmanager
def _door(proxies: Mapping[str, TcpProxy], hold_s: float) -> Iterator[int]:
    if not hold_s:
        yield proxies["door"].port
        return
    with start_early_door(proxies["door"].port, hold_s) as door:
        yield door.port


def _strike(system: System, disk: SmallDisk, proxies: dict[str, TcpProxy], senders: Traffic, plan: Plan) -> Schedule:
    """Inject every fault while the senders send; return when everything is sent and nothing is broken any more."""
    scene = Scene(system, disk, proxies, random.Random(plan.seed))
    faults = chosen(plan.seed, plan.faults, disk=disk, kinds=plan.kinds)
    schedule = Schedule(scene, faults, plan.instances, senders.told, senders.turnstile, tell=_progress)
    end = time.monotonic() + plan.send_limit_s
    try:
        while not (senders.finished and schedule.over) and time.monotonic() < end:
            schedule.step()
            system.supervisor.watch_once()
            time.sleep(0.02)
    finally:
        schedule.heal()
    return schedule


def _progress(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def _studies(plan: Plan) -> list[StudyToSend]:
    whole, rest = divmod(plan.instances, plan.per_study)
    counts = [plan.per_study] * whole + ([rest] if rest else [])
    return [StudyToSend(a_patient(), count, plan.size_bytes) for count in counts]


def _passed(plan: Plan, outcome: Outcome) -> bool:
    return outcome.verdict.clean and outcome.acknowledged == plan.instances


def _rows(plan: Plan, outcome: Outcome) -> tuple[Row, ...]:
    verdict = outcome.verdict
    return (
        Row("acknowledged", outcome.acknowledged, plan.instances, EXPECTED, "instances", higher=True),
        Row("lost", len(verdict.lost), 0, EXPECTED, "promises"),
        Row("doubled", len(verdict.doubled), 0, EXPECTED, "results"),
        Row("stuck", len(verdict.stuck), 0, EXPECTED, "things"),
        Row("faults", outcome.injected.total(), plan.faults, EXPECTED, "faults", higher=True),
        Row("settle", outcome.settled.seconds, plan.deadline_s, "deadline", "s"),
        *(Row(f"faults_{kind}", count, count, EXPECTED, "faults") for kind, count in sorted(outcome.injected.items())),
    )


def _notes(plan: Plan, outcome: Outcome) -> tuple[str, ...]:
    refused = ", ".join(f"{kind} {count}" for kind, count in outcome.refusals.most_common())
    where = f"a file system of its own ({outcome.disk})"
    if outcome.disk == "shared":
        where = "the machine's file system (not root): it was not filled, the watermark was moved instead"
    what = f"{plan.instances} instances of {plan.size_bytes} bytes in studies of {plan.per_study}, seed {plan.seed}"
    times = f"{outcome.sending_s:.0f} s of sending under faults, {outcome.settled.seconds:.0f} s to settle"
    return (
        f"{what}; {times}",
        f"the site lay on {where}",
        f"read back from the listener's store: {outcome.verdict.checked}",
        f"senders were refused or cut: {refused or 'never'}",
        *outcome.verdict.notes(),
    )


def _plan(arguments: list[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="./run bench durability")
    parser.add_argument("--instances", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-study", type=int, default=10)
    parser.add_argument("--size", type=_bytes, default=16_000, help="of one object: 16kB, 64kB ...")
    parser.add_argument("--faults", type=int, default=0, help="default: one for 60 instances, from 8 to 120")
    parser.add_argument("--modalities", type=int, default=4, help="senders at once")
    parser.add_argument("--deadline", type=float, default=0.0, help="seconds to settle")
    parser.add_argument(
        "--acknowledge-before-storing", action="store_true", help="proof that the meter can fail: must report losses"
    )
    parser.add_argument("--kinds", nargs="*", default=(), help="of faults, for example kill_dicom_listener")
    given = parser.parse_args(arguments)
    return Plan(
        given.instances, given.seed, given.per_study, given.size,
        faults=given.faults or min(120, max(8, given.instances // 60)),
        deadline_s=given.deadline or 180 + given.instances / 100,
        hold_s=EARLY_S if given.acknowledge_before_storing else 0.0, kinds=tuple(given.kinds),
        modalities=given.modalities,
    )  # fmt: skip


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*(|k|kB|KiB|M|MB)", text)
    if not found:
        raise argparse.ArgumentTypeError("a size is a number with kB or MB, for example 64kB")
    return int(found[1]) * {"": 1, "k": 1000, "kB": 1000, "KiB": 1024, "M": 10**6, "MB": 10**6}[found[2]]
