"""A laboratory information system by ORU^R01 over MLLP; delivered means that it answered AA to this message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.results.deliver.adapters.mllp_client import MllpClient
from services.results.deliver.formats.hl7_report import Addressed, control_id, to_oru
from services.results.deliver.formats.style import Style
from services.results.deliver.ports import RefusedError, Sent
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.errors import PermanentError, TemporaryError, UnavailableError
from shared.domain.identity import IdentityMap
from shared.hl7.reading.acknowledgment import Answered, read
from shared.hl7.refusal import RefusedMessageError

_REJECTED = ("AR", "CR")
_ERRORS = ("AE", "CE")


@dataclass(frozen=True, slots=True)
class MllpSink:
    """Sends results about slides to one laboratory system."""

    name: str
    client: MllpClient
    style: Style
    addressed: Addressed
    identities: IdentityMap

    def object_id(self, finding: Finding) -> str:
        """Return MSH-10: the same for every try, so that the receiver knows a repeat."""
        return control_id(finding, self.style)

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Send the message and wait for its AA.

        Raises:
            RefusedError: If the receiver rejects it (AR).
            TemporaryError: If the receiver has an error of its own (AE), or only keeps it (CA).
            UnavailableError: If it answers nothing, or nothing that can be understood.
            PermanentError: If the site's map has no HL7 name for the patient's assigning authority.
        """
        content = to_oru(finding, predecessors, self.style, self.addressed, hl7_authority(self.identities, finding))
        name = self.object_id(finding)
        self._judge(self._understood(self.client.exchange(content), name))
        return Sent(name, f"mllp://{self.client.host}:{self.client.port}/{name}")

    def _understood(self, block: bytes, name: str) -> Answered:
        try:
            answered = read(block)
        except RefusedMessageError as error:
            self.client.close()
            raise UnavailableError(f"{self.name} answered no acknowledgment ({error.element})") from None
        if answered.control_id != name:
            self.client.close()
            raise UnavailableError(f"{self.name} acknowledged another message than the one it was sent")
        return answered

    def _judge(self, answered: Answered) -> None:
        if answered.code == "AA":
            return
        conditions = "; ".join(answered.conditions)
        said = f"{self.name} answered {answered.code}" + (f": {conditions}" if conditions else "")
        if answered.code in _REJECTED:
            raise RefusedError(said)
        if answered.code in _ERRORS:
            raise TemporaryError(said)
        raise TemporaryError(f"{said}: it keeps the message and does not say that it could use it; AA is needed")


def hl7_authority(identities: IdentityMap, finding: Finding) -> str:
    """Return what the site's HL7 messages call the patient's assigning authority.

    Raises:
        PermanentError: If the site's map does not say.
    """
    row = identities.authority(finding.identity.authority)
    if row is None or not row.hl7_authority:
        raise PermanentError("the site's identity map has no hl7_authority for the patient's assigning authority")
    return row.hl7_authority
