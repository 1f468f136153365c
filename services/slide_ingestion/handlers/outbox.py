"""Hand slides and notices to results, until it has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.slide_ingestion.ports.outbox import Notice, Outbox, Results, Submission
from shared.domain.errors import ConflictError, ForbiddenError, InvalidInputError, OncoRelayError, TemporaryError
from shared.domain.pauses import Pauses
from shared.observability import tracing

log = structlog.get_logger("oncorelay.slide_ingestion")

_FOR_GOOD = (InvalidInputError, ConflictError, ForbiddenError)
"""Results will never take this message."""
_TRIES_BEFORE_NOTICE = 5
NOT_TAKEN_KIND = "slide_not_taken"
"""Notice: results refused a slide, or fails over it again and again."""


@dataclass(frozen=True, slots=True)
class EmptyOutbox:
    """Sends what is due: notices first, then slides, oldest first; one that fails holds no other up."""

    outbox: Outbox
    results: Results
    pauses: Pauses
    now: Callable[[], datetime]

    def __call__(self) -> None:
        """Send once everything that is due."""
        for notice in self.outbox.notices_due(self.now()):
            self._tell(notice)
        for submission in self.outbox.due(self.now()):
            self._submit(submission)

    def _tell(self, notice: Notice) -> None:
        try:
            self.results.report_notice(f"slide-{notice.notice_id}", notice.kind, notice.text)
        except _FOR_GOOD as error:
            log.error("notice_refused", notice=notice.notice_id, kind=notice.kind, error=type(error).__name__)  # noqa: TRY400
        except OncoRelayError as error:
            log.warning("results_unavailable", notice=notice.notice_id, error=type(error).__name__)
            self.outbox.postpone_notice(notice, self.now() + self.pauses.after(notice.tries))
            return
        self.outbox.noticed(notice, self.now())

    def _submit(self, submission: Submission) -> None:
        try:
            with tracing.span("slide.submit", about=("submission", submission.request_id)):
                cases = self.results.submit_case(submission.request_id, submission.study)
        except OncoRelayError as error:
            self._failed(submission, error)
            return
        self.outbox.submitted(submission, cases, self.now())
        log.info("slide_submitted", slide_id=submission.slide_id, cases=len(cases))

    def _failed(self, submission: Submission, error: OncoRelayError) -> None:
        """Try again later, or give up what results refuses for good; a person is told of that, and of long trouble."""
        log.warning("slide_not_submitted", slide_id=submission.slide_id, tries=submission.tries,
                    error=type(error).__name__)  # fmt: skip
        for_good = isinstance(error, _FOR_GOOD)
        if for_good or (not isinstance(error, TemporaryError) and submission.tries == _TRIES_BEFORE_NOTICE):
            ending = "there may be no case for it" if for_good else "it is tried again"
            text = f"Slide {submission.slide_id[:8]} was not taken by results ({type(error).__name__}); {ending}."
            self.results.report_notice(f"slide-{submission.request_id}-{submission.tries}", NOT_TAKEN_KIND, text)
        if for_good:
            self.outbox.submitted(submission, (), self.now())
        else:
            self.outbox.postpone(submission, self.now() + self.pauses.after(submission.tries))
