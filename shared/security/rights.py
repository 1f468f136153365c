"""The one table of who may call which RPC. What is not in it, nobody may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.errors import ForbiddenError
from shared.security.parties import Party, Role


@dataclass(frozen=True, slots=True)
class Right:
    """Services by name, and people from a role upwards; ``role`` None: no person."""

    services: frozenset[str] = frozenset()
    role: Role | None = None
    everybody: bool = False
    """True: whoever has a certificate of this site."""

    def allows(self, party: Party) -> bool:
        """Tell whether ``party`` may."""
        if self.everybody:
            return True
        if party.role is None:
            return party.name in self.services
        return self.role is not None and party.role >= self.role


def _only(*services: str) -> Right:
    return Right(frozenset(services))


_RESULTS = "/oncorelay.results.v1.ResultsService/"
_GOVERNANCE = "/oncorelay.results.v1.GovernanceService/"
_ERASURE = "/oncorelay.lab_consumer.v1.ErasureService/"
_OBJECTS = "/oncorelay.dicom_listener.v1.ErasureService/"
_DELIVERIES = "/oncorelay.results.v1.DeliveryService/"
_FACTS = "/oncorelay.lab_consumer.v1.LabConsumerService/"
_EXPLAIN = "/oncorelay.inference.v1.ExplainService/"
_SLIDES = "/oncorelay.slide_ingestion.v1.SlideIngestionService/"
_SLIDE_ERASURE = "/oncorelay.slide_ingestion.v1.ErasureService/"
_HEALTH = "/grpc.health.v1.Health/"

_READ = Right(frozenset({"portal"}), Role.READER)
_OPERATE = Right(role=Role.OPERATOR)
_ADMINISTER = Right(role=Role.ADMINISTRATOR)

RIGHTS: Mapping[str, Right] = {
    _HEALTH + "Check": Right(everybody=True),
    _HEALTH + "Watch": Right(everybody=True),
    _HEALTH + "List": Right(everybody=True),
    _RESULTS + "SubmitCase": _only("dicom_listener", "slide_ingestion", "lab_consumer"),
    _RESULTS + "AnnounceFacts": _only("lab_consumer"),
    _RESULTS + "ReportNotice": _only("dicom_listener", "slide_ingestion", "lab_consumer", "inference"),
    _RESULTS + "ClaimAttempt": _only("inference"),
    _RESULTS + "RenewLease": _only("inference"),
    _RESULTS + "ReportPrediction": _only("inference"),
    _RESULTS + "ListCases": Right(frozenset({"portal", "slide_ingestion"}), Role.READER),
    _RESULTS + "GetCase": _READ,
    _RESULTS + "ListNotices": _READ,
    _RESULTS + "RetryCase": _OPERATE,
    _RESULTS + "ReviewCase": _OPERATE,
    _RESULTS + "ConfirmRegion": _OPERATE,
    _RESULTS + "ExcludeRegion": _OPERATE,
    _RESULTS + "WithdrawCase": _OPERATE,
    _GOVERNANCE + "ListAudit": _ADMINISTER,
    _GOVERNANCE + "RecallBundle": _ADMINISTER,
    _GOVERNANCE + "ListRecalls": _READ,
    _GOVERNANCE + "AcceptBundle": _ADMINISTER,
    _GOVERNANCE + "ListAcceptances": _READ,
    _GOVERNANCE + "ReportPatientChange": _only("lab_consumer"),
    _GOVERNANCE + "ErasePatient": _ADMINISTER,
    _GOVERNANCE + "GetErasure": _ADMINISTER,
    _ERASURE + "ErasePatient": _ADMINISTER,
    _OBJECTS + "ErasePatient": _ADMINISTER,
    _OBJECTS + "GetErasure": _ADMINISTER,
    _DELIVERIES + "ListDeliveries": _READ,
    _DELIVERIES + "ListSinks": _READ,
    _DELIVERIES + "ResendDelivery": _OPERATE,
    _DELIVERIES + "RedirectDelivery": _OPERATE,
    _FACTS + "GetFacts": _only("results"),
    _FACTS + "ListRefusals": _READ,
    _EXPLAIN + "Explain": _READ,
    _SLIDES + "SubmitStudy": _only("dicom_listener"),
    _SLIDES + "RecordOrder": _only("lab_consumer"),
    _SLIDES + "ListSlides": _READ,
    _SLIDES + "SetResolution": _OPERATE,
    _SLIDE_ERASURE + "ErasePatient": _ADMINISTER,
}
"""RPC (``/package.Service/Method``) to who may. ``portal`` reads on behalf of people it has itself authenticated."""


def right_of(method: str) -> Right:
    """Return who may call ``method``.

    Raises:
        ForbiddenError: If the table does not name it.
    """
    found = RIGHTS.get(method)
    if found is None:
        raise ForbiddenError(f"{method} is in no row of RIGHTS (shared/security/rights.py), so nobody may call it")
    return found


def check(method: str, party: Party) -> None:
    """Let ``party`` call ``method``.

    Raises:
        ForbiddenError: If it may not; the sentence names the method and the caller's own name.
    """
    if not right_of(method).allows(party):
        raise ForbiddenError(f"{party.uri} may not call {method.rsplit('/', 1)[-1]}")
