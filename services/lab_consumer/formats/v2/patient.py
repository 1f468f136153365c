"""The Patient of a message: whose results or orders these are, or why it does not tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from services.lab_consumer.formats.v2.observation import NOTHING, Doubts
from services.lab_consumer.formats.v2.site import DAY, MessageSite, meta_of
from services.lab_consumer.handlers.submission import UNNAMED, Submission
from shared.domain.identity import PatientIdentity
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonObject, canonical
from shared.hl7.reading.message import Segment
from shared.hl7.reading.patient import identity_of
from shared.hl7.reading.times import read_time
from shared.hl7.refusal import RefusedMessageError

# HL7 table 0001 -> http://hl7.org/fhir/administrative-gender (FHIR R4 concept map v2.0001).
_SEXES: Mapping[str, str] = {
    "F": "female", "M": "male", "O": "other", "A": "other", "N": "other", "U": "unknown", "": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the resources of a message are about; where nothing says so, each that would be used says that."""

    found: Submission | RefusedMessageError

    @classmethod
    def of(cls, segment: Segment | None, site: MessageSite) -> Self:
        """Read the PID."""
        try:
            return cls(patient_of(segment, site))
        except RefusedMessageError as error:
            return cls(error)

    @property
    def patient(self) -> Submission | None:
        """Return the Patient; None where nothing says who she is."""
        return self.found if isinstance(self.found, Submission) else None

    @property
    def identity(self) -> PatientIdentity | None:
        """Return her identity."""
        return self.patient.identity if self.patient else None

    def reference(self, doubts: Doubts) -> JsonObject:
        """Return the Reference to her; nothing, and a doubt more, where nothing says who she is."""
        if isinstance(self.found, Submission):
            return {"reference": self.found.source}
        doubts.add(self.found)
        return NOTHING


def patient_of(segment: Segment | None, site: MessageSite) -> Submission:
    """Return the Patient as this message has her.

    Birth date and sex are part of the id: a message that states others makes another Patient, which is refused where
    it contradicts the record, and then its results wait for a Patient that is not there.

    Raises:
        RefusedMessageError: If nothing says who she is.
    """
    if segment is None:
        raise RefusedMessageError("PID", Cause.UNREADABLE, "nothing says whose results these are")
    identity = identity_of(segment.cell(3), site.identities)
    born = read_time(segment.cell(7), site.zone)
    written = segment.cell(8).component(1).text().upper()
    if written not in _SEXES:
        raise RefusedMessageError(segment.cell(8).element, Cause.INVALID_VALUE, "not a sex of HL7 table 0001")
    birth_date = born.moment.date().isoformat() if born and born.parts >= DAY else ""
    said = [identity.authority, identity.identifier, birth_date, _SEXES[written]]
    stated = {"birthDate": birth_date, "gender": _SEXES[written]}
    found = UNNAMED + hashlib.sha256(canonical(["Patient", *said]).encode()).hexdigest()[:32]
    made: JsonObject = {"resourceType": "Patient", "id": found, "identifier": [site.subject(identity)]}
    made |= {name: value for name, value in stated.items() if value} | meta_of(site)
    return Submission("Patient", found, made, place=segment.place, identity=identity)
