"""One association's way into the inbox; the same steps for every door: refuse, take in, look at the head, commit."""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog

from services.dicom_listener.ports.inbox import Announced, Arrivals, Gatekeeper, Inbox, Incoming, Inlet
from shared.dicom.announcement import contradiction
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import OutOfResourcesError, place
from shared.domain.refusals import ANSWERS, Cause

log = structlog.get_logger("oncorelay.dicom_listener")

_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Intake:
    """What a door needs besides its network."""

    inbox: Inbox
    arrivals: Arrivals
    gatekeeper: Gatekeeper

    def open(self, association: int, sender: str) -> Visit:
        """Begin an association that was accepted; its owner calls ``end``."""
        self.arrivals.opened(association, sender)
        return Visit(self, association, sender)


class Visit:
    """One association; used by one thread."""

    def __init__(self, intake: Intake, association: int, sender: str) -> None:
        self._intake = intake
        self.association, self.sender = association, sender
        self._inlet: Inlet | None = None

    def begin(self, announced: Announced) -> Incoming | Cause:
        """Return where the object goes, or why it is not taken (the door must still read its bytes)."""
        if not (_UID.fullmatch(announced.sop_class_uid) and _UID.fullmatch(announced.sop_instance_uid)):
            return Cause.INVALID_VALUE
        cause = self._intake.gatekeeper.refusal(self.sender)
        if cause:
            return cause
        try:
            if self._inlet is None:
                self._inlet = self._intake.inbox.open(self.association, self.sender)
            return self._inlet.begin(announced)
        except OutOfResourcesError:
            return Cause.OUT_OF_SPACE

    def finish(self, incoming: Incoming, announced: Announced, size: int) -> Cause | None:
        """Make a whole object durable; None: Success may be answered. A refused object is forgotten."""
        cause = _contradiction(incoming, announced, size)
        if cause is None:
            cause = self._commit(incoming)
        if cause:
            incoming.discard()
        return cause

    def _commit(self, incoming: Incoming) -> Cause | None:
        try:
            stored = incoming.commit()
        except OutOfResourcesError:
            return Cause.OUT_OF_SPACE
        except Exception as error:  # noqa: BLE001 - the text may quote the object, so only type and place are logged
            log.error("store_failed", sender=self.sender, error=type(error).__name__, place=place(error))  # noqa: TRY400
            return Cause.INTERNAL
        self._intake.arrivals.stored(stored)
        return None

    def refuse(self, cause: Cause) -> int:
        """Tell that an object was refused; return the status to answer."""
        status = ANSWERS[cause].c_store
        log.warning("object_refused", sender=self.sender, cause=cause.value, status=f"0x{status:04X}")
        self._intake.arrivals.refused(self.association, cause)
        return status

    def end(self, *, released: bool) -> None:
        """End it: released in order, or cut."""
        try:
            if self._inlet is not None:
                self._inlet.close()
        except OSError as error:  # what is committed stays; the study behind it must not wait for an end for ever
            log.warning("inlet_not_closed", error=type(error).__name__)
        finally:
            self._intake.arrivals.ended(self.association, released=released)


def comment_on(cause: Cause) -> str:
    """Return the Error Comment (0000,0902) that goes with a refusal: at most 64 characters, and nobody's name."""
    return ANSWERS[cause].transient * "try again later: " + cause.value.replace("_", " ")


def _contradiction(incoming: Incoming, announced: Announced, size: int) -> Cause | None:
    head = incoming.head()
    return contradiction(
        head,
        whole=len(head) == size,
        implicit=is_implicit(announced.transfer_syntax),
        sop_class_uid=announced.sop_class_uid,
        sop_instance_uid=announced.sop_instance_uid,
    )
