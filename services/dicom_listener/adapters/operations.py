"""Health and metrics of the listener."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.dicom_listener.config import Settings
from services.dicom_listener.handlers.gate import Gate
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.inbox import Arrivals, Stored
from services.dicom_listener.ports.stores import Catalogue
from shared.domain.refusals import Cause
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.loops import Loop
from shared.observability.operations import Operations


@dataclass(frozen=True, slots=True)
class CountedArrivals:
    """Implements ``ports.inbox.Arrivals``: another one, counted."""

    inner: Arrivals

    def opened(self, association: int, sender: str) -> None:
        """An association was accepted."""
        metrics.ASSOCIATIONS.add(outcome="opened")
        self.inner.opened(association, sender)

    def stored(self, stored: Stored) -> None:
        """An object is on disk."""
        metrics.OBJECTS.add()
        metrics.OBJECT_BYTES.add(stored.size)
        self.inner.stored(stored)

    def refused(self, association: int, cause: Cause) -> None:
        """An object was refused."""
        metrics.OBJECTS_REFUSED.add(cause=cause)
        self.inner.refused(association, cause)

    def ended(self, association: int, *, released: bool) -> None:
        """The association is over."""
        metrics.ASSOCIATIONS.add(outcome="released" if released else "cut")
        self.inner.ended(association, released=released)


def operations(
    settings: Settings,
    catalogue: Catalogue,
    watch: StudyWatch,
    gate: Gate,
    waiting_since: Callable[[], float | None],
    loops: tuple[Loop, ...],
    more: Mapping[str, Check],
) -> Operations:
    """Return what an operator of the listener may look at."""

    def sample() -> None:
        metrics.LISTENER_WATCHED.set(len(watch.watched()))
        metrics.LISTENER_OUTBOX.set(len(catalogue.due_submissions()), kind="study")
        metrics.LISTENER_OUTBOX.set(len(catalogue.due_notices()), kind="notice")
        metrics.LISTENER_FREE.set(gate.free_bytes())
        metrics.LISTENER_UNJUDGED.set(gate.backlog())
        since = waiting_since()
        metrics.LISTENER_LAG.set(0.0 if since is None else max(0.0, time.monotonic() - since))

    def waiting() -> int:
        return len(catalogue.due_submissions()) + len(catalogue.due_notices())

    watched: dict[str, Check] = {
        **gate.checks(),
        "catalogue": checks.succeeds(lambda: catalogue.current("")),
        "outbox": checks.at_most(
            waiting, settings.backlog, "studies and notices wait for results", "is results.serve up?"
        ),
        "loops": checks.alive(loops),
        **more,
    }
    return Operations("dicom_listener", settings.ops_address, settings.site.otlp_endpoint, watched, sample)
