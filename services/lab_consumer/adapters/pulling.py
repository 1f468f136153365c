"""The parts that ask the FHIR server, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sql

from services.lab_consumer.adapters.fhir_source import HttpFhirSource
from services.lab_consumer.adapters.pull_queue import SqlPullQueue
from services.lab_consumer.adapters.puller import Puller, pull_failed
from services.lab_consumer.config import FhirServerSettings, Settings
from services.lab_consumer.handlers.judge import FACT_TYPES, USED_TYPES
from services.lab_consumer.handlers.notify import Notify
from services.lab_consumer.handlers.pages import TakePages
from services.lab_consumer.handlers.pull import Bounds, Pull
from services.lab_consumer.handlers.receive import Receive
from shared.domain.identity import PatientIdentity
from shared.domain.pauses import Pauses
from shared.fhir.reading.json_text import JsonLimits

_ELEMENTS = 1_000_000
"""JSON elements of one page at most."""


@dataclass(frozen=True, slots=True)
class Pulling:
    """One configured FHIR server, and the thread that asks it."""

    source: HttpFhirSource
    queue: SqlPullQueue
    pull: Pull
    puller: Puller

    def asked(self, identity: PatientIdentity) -> None:
        """Somebody asks about a patient: where nobody did before, have the FHIR server asked what it holds."""
        if self.pull.ask_for(identity):
            self.puller.wake()

    def notify(self, receive: Receive, limits: JsonLimits, most_targets: int) -> Notify:
        """Return what takes notifications."""
        return Notify(self.queue, receive, limits, most_targets, self.puller.wake, self.pull.now)

    def stop(self) -> None:
        """End the thread and the connections."""
        self.puller.stop()
        self.source.close()


def make_source(settings: FhirServerSettings) -> HttpFhirSource:
    """Return the FHIR server.

    Raises:
        InvalidInputError: If its URL is not https, or the key of SMART Backend Services cannot serve.
    """
    return HttpFhirSource(
        settings.url, settings.credentials, settings.timeout_s, settings.max_page_bytes,
        str(settings.authority_file or ""),
    )  # fmt: skip


def make_pulling(settings: Settings, engine: sql.Engine, receive: Receive, now: Callable[[], datetime]) -> Pulling:
    """Put it together from ``[lab_consumer.fhir_server]``, which must be there.

    Raises:
        InvalidInputError: See ``make_source``.
    """
    server = settings.fhir_server
    if server is None:
        raise ValueError("[lab_consumer.fhir_server] is missing")
    source, queue = make_source(server), SqlPullQueue(engine, server.url)
    limits = JsonLimits(server.max_page_bytes, settings.max_depth, _ELEMENTS)
    take = TakePages(receive, limits, max(settings.max_entries, server.page_size), settings.base_url)
    pauses = Pauses(server.retry_s, server.longest_retry_s)
    bounds = Bounds(server.page_size, server.max_pages, timedelta(seconds=server.overlap_s))
    polled = USED_TYPES if settings.slide_ingestion_address else FACT_TYPES
    pull = Pull(source, queue, take, settings.identity_map, bounds, pauses, now, pull_failed, polled)
    return Pulling(source, queue, pull, Puller(pull.wishes, pull.poll, server.poll_s, pauses))
