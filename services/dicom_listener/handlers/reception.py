"""What a door talks to: the use case for each object, and the watch over studies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.dicom_listener.handlers.receive import ReceiveInstance
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.inbox import Stored
from services.dicom_listener.ports.receiving import Received
from services.dicom_listener.ports.stores import Catalogue
from shared.domain.refusals import Cause


@dataclass(frozen=True, slots=True)
class StudyReception:
    """Implements ``ports.inbox.Arrivals``: judges every object as it comes."""

    receive: ReceiveInstance
    watch: StudyWatch
    copy_out: Callable[[str], Path]
    """Gives a stored object (its URI) as a spooled file."""

    def opened(self, association: int, sender: str) -> None:
        """An association was accepted."""
        self.watch.opened(association, sender)

    def stored(self, stored: Stored) -> None:
        """An object came."""
        said = stored.announced
        path = self.copy_out(stored.uri)
        received = Received(
            path, said.transfer_syntax, said.sop_class_uid, said.sop_instance_uid, said.association, said.sender
        )
        outcome = self.receive(received)
        path.unlink(missing_ok=True)
        if outcome.study_instance_uid:
            self.watch.arrived(said.association, outcome.study_instance_uid)
        if not outcome.answer.success:
            self.watch.refused(said.association)

    def refused(self, association: int, cause: Cause) -> None:  # noqa: ARG002
        """An object was refused."""
        self.watch.refused(association)

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
