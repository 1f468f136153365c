"""Seconds from the Observation that completes a draw to the RiskAssessment readable in the FHIR server.

The peer is the floor: the same RiskAssessment sent by a bare POST into the same server, until it is readable there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from shared.domain.case import CaseDetail
from shared.testing.ports import wait_until
from tests.bench.labs.options import Measured, Options
from tests.bench.rows import Row
from tests.lung_bundle import lung_bundle_settings
from tests.patients import Someone, a_patient
from tests.system import System, start_system

PEER = "bare POST of the RiskAssessment into the FHIR server"
CASES = 30


def measure(options: Options) -> Measured:
    """Return the 50th and 95th percentile and where the time goes, over patients one by one."""
    bundles = lung_bundle_settings(options.folder)
    with start_system(options.folder, inference=bundles, poll_s=0.05, **bundles) as system:
        _one(system, a_patient())  # warm up: imports, sessions, connections
        ours = [_one(system, a_patient()) for _ in range(CASES * (10 if options.full else 1))]
        floor = [_floor(system) for _ in range(20)]
        return Measured(_rows(ours, floor), _stages(system))


def _rows(ours: list[float], floor: list[float]) -> tuple[Row, ...]:
    shares = {share: (float(np.percentile(ours, share)), float(np.percentile(floor, share))) for share in (50, 95)}
    return tuple(Row(f"obs_to_risk_p{share}_s", mine, peer, PEER, "s") for share, (mine, peer) in shares.items())


def _one(system: System, someone: Someone) -> float:
    ehr = someone.ehr
    completing, *others = ehr.panel(("12", "9", "2.1", "1.2"), f"{datetime.now(UTC).date() - timedelta(days=1)}")
    system.record(ehr.patient(), ehr.condition(), ehr.endocrine_therapy("2026-01-10"), *others)
    wait_until(lambda: len(system.facts(someone.identifier).facts) == len(others) + 1, "the other facts", poll_s=0.05)
    time.sleep(0.3)  # what they have set off is over
    start = time.perf_counter()
    system.post(completing).raise_for_status()
    wait_until(lambda: bool(_readable(system, someone)), "the RiskAssessment", timeout_s=60, poll_s=0.005)
    return time.perf_counter() - start


def _readable(system: System, someone: Someone) -> list[dict[str, Any]]:
    found = system.ehr.search(f"RiskAssessment?subject=Patient/{someone.ehr.patient_id}")
    return [row for row in found if row.get("prediction")]


def _floor(system: System) -> float:
    someone = a_patient()
    row = system.ehr.search("RiskAssessment?_count=1")[0]
    system.ehr.put(someone.ehr.patient())
    bare = {name: value for name, value in row.items() if name not in {"id", "meta", "identifier"}}
    start = time.perf_counter()
    system.ehr.post({**bare, "subject": {"reference": f"Patient/{someone.ehr.patient_id}"}})
    wait_until(lambda: bool(_readable(system, someone)), "the RiskAssessment", poll_s=0.005)
    return time.perf_counter() - start


def _stages(system: System) -> tuple[str, ...]:
    details = [system.results.get_case(case.case_id) for case in system.results.list_cases(page_size=1000)]
    details = [one for one in details if one.panel]
    steps: tuple[tuple[str, Callable[[CaseDetail], float | None]], ...] = (
        ("pinned -> claimed by a worker", lambda d: _between(d, "queued", "running")),
        ("claimed -> answered", lambda d: _between(d, "running", "predicted")),
        ("answered -> taken by deliver", lambda d: _between(d, "predicted", "sending")),
        ("taken -> sent and read back", lambda d: _between(d, "sending", "delivered")),
    )
    return tuple(f"{name}: {_median(details, step) * 1000:.0f} ms" for name, step in steps)


def _between(detail: CaseDetail, first: str, second: str) -> float | None:
    times = {step.to_state: step.time for step in detail.transitions}
    return (times[second] - times[first]).total_seconds() if {first, second} <= times.keys() else None


def _median(details: list[CaseDetail], step: Callable[[CaseDetail], float | None]) -> float:
    return statistics.median([seconds for seconds in map(step, details) if seconds is not None] or [0.0])
