"""Decide, by evidence, that a study is complete (system.md 5, dicom_listener)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.dicom_listener.handlers.study import fingerprint_of, request_id_of
from services.dicom_listener.handlers.watch import StudyWatch, Watched
from services.dicom_listener.ports.peers import InstanceCount
from services.dicom_listener.ports.records import StudyCompleted
from services.dicom_listener.ports.stores import Catalogue
from shared.domain.errors import OncoRelayError
from shared.domain.study import CompletenessEvidence
from shared.observability import metrics, tracing

log = structlog.get_logger("oncorelay.dicom_listener")

_ASK_AGAIN_S = 2.0
"""Pause between two questions to a sender about one study."""
_SILENT_S = 60.0
"""A sender that did not answer is asked nothing for so long: one that hangs must not hold up everybody's studies."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a study is taken to be complete."""

    kind: CompletenessEvidence
    detail: str


@dataclass(slots=True)
class JudgeStudies:
    """Look once at every study on its way and record those that are complete."""

    watch: StudyWatch
    catalogue: Catalogue
    counts: Mapping[str, InstanceCount]
    """Senders that can be asked, by AE title."""
    settle_s: float
    quiet_s: float
    now: Callable[[], datetime]
    ticks: Callable[[], float]
    waiting_since: Callable[[], float | None] = lambda: None
    """When the oldest thing came that was not judged yet: what is not judged may belong to any study."""
    _ask_at: dict[str, float] = field(default_factory=dict)
    _silent_until: dict[str, float] = field(default_factory=dict)
    """By sender."""

    def __call__(self) -> None:
        """Judge each watched study; runs on one thread.

        Raises:
            OncoRelayError: If a completion cannot be recorded; the study stays watched.
        """
        since = self.waiting_since()  # before the studies: what is judged meanwhile is seen in them
        for watched in self.watch.watched():
            evidence = None if self._something_may_follow(watched, since) else self._evidence(watched)
            if evidence and self.watch.settle(watched):
                self._ask_at.pop(watched.study_instance_uid, None)
                self._complete_or_put_back(watched, evidence)

    def _complete_or_put_back(self, watched: Watched, evidence: Evidence) -> None:
        try:
            self._complete(watched, evidence)
        except Exception:
            self.watch.put_back(watched)  # a full disk must not cost a study its judgement
            raise

    def _evidence(self, watched: Watched) -> Evidence | None:
        quiet = watched.silent_s >= self.quiet_s
        if not watched.open and watched.silent_s >= self.settle_s:
            if watched.sender in self.counts:
                counted = self._counted(watched, last_chance=quiet)
                if counted:
                    return counted
            elif watched.clean:
                return Evidence(
                    CompletenessEvidence.ASSOCIATION_RELEASED,
                    f"{watched.sender} released its association in order and nothing followed for {self.settle_s:g} s",
                )
        if quiet:
            return Evidence(CompletenessEvidence.QUIET_TIME, f"nothing arrived for {self.quiet_s:g} s")
        return None

    def _something_may_follow(self, watched: Watched, since: float | None) -> bool:
        """Tell whether something waits that came before this study had settled."""
        return since is not None and since <= self.ticks() - watched.silent_s + self.settle_s

    def _counted(self, watched: Watched, *, last_chance: bool) -> Evidence | None:
        """Ask the sender; None while it holds another number than we do, or does not answer."""
        study = watched.study_instance_uid
        if self.ticks() < self._silent_until.get(watched.sender, 0.0):
            return None
        if self.ticks() < self._ask_at.get(study, 0.0) and not last_chance:
            return None
        self._ask_at[study] = self.ticks() + max(_ASK_AGAIN_S, self.settle_s)
        held = len(self.catalogue.instances(study))
        try:
            there = self.counts[watched.sender].count(study, held)
        except OncoRelayError as error:
            log.warning("instance_count_unavailable", sender=watched.sender, error=type(error).__name__)
            self._silent_until[watched.sender] = self.ticks() + _SILENT_S
            return None
        ours = max(there.ours, self.catalogue.own_output_count(study)) if there.total != held else 0
        if there.total - ours != held:
            return None
        return Evidence(CompletenessEvidence.EXPECTED_COUNT, f"{watched.sender} holds {held} instances and so do we")

    def _complete(self, watched: Watched, evidence: Evidence) -> None:
        study = watched.study_instance_uid
        instances = self.catalogue.instances(study)
        fingerprint = fingerprint_of(instances)
        last = self.catalogue.last_completion(study)
        if not instances or (last and last.fingerprint == fingerprint):
            return
        ordinal = last.ordinal + 1 if last else 1
        stamp = self.now().isoformat()
        record = StudyCompleted(
            study, ordinal, fingerprint, evidence.kind.value, evidence.detail, stamp, watched.sender
        )
        self.catalogue.record(record)
        tracing.origin("submission", request_id_of(record), "study.complete", watched.traces, evidence=evidence.kind)
        metrics.STUDIES_COMPLETE.add(evidence=evidence.kind)
        log.info("study_complete", study_uid=study, evidence=evidence.kind.value, instances=len(instances))
