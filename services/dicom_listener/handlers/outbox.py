"""Hand complete studies and notices to results, until it has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from services.dicom_listener.handlers.study import fingerprint_of, request_id_of, study_of
from services.dicom_listener.ports.peers import Results
from services.dicom_listener.ports.records import NoticeDelivered, NoticeRaised, StudyCompleted, StudySubmitted
from services.dicom_listener.ports.stores import Catalogue
from shared.domain.errors import ConflictError, ForbiddenError, InvalidInputError, OncoRelayError, TemporaryError
from shared.domain.identity import IdentityMap

log = structlog.get_logger("oncorelay.dicom_listener")

_FOR_GOOD = (InvalidInputError, ConflictError, ForbiddenError)
"""Results will never take this message; anything else (also an internal error there) is tried again."""
REFUSED_KIND = "study_refused"
"""Notice: results refused a study."""


@dataclass(slots=True)
class Backoff:
    """Pauses that double from ``first_s`` to ``longest_s`` while a peer does not answer."""

    ticks: Callable[[], float]
    first_s: float = 0.25
    longest_s: float = 15.0
    _pause_s: float = 0.0
    _until: float = 0.0

    def waiting(self) -> bool:
        """Tell whether it is too early for another try."""
        return self.ticks() < self._until

    def failed(self) -> None:
        """Wait longer."""
        self._pause_s = min(self.longest_s, self._pause_s * 2 or self.first_s)
        self._until = self.ticks() + self._pause_s

    def succeeded(self) -> None:
        """Try at once next time."""
        self._pause_s = self._until = 0.0


@dataclass(slots=True)
class EmptyOutbox:
    """Send what is due: notices first, then studies, oldest first."""

    catalogue: Catalogue
    results: Results
    identities: IdentityMap
    now: Callable[[], datetime]
    backoff: Backoff = field()

    def __call__(self) -> None:
        """Send once everything that is due; runs on one thread."""
        if self.backoff.waiting():
            return
        if self._send_all():
            self.backoff.succeeded()
        else:
            self.backoff.failed()

    def _send_all(self) -> bool:
        """Return whether nothing must be tried again; one bad message does not hold the others up."""
        sends = [partial(self._tell, notice) for notice in self.catalogue.due_notices()]
        sends += [partial(self._submit, completion) for completion in self.catalogue.due_submissions()]
        done = True
        for send in sends:
            try:
                send()
            except TemporaryError as error:
                log.warning("results_unavailable", error=type(error).__name__)
                return False
            except OncoRelayError as error:
                done = False
                log.error("results_failed", error=type(error).__name__)  # noqa: TRY400
        return done

    def _tell(self, notice: NoticeRaised) -> None:
        try:
            self.results.report_notice(f"notice-{notice.notice_id}", notice.kind, notice.text)
            outcome = "accepted"
        except _FOR_GOOD as error:
            outcome = "refused"
            log.error("notice_refused", notice=notice.notice_id, kind=notice.kind, error=type(error).__name__)  # noqa: TRY400
        self.catalogue.record(NoticeDelivered(notice.notice_id, outcome, self.now().isoformat()))

    def _submit(self, completion: StudyCompleted) -> None:
        instances = self.catalogue.instances(completion.study_instance_uid)
        if fingerprint_of(instances) != completion.fingerprint:
            return  # More arrived meanwhile: the study is judged again, and that completion is sent.
        study = study_of(instances, completion, self.identities)
        try:
            cases = self.results.submit_case(request_id_of(completion), study)
            outcome = "accepted"
        except _FOR_GOOD as error:
            cases, outcome = (), "refused"
            self._raise_refusal(completion, error)
        stamp = self.now().isoformat()
        self.catalogue.record(StudySubmitted(completion.study_instance_uid, completion.ordinal, outcome, stamp))
        log.info("study_submitted", study_uid=completion.study_instance_uid, outcome=outcome, cases=len(cases))

    def _raise_refusal(self, completion: StudyCompleted, error: OncoRelayError) -> None:
        text = (
            f"Study {completion.study_instance_uid} is complete but was refused by results "
            f"({type(error).__name__}); no case exists for it."
        )
        identifier = request_id_of(completion)
        self.catalogue.record(NoticeRaised(identifier, REFUSED_KIND, text, self.now().isoformat()))
