"""The listener's doors: C-STORE with what it offers and whom it lets in, and STOW-RS."""

from __future__ import annotations

from itertools import count

import structlog

from services.dicom_listener.adapters.commitment_service import CommitmentService
from services.dicom_listener.adapters.door_settings import Behind, DoorSettings
from services.dicom_listener.adapters.doors import STORAGE_CLASSES, door_named
from services.dicom_listener.adapters.stow_door import SCOPE, StowDoor, StowLimits, StowServer, overloaded
from services.dicom_listener.config import Settings
from services.dicom_listener.handlers.admission import Admission, AdmissionRules, Bond
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.store_parts import Accepted, StoreParts
from services.dicom_listener.ports.receiving import Door
from shared.dicom.self_check import PROVE, proven, self_check
from shared.domain.errors import PermanentError
from shared.jail.jail import Jail
from shared.security.door_tls import server_context
from shared.security.doorkeeper import open_door
from shared.web.pulled_body import Pace
from shared.web.server import Address, HttpServer

log = structlog.get_logger("oncorelay.dicom_listener")

_MIB = 1024 * 1024
_FIRST_REQUEST = 1 << 40
"""STOW-RS requests are numbered from here, associations from 1: one number is one of both."""


def offered(jail: Jail) -> tuple[str, ...]:
    """Return the transfer syntaxes that were proven just now, in the jail where pixels will be looked at."""

    def prove(transfer_syntax: str) -> str:
        try:
            return str(jail.call(PROVE, {"transfer_syntax": transfer_syntax}))
        except PermanentError as error:
            return f"decoding the sample ended badly ({error})"

    proofs = self_check(prove)
    missing = {proof.transfer_syntax: proof.doubt for proof in proofs if not proof.proven}
    if missing:
        log.info("transfer_syntaxes_not_offered", reasons=missing)
    return proven(proofs)


def stow_door(settings: Settings, transfer_syntaxes: tuple[str, ...], intake: Intake) -> StowServer | None:
    """Return the STOW-RS door, where the site has one."""
    if settings.stow_port is None:
        return None
    accepted = Accepted(frozenset(STORAGE_CLASSES), frozenset(transfer_syntaxes), settings.max_object_mb * _MIB)
    pace = Pace(settings.stow_idle_s, settings.stow_longest_s, settings.stow_min_kb_per_s * 1000)
    limits = StowLimits(settings.stow_max_parts, settings.stow_max_requests, pace)
    doorkeeper = open_door(settings.stow_key_path, settings.stow_oidc, SCOPE)
    door = StowDoor(StoreParts(intake, accepted), intake.gatekeeper, doorkeeper, count(_FIRST_REQUEST), limits)
    address = Address(
        settings.stow_host,
        settings.stow_port,
        "dicom_listener.stow_port",
        settings.stow_tls_certificate,
        settings.stow_tls_key,
    )
    return StowServer(door, HttpServer(door.application(), address, 2 * limits.max_requests, overloaded()))


def store_door(
    settings: Settings, transfer_syntaxes: tuple[str, ...], intake: Intake, commitment: CommitmentService
) -> Door:
    """Return the C-STORE door the site chose."""
    rules = AdmissionRules(
        ae_title=settings.ae_title,
        calling_ae_titles=frozenset(settings.calling_ae_titles),
        networks=settings.allowed_networks,
        max_associations=settings.max_associations,
        max_per_sender=settings.max_associations_per_sender,
        per_minute=settings.associations_per_minute,
        bonds={peer.ae_title: Bond(peer.certificate_name, peer.networks) for peer in settings.peers},
    )
    behind = Behind(Admission(rules, intake.gatekeeper), intake, (commitment,))
    return door_named(settings.door, _door_settings(settings, transfer_syntaxes), behind)


def _door_settings(settings: Settings, transfer_syntaxes: tuple[str, ...]) -> DoorSettings:
    certificate, key = settings.tls_certificate, settings.tls_key
    return DoorSettings(
        ae_title=settings.ae_title,
        storage_classes=STORAGE_CLASSES,
        transfer_syntaxes=transfer_syntaxes,
        calling_ae_titles=settings.calling_ae_titles,
        spool_folder=settings.object_folder / "incoming",
        host=settings.host,
        port=settings.port,
        tls_port=settings.tls_port,
        tls=server_context(certificate, key, settings.tls_client_ca) if certificate and key else None,
        max_associations=settings.max_associations,
        max_waiting=settings.max_waiting_connections,
        max_per_address=settings.max_connections_per_address,
        max_object_bytes=settings.max_object_mb * _MIB,
        acse_timeout_s=settings.acse_timeout_s,
        network_timeout_s=settings.network_timeout_s,
        stop_grace_s=settings.stop_grace_s,
    )
