"""A thousand hostile inputs over every door: each ends with a reason or unjudged; nothing dies, nothing is believed.

Accepted wrongly is what counts: a fact, or a prediction, that the unmutated input would not have given.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.dicom_listener.config import Settings as ListenerSettings
from shared.domain.case import Currency
from shared.testing.ports import free_port
from tests.bench.hostility import (
    clinging,
    dicom_mutants,
    fhir_mutants,
    hl7_mutants,
    http_mutants,
    pdu_mutants,
    stow_mutants,
)
from tests.bench.hostility.attack import Attack, Doors, Ending, Maker
from tests.bench.load.store_scu import StoreScu
from tests.bench.load.stow_scu import TOKEN, stow_key
from tests.bench.load.studies import StudyToSend
from tests.bench.meter.vitals import VitalsLog
from tests.bench.rows import Bench, Row
from tests.patients import Someone, a_patient
from tests.system import System, start_system

REAL_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
"""Real inputs beside the repository; without them the phantoms alone are mutated."""
BATCH = 50
MEMORY_LIMIT_MB = 400
"""A service that grows by more than this over the run is not bounded."""
EXPECTED = "expected"
_TIMEOUTS = {"acse_timeout_s": 3.0, "network_timeout_s": 4.0, "quiet_s": 3.0}
_DOOR_TIMEOUTS = {
    "ONCORELAY_LAB_CONSUMER__BODY_TIMEOUT_S": "2",
    "ONCORELAY_LAB_CONSUMER__MLLP_MESSAGE_TIMEOUT_S": "2",
}
_SHARES = (("pdu", 6), ("c-store", 4), ("lies", 4), ("fhir", 8), ("http", 2), ("mllp", 4), ("clinging", 1))
_STOW_SHARES = (("stow", 4), ("parts", 2))


@dataclass
class Findings:
    """What came of it."""

    endings: Counter[Ending] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    """Connections closed without a word, by door and kind of input."""
    silent: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    growth_mb: dict[str, float] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return self.endings.total()

    @property
    def answered(self) -> int:
        """Return how many ended with Success or a coded reason."""
        return self.endings[Ending.TAKEN] + self.endings[Ending.REFUSED]

    @property
    def passed(self) -> bool:
        bounded = max(self.growth_mb.values(), default=0) <= MEMORY_LIMIT_MB
        return not (self.crashed or self.wrong or self.silent) and bounded


def run(arguments: list[str]) -> Bench:
    """Attack, and print what came of it."""
    parser = argparse.ArgumentParser(prog="./run bench hostile")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        found = measure(Path(folder), given.cases, given.seed)
    return Bench("hostile", _rows(found, given.cases), _notes(found), passed=found.passed)


def measure(folder: Path, cases: int, seed: int) -> Findings:
    """Start everything, attack in batches, and look after each whether anything is believed or dead."""
    stow_port = free_port() if has_stow() else 0
    listener = _TIMEOUTS | ({"stow_port": stow_port} if stow_port else {})
    with _environment(), start_system(folder, listener=listener, prepare=stow_key, collect_s=3600.0) as system:
        victim, expected = _victim(system)
        vitals = VitalsLog(system)
        vitals.start()
        found = Findings()
        doors = Doors(system.ports.dicom, system.ports.http, system.token, stow_port, TOKEN, system.ports.mllp)
        for batch in _batches(attacks(victim, cases, seed)):
            for attack in batch:
                _note(found, attack, doors)
            _still_well(found, system, vitals)
        _believed(found, system, victim)
        _predicted(found, system, expected)
        vitals.stopped.set()
        vitals.join(10)
        found.growth_mb = vitals.growth_mb()
        return found


def has_stow() -> bool:
    """Tell whether this listener has a STOW-RS door."""
    return "stow_port" in ListenerSettings.model_fields


def attacks(victim: Someone, cases: int, seed: int) -> list[Attack]:
    """Return the cases of a seed, doors mixed."""
    chance = random.Random(seed)
    makers = _makers(victim)
    shares = _SHARES + (_STOW_SHARES if has_stow() else ())
    order = [name for name, share in shares for _ in range(share)]
    numbers: Counter[str] = Counter()
    made = []
    for index in range(cases):
        name = order[index % len(order)]
        made.append(makers[name](chance, numbers[name]))
        numbers[name] += 1
    chance.shuffle(made)
    return made


def _makers(victim: Someone) -> dict[str, Maker]:
    phantom = dicom_mutants.phantom_seed(StudyToSend(victim, 1, 8000))
    objects, resources = [phantom], victim.facts()
    if REAL_DATA.is_dir():
        real = dicom_mutants.real_seeds(REAL_DATA / "dicom")
        objects = objects * len(real) + real
        resources += fhir_mutants.real_resources(REAL_DATA / "fhir" / "jenny-m")
    damaged, lying = dicom_mutants.damaged(objects), dicom_mutants.lying(phantom)
    return {
        "pdu": pdu_mutants.make,
        "c-store": dicom_mutants.by_c_store(damaged),
        "lies": dicom_mutants.by_c_store(lying),
        "stow": stow_mutants.by_stow(damaged, lying),
        "parts": stow_mutants.parts(phantom),
        "fhir": fhir_mutants.maker(resources),
        "http": http_mutants.make,
        "mllp": hl7_mutants.make,
        "clinging": clinging.make,
    }


def _victim(system: System) -> tuple[Someone, float]:
    """Somebody whose case is answered, and the probability: whatever else is predicted later is wrong."""
    someone = a_patient()
    system.record(*someone.facts())
    system.send(someone.images())
    detail = system.settled(someone.study_uid, "predicted", timeout_s=90)
    (answer,) = (finding.prediction for finding in detail.findings if finding.prediction)
    return someone, answer.probability


def _batches(made: list[Attack]) -> Iterator[list[Attack]]:
    for start in range(0, len(made), BATCH):
        yield made[start : start + BATCH]


def _note(found: Findings, attack: Attack, doors: Doors) -> None:
    answer = attack.strike(doors)
    found.endings[answer.ending] += 1
    found.kinds[f"{attack.door}: {answer.ending.value}"] += 1
    if answer.ending is Ending.CLOSED:
        found.closed[f"{attack.door} {attack.kind}{f' ({answer.code})' if answer.code else ''}"] += 1
    if answer.ending is Ending.SILENT:
        found.silent.append(f"{attack.door} {attack.kind}: {answer.code or 'no answer in time'}")


def _still_well(found: Findings, system: System, vitals: VitalsLog) -> None:
    """The next good input works at once, and every process is the one it was."""
    found.crashed += [f"{name} died" for name in vitals.died()]
    someone = a_patient()
    try:
        with StoreScu(system.ports.dicom) as association:
            good = next(StudyToSend(someone, 1, 4000).instances())
            if (status := association.store(good.sop_instance_uid, good.data_set)) != 0:
                found.crashed.append(f"a good object was answered 0x{status & 0xFFFF:04X}")
            association.release()
    except OSError as error:
        found.crashed.append(f"a good object was not taken: {error}")
    for resource in someone.facts()[:2]:
        if not (answer := system.post(resource)).is_success:
            found.crashed.append(f"a good resource was answered {answer.status_code}")
    if (heard := system.tell(hl7_mutants.GOOD.replace(b"SIM-1", someone.identifier.encode()))) != ["AA"]:
        found.crashed.append(f"a good message was answered {heard}")


def _believed(found: Findings, system: System, victim: Someone) -> None:
    """Ask facts and ledger for what only a mutated input can have said."""
    known = system.facts(victim.identifier)
    honest = {f"{row['resourceType']}/{row['id']}" for row in victim.facts()}
    said = {(fact.name, fact.value, fact.unit) for fact in known.facts if fact.source in honest}
    for fact in known.facts:
        if (fact.name, fact.value, fact.unit) not in said:
            found.wrong.append(f"fact {fact.name} = {fact.value} from {fact.source}")


def _predicted(found: Findings, system: System, expected: float) -> None:
    """Only the victim's facts are complete: every prediction must be hers, and the number must be the first one.

    Images with a damaged Patient ID inside her study open a case of another identity, or a conflict; neither predicts.
    """
    for case in system.results.list_cases(page_size=1000):
        detail = system.results.get_case(case.case_id)
        for finding in detail.findings:
            answer = finding.prediction
            if finding.currency is Currency.CURRENT and answer and answer.probability != expected:
                found.wrong.append(f"prediction {answer.probability} for study {case.study_instance_uid}")


@contextmanager
def _environment() -> Iterator[None]:
    os.environ |= _DOOR_TIMEOUTS
    try:
        yield
    finally:
        for name in _DOOR_TIMEOUTS:
            os.environ.pop(name, None)


def _rows(found: Findings, cases: int) -> tuple[Row, ...]:
    growth = max(found.growth_mb.values(), default=0.0)
    return (
        Row("cases", found.cases, cases, EXPECTED, "inputs", higher=True),
        Row("answered_with_reason", found.answered, found.cases, EXPECTED, "inputs", higher=True),
        Row("closed_unanswered", found.closed.total(), 0, EXPECTED, "inputs"),
        Row("no_answer", len(found.silent), 0, EXPECTED, "inputs"),
        Row("crashed", len(found.crashed), 0, EXPECTED, "services"),
        Row("accepted_wrongly", len(found.wrong), 0, EXPECTED, "facts or predictions"),
        Row("memory_growth", growth, MEMORY_LIMIT_MB, "limit", "MB"),
    )


def _notes(found: Findings) -> tuple[str, ...]:
    growth = ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(found.growth_mb.items()))
    return (
        "how they ended: " + ", ".join(f"{kind} {count}" for kind, count in sorted(found.kinds.items())),
        f"peak memory above the start, MB: {growth}",
        "closed without a word: "
        + (", ".join(f"{kind} {count}" for kind, count in sorted(found.closed.items())) or "none"),
        *(f"no reason: {text}" for text in found.silent[:20]),
        *(f"crashed: {text}" for text in found.crashed[:10]),
        *(f"accepted wrongly: {text}" for text in found.wrong[:10]),
    )
