"""The one typed result every rendering starts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.case import FindingKind, Pins, ReviewState
from shared.domain.facts import Fact
from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.prediction import IntendedUse, NotAnalysed, Prediction
from shared.domain.study import Study


@dataclass(frozen=True, slots=True)
class Finding:
    """One revision of what was found about one case; immutable, so a rendering can be repeated byte for byte.

    Exactly one of ``prediction`` and ``not_analysed`` is set, except for ``kind == withdrawn`` (neither).
    """

    finding_id: str
    case_id: str
    predictor: str
    revision: int
    kind: FindingKind
    result_key: str
    """HMAC (hex); object identifiers are derived from it, never drawn at random."""
    created_time: datetime
    """The only time stamp renderings may print as their own."""
    identity: PatientIdentity
    study: Study
    side: Side | None
    review: ReviewState
    pins: Pins | None = None
    """What the answer rests on; None for a refusal before anything was pinned."""
    prediction: Prediction | None = None
    not_analysed: NotAnalysed | None = None
    reason: str = ""
    """Why it was withdrawn, or why it replaces its predecessor."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Return the pinned facts."""
        return self.pins.facts if self.pins else ()

    @property
    def demographics(self) -> Demographics:
        """Return what images, or of a panel the record, say of the patient: a chart must not contradict it."""
        recorded = self.pins.demographics if self.pins else None
        return recorded or self.study.demographics

    @property
    def model_use(self) -> IntendedUse | None:
        """Return what the model that was asked may be used for, whether or not it answered; None where none was."""
        if self.prediction:
            return self.prediction.bundle.intended_use
        return self.pins.intended_use if self.pins else None


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What an earlier revision left at the same sink."""

    finding_id: str
    revision: int
    kind: FindingKind
    object_id: str
    """What the sink's adapter returned as ``Sent.object_id``."""
    location: str


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """One delivery taken for sending; ``token`` proves it is still ours when the outcome is recorded."""

    delivery_id: str
    token: int
    tries: int
    """Number of this try, from 1."""
    finding: Finding
    predecessors: tuple[Predecessor, ...]
    """Everything earlier revisions left at this sink and that is not yet replaced there, oldest first."""
    probe: bool = False
    """True: the sink is open, and this try finds out whether it works again."""
