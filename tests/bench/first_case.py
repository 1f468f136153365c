"""Seconds from the last C-STORE answer of a study to its SR readable in Orthanc, without the completeness wait.

The peer is the floor: the same SR sent by a bare C-STORE into the same Orthanc, until it is readable there.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from services.cli.demo.site import PACS_TITLE
from shared.domain.case import CaseDetail
from shared.testing.ports import wait_until
from shared.testing.store import store
from tests.bench.rows import Bench, Row
from tests.patients import Someone, a_patient
from tests.system import System, start_system

PEER = "bare C-STORE of the SR into Orthanc"


def run(arguments: list[str]) -> Bench:
    """Measure studies one after the other, then ten at once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=10)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        start_system(Path(folder), listener={"settle_s": 0.0}, poll_s=0.05) as system,
    ):
        _one(system, a_patient())  # warm up: imports, sessions, connections
        alone = [_one(system, a_patient()) for _ in range(options.studies)]
        stages = _stages(system)
        together = _at_once(system, options.at_once, options.studies)
        floor = [_floor(system) for _ in range(20)]
    rows = (*_rows("one_at_a_time", alone, floor), *_rows(f"{options.at_once}_at_once", together, floor))
    return Bench("first_case", rows, stages)


def _one(system: System, someone: Someone) -> float:
    system.record(*someone.facts())
    images = someone.images()
    _facts_are_there(system)
    system.send(images)
    start = time.perf_counter()
    wait_until(lambda: _readable(system, someone), "the SR", timeout_s=60, poll_s=0.01)
    return time.perf_counter() - start


def _at_once(system: System, width: int, total: int) -> list[float]:
    """Send ``width`` studies over as many associations at the same time, until ``total`` are through."""
    seconds: list[float] = []
    for _ in range(0, total, width):
        people = [a_patient() for _ in range(width)]
        for someone in people:
            system.record(*someone.facts())
        _facts_are_there(system)
        threads = [threading.Thread(target=_timed, args=(system, someone, seconds)) for someone in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return seconds


def _timed(system: System, someone: Someone, seconds: list[float]) -> None:
    system.send(someone.images())
    start = time.perf_counter()
    wait_until(lambda: _readable(system, someone), "the SR", timeout_s=120, poll_s=0.02)
    seconds.append(time.perf_counter() - start)


def _facts_are_there(system: System) -> None:
    """The clock starts with images; facts were recorded before, as they are in a hospital."""
    count = len(system.ehr.forwarded())
    time.sleep(0.05)
    while len(system.ehr.forwarded()) != count:
        count = len(system.ehr.forwarded())
        time.sleep(0.05)


def _readable(system: System, someone: Someone) -> bool:
    return bool(system.pacs.find("Instance", Modality="SR", PatientID=someone.identifier))


def _floor(system: System) -> float:
    report = dcmread(BytesIO(system.pacs.dicom(system.pacs.find("Instance", Modality="SR")[0])))
    someone = a_patient()
    report.PatientID = someone.identifier
    report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = UID(someone.study_uid)
    sent: tuple[Dataset, ...] = (report,)
    start = time.perf_counter()
    store(sent, system.pacs.dicom_port, PACS_TITLE, "MODALITY")
    wait_until(lambda: _readable(system, someone), "the SR", poll_s=0.01)
    return time.perf_counter() - start


def _rows(name: str, ours: list[float], floor: list[float]) -> tuple[Row, Row]:
    rows = [
        Row(f"{name}_p{share}", float(np.percentile(ours, share)), float(np.percentile(floor, share)), PEER, "s")
        for share in (50, 95)
    ]
    return rows[0], rows[1]


def _stages(system: System) -> tuple[str, ...]:
    """Where the time goes: medians between the recorded steps of every case."""
    details = [system.results.get_case(case.case_id) for case in system.results.list_cases(page_size=1000)]
    steps: tuple[tuple[str, Callable[[CaseDetail], float | None]], ...] = (
        ("case opened -> inputs pinned", lambda d: _between(d, "collecting", "queued")),
        ("pinned -> claimed by a worker", lambda d: _between(d, "queued", "running")),
        ("claimed -> answered", lambda d: _between(d, "running", "predicted")),
        ("answered -> taken by deliver", lambda d: _between(d, "predicted", "sending")),
        ("taken -> sent and read back", lambda d: _between(d, "sending", "delivered")),
    )
    return tuple(f"{name}: {_median(details, step) * 1000:.0f} ms" for name, step in steps)


def _between(detail: CaseDetail, first: str, second: str) -> float | None:
    mine = [s for s in detail.transitions if s.machine == "inference" or s.subject.startswith("pacs")]
    times = {step.to_state: step.time for step in mine}
    return (times[second] - times[first]).total_seconds() if {first, second} <= times.keys() else None


def _median(details: list[CaseDetail], step: Callable[[CaseDetail], float | None]) -> float:
    return statistics.median([seconds for seconds in map(step, details) if seconds is not None] or [0.0])
