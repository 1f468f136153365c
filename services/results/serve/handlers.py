"""Which predictors ask about a study; everything else of serve is the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.results.serve.ports import Anchors, Chain, Notices, Studies
from shared.domain.audit import Anchor
from shared.domain.errors import OncoRelayError
from shared.domain.study import Study
from shared.predictors.contract import Predictor


@dataclass
class AnchorAudit:
    """Write the head of the audit chain where the ledger's owner cannot rewrite it, whenever it has moved."""

    chain: Chain
    anchors: tuple[Anchors, ...]
    now: Callable[[], datetime]
    last: Anchor | None = None

    def __call__(self) -> bool:
        """Return whether there was something to write.

        Raises:
            OncoRelayError: If one of the places could not be written, after all were tried.
        """
        anchor = self.chain.anchor(self.now())
        if anchor.number == 0 or (self.last and self.last.number == anchor.number):
            return False
        trouble = [error for place in self.anchors if (error := _written(place, anchor))]
        if trouble:
            raise trouble[0]
        self.last = anchor
        return True


def _written(place: Anchors, anchor: Anchor) -> OncoRelayError | None:
    try:
        place.write(anchor)
    except OncoRelayError as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The cases of a study, or why there are none."""

    case_ids: tuple[str, ...]
    not_applicable_reason: str


@dataclass(frozen=True, slots=True)
class SubmitCase:
    """Ask every predictor that takes studies whether this one is its business, and open the cases."""

    studies: Studies
    notices: Notices
    predictors: Mapping[str, Predictor]
    now: Callable[[], datetime]

    def __call__(self, request_id: str, study: Study) -> Submitted:
        """Return the case ids; none means not applicable, which leaves a trace for people and nothing else."""
        reasons = {
            name: predictor.not_applicable(study)
            for name, predictor in self.predictors.items()
            if predictor.takes == "study"
        }
        asked = tuple(name for name, reason in reasons.items() if not reason)
        if asked:
            return Submitted(self.studies.submit(request_id, study, asked, self.now()), "")
        reason = "; ".join(f"{name}: {text}" for name, text in reasons.items()) or "no predictor takes studies"
        text = f"study {study.study_instance_uid} is not applicable ({reason})"
        self.notices.notice(request_id, "not_applicable", text, "", self.now())
        return Submitted((), reason)
