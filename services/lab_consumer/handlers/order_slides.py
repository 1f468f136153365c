"""Hand orders for slides to slide ingestion: at least once, each in its latest version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.lab_consumer.handlers.announce import TELL_AFTER
from services.lab_consumer.ports.outbox import OrderOutbox, OrderReport
from services.lab_consumer.ports.peers import SlideOrders
from shared.domain.errors import OncoRelayError, PermanentError, TemporaryError
from shared.domain.pauses import Pauses
from shared.observability import tracing


@dataclass(frozen=True, slots=True)
class OrderSlides:
    """Deliver what is due once; what fails is due again later, for ever."""

    outbox: OrderOutbox
    slides: SlideOrders
    pauses: Pauses
    now: Callable[[], datetime]
    failed: Callable[[OrderReport, OncoRelayError], None]

    def __call__(self) -> int:
        """Return how many were taken. Where slide ingestion is away the others wait for the next look."""
        taken = 0
        for report in self.outbox.due(self.now()):
            error = self._refusal(report)
            if isinstance(error, TemporaryError):
                break
            taken += error is None
        return taken

    def _refusal(self, report: OrderReport) -> OncoRelayError | None:
        try:
            with tracing.span("slide.order", about=("announcement", report.request_id)):
                self.slides.record_order(report.request_id, report.order)
        except OncoRelayError as error:
            self.failed(report, error)
            self.outbox.postpone(report, self.now() + self.pauses.after(report.tries))
            self._tell(report, error)
            return error
        self.outbox.recorded(report, self.now())
        return None

    def _tell(self, report: OrderReport, error: OncoRelayError) -> None:
        """Tell a person: at once where it was refused for good, else after many tries."""
        if report.tries == 0 and isinstance(error, PermanentError):
            self.outbox.tell("slide ingestion refuses an order; it is tried again", self.now())
        elif report.tries + 1 == TELL_AFTER:
            self.outbox.tell(
                f"slide ingestion has not taken an order in {TELL_AFTER} tries; it is tried again", self.now()
            )
