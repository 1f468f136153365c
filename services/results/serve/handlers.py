"""Which predictors ask about a study; everything else of serve is the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.results.serve.ports import Notices, Studies
from shared.domain.study import Study
from shared.predictors.contract import Predictor


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
