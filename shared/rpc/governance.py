"""Typed clients for administrators: audit, recall, changes of patients, erasure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.domain.audit import AuditRow
from shared.domain.governance import Acceptance, Erasure, ObjectErasure, PatientChange, Recall
from shared.domain.identity import PatientIdentity
from shared.rpc.clients import ServiceClient, new_request_id
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.dicom_listener.v1 import erasure_service_pb2 as listener
from shared.rpc.gen.oncorelay.dicom_listener.v1.erasure_service_pb2_grpc import ErasureServiceStub as ObjectErasureStub
from shared.rpc.gen.oncorelay.lab_consumer.v1 import erasure_service_pb2 as lab
from shared.rpc.gen.oncorelay.lab_consumer.v1.erasure_service_pb2_grpc import ErasureServiceStub
from shared.rpc.gen.oncorelay.results.v1 import governance_service_pb2 as results
from shared.rpc.gen.oncorelay.results.v1.governance_service_pb2_grpc import GovernanceServiceStub
from shared.rpc.gen.oncorelay.types.v1 import types_pb2 as types
from shared.security.tls_files import TlsFiles

PAGE = 2000
"""Rows of the audit per call."""


class GovernanceClient(ServiceClient):
    """What is done about the ledger, see ``proto/oncorelay/results/v1/governance_service.proto``."""

    name = "results"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = GovernanceServiceStub(self.channel)

    def audit(self, *, case_id: str = "", identity: PatientIdentity | None = None) -> Iterator[AuditRow]:
        """Yield the rows of the chain in order, or those of one case or patient."""
        request = results.ListAuditRequest(page_size=PAGE, case_id=case_id)
        if identity is not None:
            request.identity.CopyFrom(to_message(identity, types.PatientIdentity))
        while True:
            rows = self._call(self._stub.ListAudit, request).rows
            yield from (from_message(row, AuditRow) for row in rows)
            if len(rows) < PAGE:
                return
            request.after_number = rows[-1].number

    def recall(self, bundle_id: str, version: str, digest: str, actor: str, reason: str) -> Recall:
        """Recall a bundle; return how far it is."""
        request = results.RecallBundleRequest(
            request_id=new_request_id(), bundle_id=bundle_id, version=version, digest=digest, actor=actor, reason=reason
        )
        return from_message(self._call(self._stub.RecallBundle, request).recall, Recall)

    def recalls(self) -> tuple[Recall, ...]:
        """Return every recall, newest first."""
        found = self._call(self._stub.ListRecalls, results.ListRecallsRequest()).recalls
        return tuple(from_message(one, Recall) for one in found)

    def accept(self, acceptance: Acceptance, reason: str) -> Acceptance:
        """Record the site's acceptance of a bundle; return it as it stands."""
        request = results.AcceptBundleRequest(
            request_id=new_request_id(), bundle_id=acceptance.bundle_id, version=acceptance.version,
            digest=acceptance.digest, report_sha256=acceptance.report_sha256, accepted_by=acceptance.accepted_by,
            actor=acceptance.actor, reason=reason,
        )  # fmt: skip
        return from_message(self._call(self._stub.AcceptBundle, request).acceptance, Acceptance)

    def acceptances(self) -> tuple[Acceptance, ...]:
        """Return every acceptance, newest first."""
        found = self._call(self._stub.ListAcceptances, results.ListAcceptancesRequest()).acceptances
        return tuple(from_message(one, Acceptance) for one in found)

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        """Tell of a merge, an unlink or a correction; return (results taken back, cases asked again)."""
        message = to_message(change, results.PatientChange)
        request = results.ReportPatientChangeRequest(request_id=request_id, change=message)
        answer = self._call(self._stub.ReportPatientChange, request)
        return answer.withdrawn_count, answer.asked_count

    def erase(self, identity: PatientIdentity, actor: str, reason: str, uids: Sequence[str] = ()) -> Erasure:
        """Erase what the ledger holds about a patient; stored objects follow. ``uids``: see the proto file."""
        whom = to_message(identity, types.PatientIdentity)
        request = results.ErasePatientRequest(
            request_id=new_request_id(), identity=whom, actor=actor, reason=reason, uids=uids
        )
        return from_message(self._call(self._stub.ErasePatient, request).erasure, Erasure)

    def erasure(self, erasure_id: str) -> Erasure:
        """Return how far an erasure is."""
        request = results.GetErasureRequest(erasure_id=erasure_id)
        return from_message(self._call(self._stub.GetErasure, request).erasure, Erasure)


class LabErasureClient(ServiceClient):
    """Erasure of facts, see ``proto/oncorelay/lab_consumer/v1/erasure_service.proto``."""

    name = "lab_consumer"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = ErasureServiceStub(self.channel)

    def erase(self, identity: PatientIdentity) -> tuple[int, int, tuple[PatientIdentity, ...]]:
        """Erase a patient; return how many resources and statements that was, and every identity that was hers."""
        whom = to_message(identity, types.PatientIdentity)
        request = lab.ErasePatientRequest(request_id=new_request_id(), identity=whom)
        answer = self._call(self._stub.ErasePatient, request)
        group = tuple(from_message(one, PatientIdentity) for one in answer.identities)
        return answer.resource_count, answer.statement_count, group


class ObjectErasureClient(ServiceClient):
    """Erasure of DICOM objects, see ``proto/oncorelay/dicom_listener/v1/erasure_service.proto``."""

    name = "dicom_listener"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = ObjectErasureStub(self.channel)

    def erase(self, identity: PatientIdentity, reason: str) -> ObjectErasure:
        """Take a patient's objects out of the catalogue; their bytes follow."""
        whom = to_message(identity, types.PatientIdentity)
        request = listener.ErasePatientRequest(request_id=new_request_id(), identity=whom, reason=reason)
        return from_message(self._call(self._stub.ErasePatient, request).erasure, ObjectErasure)

    def erasure(self, erasure_id: str) -> ObjectErasure:
        """Return how far an erasure is."""
        request = listener.GetErasureRequest(erasure_id=erasure_id)
        return from_message(self._call(self._stub.GetErasure, request).erasure, ObjectErasure)
