"""Puts the lab consumer together: the only file that names concrete adapters."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import grpc

from services.lab_consumer.adapters import database
from services.lab_consumer.adapters.announcer import Announcer, announcement_failed
from services.lab_consumer.adapters.erasure import SqlErasure
from services.lab_consumer.adapters.erasure_server import ErasureServicer
from services.lab_consumer.adapters.grpc_server import LabConsumerServicer
from services.lab_consumer.adapters.http_body import Threshold
from services.lab_consumer.adapters.http_door import Door, make_app, overloaded
from services.lab_consumer.adapters.mllp.door import open_mllp
from services.lab_consumer.adapters.ndjson_door import NdjsonDoor
from services.lab_consumer.adapters.notification_door import NotificationDoor
from services.lab_consumer.adapters.operations import operations
from services.lab_consumer.adapters.outbox import SqlOutbox
from services.lab_consumer.adapters.pulling import make_pulling
from services.lab_consumer.adapters.results_door import ResultsDoor
from services.lab_consumer.adapters.slide_orders import SqlOrderOutbox
from services.lab_consumer.adapters.store import SqlFactStore
from services.lab_consumer.config import Settings
from services.lab_consumer.handlers.announce import AnnounceDue
from services.lab_consumer.handlers.gate import Gate
from services.lab_consumer.handlers.intake import Intake
from services.lab_consumer.handlers.judge import OrderRules
from services.lab_consumer.handlers.lines import IntakeLines
from services.lab_consumer.handlers.order_slides import OrderSlides
from services.lab_consumer.handlers.panels import PanelRules, panel_names
from services.lab_consumer.handlers.questions import GetFacts, ListRefusals
from services.lab_consumer.handlers.receive import Receive
from shared.domain.errors import OncoRelayError
from shared.domain.pauses import Pauses
from shared.fhir.reading.json_text import JsonLimits
from shared.observability import tracing
from shared.observability.loops import Loop
from shared.predictors.registry import PANEL_PREDICTORS
from shared.rpc import server
from shared.rpc.slide_ingestion_client import SlideIngestionClient
from shared.security.doorkeeper import Doorkeeper, open_door
from shared.site.site_secret import make_secret, read_secret
from shared.web.pulled_body import Pace
from shared.web.server import Address, HttpServer

_STOP_S = 5.0
_LONGEST_NDJSON_S = 3600.0
"""Longest wait for the pieces of one NDJSON body in all, in seconds."""
_SLOWEST_NDJSON = 1000.0
"""Slowest pace of an NDJSON body, in bytes per second."""
_PULSE_S = 1.0
"""Pause between two questions whether results is there, in seconds."""
SCOPE = "facts.write"
"""What a caller of the FHIR door must be allowed to do."""


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def new_request_id() -> str:
    """Return the identifier of one announcement; its trace begins here, linked to the request that changed facts."""
    made = str(uuid.uuid4())
    tracing.origin("announcement", made, "facts.changed")
    return made


class LabConsumer:
    """The running service; ``http_port`` and ``mllp_port`` (0: none) are the ports that were bound."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        doorkeeper = open_door(settings.key_path, settings.oidc, SCOPE)
        self._engine = database.open_engine(settings.facts_url)
        database.check_schema(self._engine)
        self._store = SqlFactStore(self._engine, now, new_request_id)
        self._results = ResultsDoor(settings.results_address, settings.site.tls("lab_consumer"))
        self._slides = self._slide_ingestion()
        self._announcer = Announcer(self._announce_due(), settings.poll_s)
        self._orders = Announcer(self._order_slides(), settings.poll_s, "slide_orders_handed_over")
        self._gate = self._make_gate()
        self._pulse = Loop("results", self._gate.ask_results, _PULSE_S)
        self._receive = Receive(
            self._store, settings.identity_map, self._wake, now, settings.site_codes, panel_rules(settings),
            OrderRules(bool(settings.slide_ingestion_address), settings.slide_codes),
        )  # fmt: skip
        self._pulling = make_pulling(settings, self._engine, self._receive, now) if settings.fhir_server else None
        app = make_app(self._door(doorkeeper))
        address = Address(
            settings.http_host, settings.http_port, "lab_consumer.http_port",
            settings.http_tls_certificate, settings.http_tls_key,
        )  # fmt: skip
        self._http = HttpServer(app, address, settings.max_connections, overloaded())
        self.http_port = self._http.port
        self._mllp = open_mllp(settings, self._receive, self._gate.refusal, now)
        self.mllp_port = self._mllp.port if self._mllp else 0
        self._grpc: grpc.Server | None = None
        outbox = SqlOutbox(self._engine)
        self.operations = operations(
            settings, lambda: self._store.refusals(1), outbox, self._pulling, self._mllp, SqlOrderOutbox(self._engine)
        )

    def start(self) -> None:
        """Open the doors and begin announcing."""
        get_facts = GetFacts(self._store, self._pulling.asked) if self._pulling else GetFacts(self._store)
        servicer = LabConsumerServicer(get_facts, ListRefusals(self._store), now)
        tls = self._settings.site.tls("lab_consumer")
        self._grpc = server.start(self._settings.grpc_address, lambda door: self._register(door, servicer), tls=tls)
        self._pulse.start()
        self._http.start()
        if self._mllp:
            self._mllp.start()
        self._announcer.start()
        self._orders.start()
        if self._pulling:
            self._pulling.puller.start()

    def _register(self, door: grpc.Server, servicer: LabConsumerServicer) -> None:
        servicer.register(door)
        ErasureServicer(SqlErasure(self._engine)).register(door)

    def stop(self) -> None:
        """Close in order: no new requests, then no announcements, then the database."""
        self._ndjson.stop()
        self._http.stop()
        if self._mllp:
            self._mllp.stop()
        if self._grpc:
            self._grpc.stop(_STOP_S).wait()
        if self._pulling:
            self._pulling.stop()
        self._announcer.stop()
        self._orders.stop()
        self._pulse.stop()
        self._results.close()
        if self._slides:
            self._slides.close()
        self._engine.dispose()

    def _wake(self) -> None:
        self._announcer.wake()
        self._orders.wake()

    def _announce_due(self) -> AnnounceDue:
        return AnnounceDue(SqlOutbox(self._engine), self._results, self._pauses, now, announcement_failed)

    def _order_slides(self) -> Callable[[], int]:
        """Return what empties the outbox towards slide ingestion; without one nothing is in it."""
        if self._slides is None:
            return lambda: 0
        outbox = SqlOrderOutbox(self._engine)
        return OrderSlides(outbox, self._slides, self._pauses, now, announcement_failed)

    @property
    def _pauses(self) -> Pauses:
        return Pauses(self._settings.announce_retry_s, self._settings.announce_longest_retry_s)

    def _slide_ingestion(self) -> SlideIngestionClient | None:
        address = self._settings.slide_ingestion_address
        return SlideIngestionClient(address, tls=self._settings.site.tls("lab_consumer")) if address else None

    def _door(self, doorkeeper: Doorkeeper) -> Door:
        settings = self._settings
        limits = JsonLimits(settings.max_body_bytes, settings.max_depth)
        self._ndjson = self._ndjson_door(self._receive, limits)
        intake = Intake(self._receive, limits, settings.max_entries, settings.base_url)
        threshold = Threshold(doorkeeper, settings.max_body_bytes, settings.body_timeout_s, self._gate.refusal)
        started = now().isoformat(timespec="seconds")
        notify = self._pulling.notify(self._receive, limits, settings.max_entries) if self._pulling else None
        notifications = NotificationDoor(notify, threshold)
        return Door(intake, threshold, self._healthy, version("oncorelay"), started, self._ndjson, notifications)

    def _ndjson_door(self, receive: Receive, limits: JsonLimits) -> NdjsonDoor:
        settings = self._settings
        pace = Pace(settings.body_timeout_s, _LONGEST_NDJSON_S, _SLOWEST_NDJSON)
        lines = IntakeLines(receive, limits, settings.base_url, self._gate.refusal)
        return NdjsonDoor(lines, pace, settings.max_ndjson_bytes)

    @property
    def where(self) -> str:
        """Return the addresses of its doors."""
        http = f"{self._settings.http_host}:{self.http_port}"
        return f"{http}, MLLP {self._settings.mllp_host}:{self.mllp_port}" if self._mllp else http

    def _make_gate(self) -> Gate:
        settings = self._settings
        return Gate(
            free_bytes=lambda: shutil.disk_usage(settings.site.data_folder).free,
            min_free_bytes=settings.min_free_mb << 20,
            database_well=self._healthy,
            results_well=self._results.healthy,
            ledger_grace_s=settings.ledger_grace_s,
            ticks=time.monotonic,
        )

    def _healthy(self) -> bool:
        try:
            self._store.refusals(1)
        except OncoRelayError:
            return False
        return True


def panel_rules(settings: Settings) -> PanelRules:
    """Return what panels the installed predictors ask for, and how the site groups them.

    Where there is no key of the panels' names yet, one is made.

    Raises:
        InvalidInputError: If there is none and none can be made.
    """
    with contextlib.suppress(OSError):
        make_secret(settings.panel_key_path)
    return PanelRules(
        tuple(one.analytes for one in PANEL_PREDICTORS.values()), timedelta(days=settings.draw_days),
        timedelta(days=settings.draw_oldest_days), settings.draw_opens_with,
        panel_names(settings.site.site_id, read_secret(settings.panel_key_path)),
    )  # fmt: skip


def build(settings: Settings) -> LabConsumer:
    """Return the service, not yet started.

    Raises:
        ConflictError: If the database must be migrated first.
        ForbiddenError: If nothing guards the FHIR door; says how to make a key.
        OSError: If the HTTP port is taken.
    """
    return LabConsumer(settings)


def migrate(settings: Settings, revision: str = "head") -> None:
    """Bring the database's schema up to date, or to ``revision``."""
    engine = database.open_engine(settings.facts_url)
    database.migrate(engine, revision)
    engine.dispose()
