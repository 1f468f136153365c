"""A case as everybody outside the ledger sees it: states, pins, findings, deliveries, notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.domain.facts import Fact
from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.images import ImagingPolicy, PinnedRegion, RegionProposed
from shared.domain.prediction import BundleReference, IntendedUse, NotAnalysed, Prediction
from shared.domain.slides import PinnedSlide, Slide
from shared.domain.study import Panel


class InferenceState(StrEnum):
    """Where the question stands."""

    COLLECTING = "collecting"
    QUEUED = "queued"
    RUNNING = "running"
    PREDICTED = "predicted"
    NOT_ANALYSED = "not_analysed"
    FAILED = "failed"


class ReviewState(StrEnum):
    """Whether a person has looked at the finding."""

    NOT_REQUIRED = "not_required"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    OVERRIDDEN = "overridden"


class DeliveryState(StrEnum):
    """Where one object for one sink stands."""

    HELD = "held"
    DUE = "due"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD_LETTER = "dead_letter"


class Currency(StrEnum):
    """Whether a finding still speaks."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class FindingKind(StrEnum):
    """What a finding says."""

    PREDICTION = "prediction"
    NOT_ANALYSED = "not_analysed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PinnedInstance:
    """One image an answer rests on, pinned when the case was queued."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    content_digest: str
    identity_digest: str
    blob_uri: str


@dataclass(frozen=True, slots=True)
class Pins:
    """What the answer will rest on: fixed at collecting -> queued (system rule 2)."""

    identity: PatientIdentity
    study_instance_uid: str
    study_date: date | None
    side: Side | None
    variant: str
    bundle_id: str
    bundle_digest: str
    inputs: tuple[PinnedInput, ...]
    facts: tuple[Fact, ...]
    instances: tuple[PinnedInstance, ...]
    as_of: datetime
    notes: tuple[str, ...] = ()
    """What the gate of applicability could not know, for example that no start of therapy is on record."""
    intended_use: IntendedUse | None = None
    """What the bundle may be used for: a refusal that rests on it is no more than that. None: pinned by an earlier
    version."""
    demographics: Demographics | None = None
    """Of a panel: what the record said of the patient when it was pinned. A study's own are in the study."""
    bundle_version: str = ""
    """A recall may name one. Empty: pinned by an earlier version."""
    others: tuple[PinnedBundle, ...] = ()
    """Bundles of the predictor's other variants, richest first: what answers where the leading one cannot."""
    imaging: ImagingPolicy | None = None
    """The site's part in how images are measured; None where the predictor measures none."""
    region: PinnedRegion | None = None
    """The region a person confirmed; None: the worker looks for one."""
    slide: PinnedSlide | None = None
    """Set where the question is about a whole-slide image."""

    @property
    def bundles(self) -> tuple[PinnedBundle, ...]:
        """Return every bundle that may answer, the leading one first; a use nobody stated is the least there is."""
        use = self.intended_use or IntendedUse.DEMONSTRATION
        first = BundleReference(self.bundle_id, self.bundle_version, self.bundle_digest, use)
        return PinnedBundle(self.variant, first), *self.others


@dataclass(frozen=True, slots=True)
class PinnedBundle:
    """The bundle of one variant."""

    variant: str
    bundle: BundleReference


@dataclass(frozen=True, slots=True)
class PinnedInput:
    """One model input after reading the facts, for example ``er=positive``."""

    name: str
    value: str
    facts: tuple[str, ...]
    """``fact_id`` of the facts the value was read from."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer: one attempt at one revision of one case, until the lease ends."""

    case_id: str
    attempt: int
    lease_seconds: float
    predictor: str
    pins: Pins
    token: str = ""
    """Proves the claim; empty: the results of the previous version gave it."""


@dataclass(frozen=True, slots=True)
class FindingSummary:
    """One revision of what was found."""

    finding_id: str
    revision: int
    kind: FindingKind
    currency: Currency
    result_key: str
    created_time: datetime
    prediction: Prediction | None = None
    not_analysed: NotAnalysed | None = None


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """One object for one sink."""

    delivery_id: str
    finding_id: str
    revision: int
    sink: str
    kind: str
    """What is sent: ``dicom-sr``, ``fhir-transaction``, ``folder``."""
    state: DeliveryState
    tries: int
    location: str
    """Where it lies once delivered: URL, path or SOP Instance UID."""
    reason: str
    """Why it is not delivered yet; empty once it is."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of one machine: time, actor, reason."""

    machine: str
    subject: str
    from_state: str
    to_state: str
    time: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person must see: a conflict, a quarantine, a passed deadline, a dead letter."""

    notice_id: str
    kind: str
    text: str
    time: datetime
    case_id: str = ""


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """One case in a list."""

    case_id: str
    predictor: str
    study_instance_uid: str
    state: InferenceState
    review: ReviewState
    reason: str
    """Why it is where it is; for ``not_analysed`` and ``failed`` the coded reason and its sentence."""
    revision: int
    attempts: int
    deadline_time: datetime | None
    updated_time: datetime
    overdue: bool = False
    """The deadline passed in a state that is not final: a person should look."""


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """Everything about one case."""

    case: CaseSummary
    findings: tuple[FindingSummary, ...]
    deliveries: tuple[DeliverySummary, ...]
    transitions: tuple[Transition, ...]
    completeness: str
    """Why the study was taken to be complete."""
    side: Side | None = None
    study_date: date | None = None
    panel: Panel | None = None
    """Set where the question is about laboratory values and not about images."""
    proposed: RegionProposed | None = None
    """The automatic region that waits for a person; None where none does."""
    slide: Slide | None = None
    """Set where the question is about a whole-slide image."""
