"""Wait until nothing moves any more: every study answered, every answer delivered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from shared.domain.case import CaseDetail, Currency, DeliveryState, InferenceState
from shared.domain.errors import OncoRelayError
from shared.testing.plain_http import HTTP
from tests.bench.load.studies import StudyToSend
from tests.system import System

_QUIET_S = 3.0
"""Nothing may have changed for this long before everything counts as settled, in seconds."""
_PAUSE_S, _QUIET_PAUSE_S = 0.3, 1.0
"""Between two looks: while some are waited for, and while nothing should change."""


@dataclass
class Settled:
    """What was reached."""

    seconds: float
    details: dict[str, list[CaseDetail]]
    """Study Instance UID -> its cases."""
    waiting: list[str] = field(default_factory=list)
    """Studies that were not through at the deadline, and why."""


def settle(system: System, studies: Sequence[StudyToSend], deadline_s: float) -> Settled:
    """Look (restarting what died) until all studies are through and stay so, or the deadline passes."""
    start = time.monotonic()
    found: dict[str, list[CaseDetail]] = {}
    waiting = [study.study_uid for study in studies]
    quiet_since, marks = start, ""
    while time.monotonic() - start < deadline_s:
        system.supervisor.watch_once()
        # The first that is not through keeps all from being so: to ask for the others too would load the ledger.
        while waiting and not _why_not(_look(system, waiting[0], found)):
            waiting.pop(0)
        if not waiting and _ehr_is_drained(system):
            marks, before = _marks(system, studies, found), marks
            if marks != before:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= _QUIET_S:
                break
            waiting = [uid for uid in found if _why_not(found[uid])]
        time.sleep(_PAUSE_S if waiting else _QUIET_PAUSE_S)
    reasons = [f"{uid}: {why}" for uid in waiting if (why := _why_not(_look(system, uid, found)))]
    return Settled(max(0.0, quiet_since - start), found, reasons)


def _marks(system: System, studies: Sequence[StudyToSend], found: dict[str, list[CaseDetail]]) -> str:
    """Return everything that may still change, as text."""
    rows = [
        (d.case.case_id, d.case.state, d.case.revision, tuple((x.delivery_id, x.state) for x in d.deliveries))
        for study in studies
        for d in _look(system, study.study_uid, found)
    ]
    return repr(rows)


def _look(system: System, study_uid: str, found: dict[str, list[CaseDetail]]) -> list[CaseDetail]:
    try:
        found[study_uid] = system.details(study_uid)
    except OncoRelayError:
        found.pop(study_uid, None)
    return found.get(study_uid, [])


def _why_not(details: list[CaseDetail]) -> str:
    """Return why a study is not through; empty where it is."""
    if not details:
        return "no case"
    for detail in details:
        if detail.case.state is not InferenceState.PREDICTED:
            return f"case is {detail.case.state.value}: {detail.case.reason}"
        current = [f.finding_id for f in detail.findings if f.currency is Currency.CURRENT]
        if not current:
            return "no current finding"
        open_ones = [d for d in detail.deliveries if d.finding_id in current and d.state is not DeliveryState.DELIVERED]
        if open_ones:
            return f"delivery to {open_ones[0].sink} is {open_ones[0].state.value}: {open_ones[0].reason}"
    return ""


def _ehr_is_drained(system: System) -> bool:
    """Tell whether the EHR has nothing left to notify us of."""
    try:
        answer = HTTP.get(f"http://127.0.0.1:{system.ehr.port}/_admin/forwarded")
    except httpx.HTTPError:
        return False
    return bool(answer.json()["waiting"] == 0)
