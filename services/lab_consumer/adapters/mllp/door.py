"""The MLLP door of a site, from its settings."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from services.lab_consumer.adapters.mllp.connection import Pace
from services.lab_consumer.adapters.mllp.desk import Desk, MessageRules
from services.lab_consumer.adapters.mllp.server import MllpServer, Places
from services.lab_consumer.config import Settings
from services.lab_consumer.formats.v2.order import OrderPlaces
from services.lab_consumer.handlers.messages import TakeMessage
from services.lab_consumer.handlers.receive import Receive
from shared.domain.refusals import Cause
from shared.hl7.reading.continuation import Room
from shared.hl7.reading.message import Limits
from shared.security.door_tls import server_context
from shared.web.server import Address

_CONTROL_ID = 20
"""Characters of MSH-10 (v2.5.1: ST of 20)."""


def open_mllp(
    settings: Settings, receive: Receive, trouble: Callable[[], Cause | None], now: Callable[[], datetime]
) -> MllpServer | None:
    """Bind the door; None where the site has none.

    Raises:
        OSError: If the port is taken or a certificate cannot be read.
    """
    if settings.mllp_port is None:
        return None
    context = None
    if settings.mllp_tls_certificate and settings.mllp_tls_key:
        context = server_context(
            settings.mllp_tls_certificate, settings.mllp_tls_key, settings.mllp_tls_client_ca, "mllp_"
        )
    room = Room(settings.mllp_max_unfinished_bytes)
    desk = Desk(TakeMessage(receive), _rules(settings), trouble, now, lambda: uuid.uuid4().hex[:_CONTROL_ID], room)
    places = Places(
        settings.mllp_allowed_networks, settings.mllp_max_connections, settings.mllp_max_connections_per_address
    )
    pace = Pace(settings.mllp_max_message_bytes, settings.mllp_message_timeout_s, settings.mllp_idle_timeout_s)
    address = Address(settings.mllp_host, settings.mllp_port, "lab_consumer.mllp_port")
    return MllpServer(address, context, places, pace, desk)


def _rules(settings: Settings) -> MessageRules:
    return MessageRules(
        identities=settings.identity_map,
        code_systems=settings.mllp_code_systems,
        zone=ZoneInfo(settings.mllp_time_zone),
        processing_id=settings.mllp_processing_id,
        limits=Limits(settings.mllp_max_segments, settings.mllp_default_character_set),
        max_bytes=settings.mllp_max_message_bytes,
        places=OrderPlaces(**settings.slide_orders.model_dump()),
    )
