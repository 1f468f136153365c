"""Hand complete studies and notices to results, until it has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from services.dicom_listener.handlers.study import fingerprint_of, holds_images_besides, request_id_of, study_of
from services.dicom_listener.ports.peers import Results, Slides, SlidesAbsentError
from services.dicom_listener.ports.records import NoticeDelivered, NoticeRaised, StudyCompleted, StudySubmitted
from services.dicom_listener.ports.stores import Catalogue
from shared.domain.errors import ConflictError, ForbiddenError, InvalidInputError, OncoRelayError, TemporaryError
from shared.domain.identity import IdentityMap
from shared.domain.study import MICROSCOPY, Study
from shared.observability import tracing

log = structlog.get_logger("oncorelay.dicom_listener")

_FOR_GOOD = (InvalidInputError, ConflictError, ForbiddenError)
"""Results will never take this message; anything else (also an internal error there) is tried again."""
REFUSED_KIND = "study_refused"
"""Notice: results refused a study."""
STUCK_KIND = "study_not_taken"
"""Notice: results answered, and fails over this study again and again."""
_TRIES_BEFORE_NOTICE = 5


@dataclass(slots=True)
class Backoff:
    """Pauses that double from ``first_s`` to ``longest_s`` while something fails."""

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
class _Trouble:
    """One message that results answers with a failure that is neither temporary nor for good."""

    backoff: Backoff
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Message:
    key: str
    send: Callable[[], None]
    completion: StudyCompleted | None = None


@dataclass(slots=True)
class EmptyOutbox:
    """Send what is due: notices first, then studies, oldest first.

    A peer that does not answer pauses everything (``backoff``). A message over which results fails, for example with
    an internal error, pauses alone, ever longer up to ``stuck_s`` seconds; after five tries a person is told.
    """

    catalogue: Catalogue
    results: Results
    identities: IdentityMap
    now: Callable[[], datetime]
    backoff: Backoff = field()
    stuck_s: float = 900.0
    slides: Slides | None = None
    """Who takes studies with slide microscopy; None: results, as any other."""
    _troubles: dict[str, _Trouble] = field(default_factory=dict)

    def __call__(self) -> None:
        """Send once everything that is due; runs on one thread."""
        if self.backoff.waiting():
            return
        if self._send_all():
            self.backoff.succeeded()
        else:
            self.backoff.failed()

    def _send_all(self) -> bool:
        """Return whether results was there; one bad message does not hold the others up."""
        try:
            for message in self._due():
                self._send(message)
        except TemporaryError as error:
            log.warning("results_unavailable", error=type(error).__name__)
            return False
        return True

    def _due(self) -> list[_Message]:
        notices = self.catalogue.due_notices()
        studies = self.catalogue.due_submissions()
        due = [_Message(f"notice-{row.notice_id}", partial(self._tell, row)) for row in notices]
        due += [_Message(request_id_of(row), partial(self._submit, row), row) for row in studies]
        self._troubles = {row.key: self._troubles[row.key] for row in due if row.key in self._troubles}
        return [row for row in due if row.key not in self._troubles or not self._troubles[row.key].backoff.waiting()]

    def _send(self, message: _Message) -> None:
        try:
            message.send()
        except TemporaryError:
            raise
        except OncoRelayError as error:
            self._failed(message, error)

    def _failed(self, message: _Message, error: OncoRelayError) -> None:
        absent = isinstance(error, SlidesAbsentError)
        longest_s = self.backoff.longest_s if absent else self.stuck_s
        fresh = _Trouble(Backoff(self.backoff.ticks, self.backoff.first_s, longest_s))
        trouble = self._troubles.setdefault(message.key, fresh)
        trouble.tries += 1
        trouble.backoff.failed()
        log.error(
            "slides_absent" if absent else "results_failed",
            message=message.key,
            tries=trouble.tries,
            error=type(error).__name__,
        )
        if message.completion and trouble.tries == _TRIES_BEFORE_NOTICE:
            self._raise_stuck(message.completion, error)

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
            with tracing.span("study.submit", about=("submission", request_id_of(completion))):
                cases = self._hand_over(request_id_of(completion), study)
            outcome = "accepted"
        except _FOR_GOOD as error:
            cases, outcome = 0, "refused"
            self._raise_refusal(completion, error)
        stamp = self.now().isoformat()
        self.catalogue.record(StudySubmitted(completion.study_instance_uid, completion.ordinal, outcome, stamp))
        log.info("study_submitted", study_uid=completion.study_instance_uid, outcome=outcome, cases=cases)

    def _hand_over(self, request_id: str, study: Study) -> int:
        """Give slides to slide ingestion and other images to results; return how many slides or cases there are.

        Raises:
            SlidesAbsentError: If slide ingestion cannot be reached now.
        """
        found = 0
        if self.slides and MICROSCOPY in study.modalities:
            try:
                found = self.slides.submit_study(request_id, study)
            except TemporaryError as error:
                raise SlidesAbsentError(str(error)) from error
            if not holds_images_besides(study, MICROSCOPY):
                return found
        return found + len(self.results.submit_case(request_id, study))

    def _raise_refusal(self, completion: StudyCompleted, error: OncoRelayError) -> None:
        text = (
            f"Study {completion.study_instance_uid} is complete but was refused by results "
            f"({type(error).__name__}); no case exists for it."
        )
        identifier = request_id_of(completion)
        self.catalogue.record(NoticeRaised(identifier, REFUSED_KIND, text, self.now().isoformat()))

    def _raise_stuck(self, completion: StudyCompleted, error: OncoRelayError) -> None:
        text = (
            f"Study {completion.study_instance_uid} is complete, but {_who(error)} failed over it "
            f"{_TRIES_BEFORE_NOTICE} times ({type(error).__name__}); there may be no case for it. It is tried again, "
            f"at least every {self.stuck_s / 60:g} minutes."
        )
        identifier = f"{request_id_of(completion)}-stuck"
        self.catalogue.record(NoticeRaised(identifier, STUCK_KIND, text, self.now().isoformat()))


def _who(error: OncoRelayError) -> str:
    return "slide_ingestion" if isinstance(error, SlidesAbsentError) else "results"
