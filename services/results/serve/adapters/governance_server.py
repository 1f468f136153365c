"""GovernanceService over the ledger: translate, call, translate back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import grpc

from services.results.ledger.ledger import Ledger
from services.results.serve.adapters.asking import step_of, viewer_of
from shared.domain.errors import InvalidInputError
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.results.v1 import governance_service_pb2 as pb
from shared.rpc.gen.oncorelay.results.v1.governance_service_pb2_grpc import (
    GovernanceServiceServicer,
    add_GovernanceServiceServicer_to_server,
)

Context = grpc.ServicerContext


@dataclass
class GovernanceServicer(GovernanceServiceServicer):
    """The ledger's door for administrators, and for changes of patients."""

    ledger: Ledger
    now: Callable[[], datetime]

    def ListAudit(self, request: pb.ListAuditRequest, context: Context) -> pb.ListAuditResponse:
        """Read the chain."""
        identity = from_message(request.identity, PatientIdentity) if request.HasField("identity") else None
        rows = self.ledger.trail.rows(request.after_number, request.page_size, request.case_id, identity)
        if viewer := viewer_of(context):
            self.ledger.trail.viewed("view.audit", viewer, self.now(), (request.case_id,))
        return pb.ListAuditResponse(rows=[to_message(row, pb.AuditRow) for row in rows])

    def RecallBundle(self, request: pb.RecallBundleRequest, context: Context) -> pb.RecallBundleResponse:
        """Recall a model."""
        if not request.bundle_id:
            raise InvalidInputError("bundle_id", "which model is recalled?")
        step = step_of(request, context, self.now())
        made = self.ledger.recalls.recall(request.request_id, request.bundle_id, request.version, request.digest, step)
        return pb.RecallBundleResponse(recall=to_message(made, pb.Recall))

    def ListRecalls(self, request: pb.ListRecallsRequest, context: Context) -> pb.ListRecallsResponse:
        """Say how far recalls are."""
        return pb.ListRecallsResponse(recalls=[to_message(one, pb.Recall) for one in self.ledger.recalls.all()])

    def AcceptBundle(self, request: pb.AcceptBundleRequest, context: Context) -> pb.AcceptBundleResponse:
        """Record the site's acceptance of a bundle."""
        step = step_of(request, context, self.now())
        bundle = (request.bundle_id, request.version, request.digest)
        made = self.ledger.acceptances.accept(
            request.request_id, bundle, request.report_sha256, request.accepted_by, step
        )
        return pb.AcceptBundleResponse(acceptance=to_message(made, pb.Acceptance))

    def ListAcceptances(self, request: pb.ListAcceptancesRequest, context: Context) -> pb.ListAcceptancesResponse:
        """Say which bundles the site has accepted."""
        found = self.ledger.acceptances.all()
        return pb.ListAcceptancesResponse(acceptances=[to_message(one, pb.Acceptance) for one in found])

    def ReportPatientChange(
        self, request: pb.ReportPatientChangeRequest, context: Context
    ) -> pb.ReportPatientChangeResponse:
        """Act on a merge, an unlink or a correction."""
        change = from_message(request.change, PatientChange)
        withdrawn, asked = self.ledger.patients.change(request.request_id, change, self.now())
        return pb.ReportPatientChangeResponse(withdrawn_count=withdrawn, asked_count=asked)

    def ErasePatient(self, request: pb.ErasePatientRequest, context: Context) -> pb.ErasePatientResponse:
        """Erase a patient."""
        identity = from_message(request.identity, PatientIdentity)
        step = step_of(request, context, self.now())
        made = self.ledger.erasures.erase(request.request_id, identity, step, frozenset(request.uids))
        return pb.ErasePatientResponse(erasure=to_message(made, pb.Erasure))

    def GetErasure(self, request: pb.GetErasureRequest, context: Context) -> pb.GetErasureResponse:
        """Say how far an erasure is."""
        return pb.GetErasureResponse(erasure=to_message(self.ledger.erasures.one(request.erasure_id), pb.Erasure))


def register(server: grpc.Server, ledger: Ledger, now: Callable[[], datetime]) -> None:
    """Put the service on a gRPC server."""
    add_GovernanceServiceServicer_to_server(GovernanceServicer(ledger, now), server)
