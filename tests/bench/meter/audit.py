"""Compare what senders were told with what ledger, listener, PACS and EHR hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pydicom import dcmread
from pydicom.dataset import Dataset

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from shared.domain.case import Currency, DeliveryState
from tests.bench.load.studies import StudyToSend
from tests.bench.load.told import Told
from tests.bench.meter.settle import Settled
from tests.system import System

FACT_TYPES = ("Observation", "Condition")


@dataclass
class Verdict:
    """Every promise that was broken, in words."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    checked: int = 0
    """Acknowledged instances that were read back."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.stuck)

    def notes(self, most: int = 10) -> tuple[str, ...]:
        """Return the first sentences of each kind."""
        kinds = {"lost": self.lost, "doubled": self.doubled, "stuck": self.stuck}
        return tuple(f"{kind}: {text}" for kind, texts in kinds.items() for text in texts[:most])


def audit_running(system: System, studies: Sequence[StudyToSend], told: Told, settled: Settled) -> Verdict:
    """Compare what can be asked while everything runs: ledger, PACS, EHR, facts."""
    verdict = Verdict(stuck=list(settled.waiting))
    reports = _reports(system)
    for study in studies:
        _ledger(verdict, study, settled)
        _pacs(verdict, study, told, settled, reports.get(study.study_uid, []))
        _ehr(verdict, study, system, settled)
    _facts(verdict, system, studies)
    return verdict


def audit_stored(verdict: Verdict, folder: Path, studies: Sequence[StudyToSend], told: Told) -> Verdict:
    """Read back every acknowledged instance from the listener's store; its process must have ended."""
    catalogue = open_catalogue(folder)
    try:
        for study in studies:
            _stored(verdict, catalogue, study, told)
        verdict.stuck += [f"study {uid} was never judged" for uid in catalogue.unfinished_studies()]
        due = [row.study_instance_uid for row in catalogue.due_submissions()]
        verdict.stuck += [f"study {uid} was judged and never handed to results" for uid in due]
    finally:
        catalogue.close()
    return verdict


def _ledger(verdict: Verdict, study: StudyToSend, settled: Settled) -> None:
    details = settled.details.get(study.study_uid, [])
    current = [f for detail in details for f in detail.findings if f.currency is Currency.CURRENT]
    if len(current) > 1:
        verdict.doubled.append(f"study {study.study_uid}: {len(current)} current results in the ledger")


def _delivered(study: StudyToSend, settled: Settled, sink: str) -> bool:
    """Tell whether the ledger says that the current result is at the sink."""
    for detail in settled.details.get(study.study_uid, []):
        current = {f.finding_id for f in detail.findings if f.currency is Currency.CURRENT}
        for row in detail.deliveries:
            if row.finding_id in current and row.sink == sink and row.state is DeliveryState.DELIVERED:
                return True
    return False


def _pacs(verdict: Verdict, study: StudyToSend, told: Told, settled: Settled, reports: list[Dataset]) -> None:
    replaced = {uid for report in reports for uid in _predecessors(report)}
    current = [report for report in reports if report.SOPInstanceUID not in replaced]
    verdict.doubled += [f"study {study.study_uid}: one more current SR in the PACS"] * max(0, len(current) - 1)
    if not _delivered(study, settled, "pacs"):
        return
    if not current:
        verdict.lost.append(f"study {study.study_uid}: delivered by the ledger, no current SR in the PACS")
        return
    missing = set(told.of(study.study_uid)) - set().union(*map(_evidence, current))
    verdict.stuck += [f"instance {uid}: acknowledged, and not in its study's current SR" for uid in sorted(missing)]


def _ehr(verdict: Verdict, study: StudyToSend, system: System, settled: Settled) -> None:
    found = system.ehr.search(f"RiskAssessment?subject=Patient/{study.someone.ehr.patient_id}&_count=100")
    current = [row for row in found if row["status"] != "entered-in-error"]
    verdict.doubled += [f"study {study.study_uid}: one more current RiskAssessment in the EHR"] * (len(current) - 1)
    if not current and _delivered(study, settled, "ehr"):
        verdict.lost.append(f"study {study.study_uid}: delivered by the ledger, no current RiskAssessment in the EHR")


def _facts(verdict: Verdict, system: System, studies: Sequence[StudyToSend]) -> None:
    """Everything the EHR was answered 2xx to must be known."""
    taken = {row["path"] for row in system.ehr.forwarded() if 200 <= row["status"] < 300}
    for study in studies:
        known = system.facts(study.someone.identifier)
        have = {fact.source for fact in known.facts} | {tumour.condition for tumour in known.tumours}
        mine = {f"{row['resourceType']}/{row['id']}" for row in study.someone.facts()}
        mine = {path for path in mine & taken if path.startswith(FACT_TYPES)}
        verdict.lost += [f"fact {path}: acknowledged, and not known" for path in sorted(mine - have)]


def _reports(system: System) -> dict[str, list[Dataset]]:
    """Return every SR in the PACS by Study Instance UID."""
    reports: dict[str, list[Dataset]] = {}
    for identifier in system.pacs.find("Instance", Modality="SR"):
        report = dcmread(BytesIO(system.pacs.dicom(identifier)))
        reports.setdefault(str(report.StudyInstanceUID), []).append(report)
    return reports


def _predecessors(report: Dataset) -> set[str]:
    """Return the SOP Instance UIDs in Predecessor Documents Sequence (PS3.3 C.17.2)."""
    return _references(report.get("PredecessorDocumentsSequence") or [])


def _evidence(report: Dataset) -> set[str]:
    """Return the SOP Instance UIDs in Current Requested Procedure Evidence Sequence (PS3.3 C.17.2)."""
    return _references(report.get("CurrentRequestedProcedureEvidenceSequence") or [])


def _references(studies: Sequence[Dataset]) -> set[str]:
    return {
        str(row.ReferencedSOPInstanceUID)
        for study in studies
        for series in study.ReferencedSeriesSequence
        for row in series.ReferencedSOPSequence
    }


def _stored(verdict: Verdict, catalogue: JournaledCatalogue, study: StudyToSend, told: Told) -> None:
    held = {row.sop_instance_uid: row.blob_uri for row in catalogue.instances(study.study_uid)}
    for uid, digest in told.of(study.study_uid).items():
        verdict.checked += 1
        if uid not in held:
            verdict.lost.append(f"instance {uid}: acknowledged, and not in the catalogue")
        elif hashlib.sha256(_data_set(held[uid])).digest() != digest:
            verdict.lost.append(f"instance {uid}: acknowledged, and other bytes are stored")


def _data_set(uri: str) -> bytes:
    """Return the encoded data set at a blob URI (a file, or a range of one); empty where there is none."""
    parts = urlsplit(uri)
    wanted = parse_qs(parts.query)
    offset, length = int(wanted.get("offset", ["0"])[0]), int(wanted.get("length", ["-1"])[0])
    try:
        with Path(unquote(parts.path)).open("rb") as stream:
            stream.seek(offset)
            content = stream.read(length)
    except OSError:
        return b""
    # PS3.10 7.1: preamble, DICM, then the group length (0002,0000) of the file meta information.
    return content[144 + int.from_bytes(content[140:144], "little") :]
