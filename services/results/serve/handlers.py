"""Which predictors ask about a study; everything else of serve is the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.results.serve.ports import Anchors, Chain, Notices, Studies
from shared.domain.audit import Anchor
from shared.domain.errors import OncoRelayError
from shared.domain.study import Study
from shared.predictors.contract import PanelPredictor
from shared.predictors.registry import AnyPredictor


@dataclass
class AnchorAudit:
    """Write the head of the audit chain where the ledger's owner cannot rewrite it, whenever it has moved.

    What was anchored last must still stand in the chain: where it does not, people are told and nothing is written,
    so that no new anchor vouches for a chain that was written anew.
    """

    chain: Chain
    anchors: tuple[Anchors, ...]
    now: Callable[[], datetime]
    alarm: Callable[[Anchor], None]
    """Tells people, once per anchor."""
    last: Anchor | None = None
    """At the start: the last one of the file."""
    told: Anchor | None = None
    kept: dict[int, int] = field(default_factory=dict)
    """Place (by its order) -> number it has: one that fails makes no other hear the same again."""

    def __call__(self) -> bool:
        """Return whether there was something to write.

        Raises:
            OncoRelayError: If one of the places could not be written, after all were tried.
        """
        if not self._stands():
            return False
        anchor = self.chain.anchor(self.now())
        if anchor.number == 0 or (self.last and self.last.number == anchor.number):
            return False
        missing = {order: place for order, place in enumerate(self.anchors) if self.kept.get(order) != anchor.number}
        trouble = {order: error for order, place in missing.items() if (error := _written(place, anchor))}
        self.kept |= {order: anchor.number for order in missing if order not in trouble}
        if trouble:
            raise next(iter(trouble.values()))
        self.last = anchor
        return True

    def _stands(self) -> bool:
        if self.last is None or self.chain.hash_of(self.last.number) == self.last.hash:
            return True
        if self.told != self.last:
            self.alarm(self.last)
            self.told = self.last
        return False


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
    """Ask every predictor whether this study, panel or slide is its business, and open the cases."""

    studies: Studies
    notices: Notices
    predictors: Mapping[str, AnyPredictor]
    now: Callable[[], datetime]

    def __call__(self, request_id: str, study: Study) -> Submitted:
        """Return the case ids; none means not applicable, which leaves a trace for people and nothing else."""
        wanted = study.kind
        reasons = {
            name: _not_applicable(predictor, study)
            for name, predictor in self.predictors.items()
            if predictor.takes == wanted
        }
        asked = tuple(name for name, reason in reasons.items() if not reason)
        if asked:
            return Submitted(self.studies.submit(request_id, study, asked, self.now()), "")
        reason = "; ".join(f"{name}: {text}" for name, text in reasons.items()) or f"no predictor takes a {wanted}"
        text = f"{wanted} {study.study_instance_uid} is not applicable ({reason})"
        self.notices.notice(request_id, "not_applicable", text, "", self.now())
        return Submitted((), reason)


def _not_applicable(predictor: AnyPredictor, study: Study) -> str:
    if not isinstance(predictor, PanelPredictor):
        return predictor.not_applicable(study)
    return "" if study.panel and predictor.analytes == set(study.panel.analytes) else "a panel of other analytes"
