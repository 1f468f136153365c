"""Announce to results: at least once, changes of patients first and in order, then panels, then changed facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from services.lab_consumer.handlers.panels import study_of
from services.lab_consumer.ports.outbox import Announcement, ChangeReport, Outbox, PanelReport
from services.lab_consumer.ports.peers import Results
from shared.domain.errors import OncoRelayError
from shared.domain.pauses import Pauses
from shared.observability import tracing

_SETTLED_AT_ONCE = 50
TELL_AFTER = 20
"""Failures in a row after which a person is told: with growing pauses, some eight minutes."""


@dataclass(frozen=True, slots=True)
class AnnounceDue:
    """Deliver what is due once; what fails is due again later, for ever."""

    outbox: Outbox
    results: Results
    pauses: Pauses
    now: Callable[[], datetime]
    failed: Callable[[Announcement | ChangeReport | PanelReport, OncoRelayError], None]

    def __call__(self) -> int:
        """Return how many were announced.

        Changes of patients go strictly one after the other, and facts wait for the last of them: an unlink that
        overtook its merge would leave a patient under an identity that holds no longer. Panels come before facts, so
        that a case is there when it is to be looked at.
        """
        changes = sum(1 for _ in takewhile(self._change, self.outbox.changes_due(self.now())))
        panels = sum(self._panel(report) for report in self.outbox.panels_due(self.now()))
        due = self.outbox.due(self.now())
        groups = (due[start : start + _SETTLED_AT_ONCE] for start in range(0, len(due), _SETTLED_AT_ONCE))
        return changes + panels + sum(map(self._some, groups))

    def _some(self, announcements: Sequence[Announcement]) -> int:
        """Announce one after the other, and settle those that were taken at once: a commit each would hold up writers.

        After a kill in between they are told again, under the same request ids.
        """
        taken = [announcement for announcement in announcements if self._one(announcement)]
        self.outbox.announced(taken, self.now())
        return len(taken)

    def _change(self, report: ChangeReport) -> bool:
        try:
            self.results.report_patient_change(report.request_id, report.change)
        except OncoRelayError as error:
            self.failed(report, error)
            self.outbox.postpone_change(report, self.now() + self.pauses.after(report.tries))
            self._tell(report.tries, "a change of patients")
            return False
        self.outbox.change_announced(report, self.now())
        return True

    def _panel(self, report: PanelReport) -> bool:
        try:
            with tracing.span("panel.submit", about=("announcement", report.request_id)):
                self.results.submit_panel(report.request_id, study_of(report.panel))
        except OncoRelayError as error:
            self.failed(report, error)
            self.outbox.postpone_panel(report, self.now() + self.pauses.after(report.tries))
            self._tell(report.tries, "a panel")
            return False
        self.outbox.panel_submitted(report, self.now())
        return True

    def _tell(self, tries: int, what: str) -> None:
        if tries + 1 == TELL_AFTER:
            self.outbox.tell(f"results has not taken {what} in {TELL_AFTER} tries; it is tried again", self.now())

    def _one(self, announcement: Announcement) -> bool:
        try:
            with tracing.span("facts.announce", about=("announcement", announcement.request_id)):
                self.results.announce_facts(announcement.request_id, announcement.identity)
        except OncoRelayError as error:
            self.failed(announcement, error)
            self.outbox.postpone(announcement, self.now() + self.pauses.after(announcement.tries))
            self._tell(announcement.tries, "changed facts")
            return False
        return True
