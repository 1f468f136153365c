"""What a door talks to: the use case for each object, and the watch over studies."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from services.dicom_listener.handlers.receive import ReceiveInstance
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.receiving import OUT_OF_RESOURCES, Answer, Received
from services.dicom_listener.ports.stores import Catalogue
from shared.domain.errors import TemporaryError

log = structlog.get_logger("oncorelay.dicom_listener")


@dataclass(frozen=True, slots=True)
class StudyReception:
    """Implements ``ports.receiving.Reception``."""

    receive: ReceiveInstance
    watch: StudyWatch

    def opened(self, association: int, sender: str) -> None:
        """An association was accepted."""
        self.watch.opened(association, sender)

    def received(self, received: Received) -> Answer:
        """An object came."""
        try:
            outcome = self.receive(received)
        except TemporaryError as error:
            log.error("store_failed", sender=received.sender, error=type(error).__name__)  # noqa: TRY400
            self.watch.refused(received.association)
            return Answer(OUT_OF_RESOURCES, "cannot write to disk, try again later")
        if outcome.study_instance_uid:
            self.watch.arrived(received.association, outcome.study_instance_uid)
        if not outcome.answer.success:
            self.watch.refused(received.association)
            log.warning("object_refused", sender=received.sender, status=f"0x{outcome.answer.status:04X}")
        return outcome.answer

    def ended(self, association: int, *, released: bool) -> None:
        """The association is over."""
        self.watch.ended(association, released=released)


def resume_unfinished(catalogue: Catalogue, watch: StudyWatch) -> int:
    """Watch every study that was on its way when the process ended; return how many."""
    studies = catalogue.unfinished_studies()
    for study in studies:
        instances = catalogue.instances(study)
        watch.resume(study, instances[-1].sender)
    return len(studies)
