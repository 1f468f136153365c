"""Finding the right chart, and reading from it what a rendering must know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.results.deliver.adapters.fhir_client import FhirClient
from services.results.deliver.formats.chart import Chart, sources, tumour
from services.results.deliver.formats.fhir_parts import revision
from services.results.deliver.formats.fhir_retraction import RETRACTED
from services.results.deliver.formats.form import OUR_KINDS
from services.results.ledger.findings import Finding, Predecessor
from shared.codes import local
from shared.domain.case import FindingKind
from shared.domain.errors import PermanentError
from shared.domain.identity import IdentityMap
from shared.fhir.reading.patient import read_patient
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.writing.elements import Json, reference
from shared.fhir.writing.transaction import by_token

# Type/id (FHIR R4, id: 64 letters, digits, "-" and "."); what is absolute lies on another server.
_RELATIVE = re.compile(r"[A-Z][A-Za-z]{1,63}/(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}")
_REVISIONS_AT_ONCE = 20  # keeps the search below 2,000 characters


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of one server."""

    client: FhirClient
    identities: IdentityMap
    kinds: frozenset[str] = frozenset(OUR_KINDS)
    """What of ours this server may hold, whichever form it was written in."""

    def of(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Chart:
        """Return the chart of the finding's patient.

        Raises:
            PermanentError: If there is not exactly one such Patient, or it contradicts the images (identity conflict).
        """
        if finding.kind is FindingKind.WITHDRAWN:
            # Taking back needs no chart: it must work where the Patient was merged, renamed or removed meanwhile.
            return Chart({}, {}, tuple(self._earlier(finding, predecessors)))
        patient = f"Patient/{self._patient(finding)['id']}"
        known = {source: literal for source, literal in self._known(finding, patient) if literal}
        return Chart(reference(patient), known, tuple(self._earlier(finding, predecessors)))

    def _patient(self, finding: Finding) -> Json:
        """Return the one Patient with the identifier; never created, never changed, never matched by name."""
        authority = self.identities.authority(finding.identity.authority)
        if authority is None or not authority.fhir_system:
            raise PermanentError("the site's identity map has no FHIR system for the patient's assigning authority")
        query = by_token("identifier", authority.fhir_system, finding.identity.identifier)
        rows = [row for row in self.client.search("Patient", query) if self._is(row, finding)]
        if len(rows) != 1:
            raise PermanentError(f"{self.client.name} has {len(rows)} Patients with this identifier; one is needed")
        patient = rows[0]
        if patient.get("active") is False or any(row.get("type") == "replaced-by" for row in patient.get("link", [])):
            raise PermanentError(f"{self.client.name} has the Patient as inactive or replaced by another")
        self._agree(patient, finding)
        return patient

    def _is(self, patient: Json, finding: Finding) -> bool:
        """A server that ignores what it does not know would return every Patient."""
        authority = self.identities.authority(finding.identity.authority)
        system = authority.fhir_system if authority else ""
        stated = [(row.get("system"), row.get("value")) for row in patient.get("identifier", [])]
        return (system, finding.identity.identifier) in stated

    def _agree(self, patient: Json, finding: Finding) -> None:
        try:
            there = read_patient(patient, self.identities).demographics
        except RefusedElementError as error:
            raise PermanentError(f"{self.client.name} has a Patient that cannot be read: {error}") from error
        different = finding.demographics.contradictions(there)
        if different:
            ours = "the record the values came from" if finding.study.panel else "images"
            raise PermanentError(
                f"identity conflict: {ours} and {self.client.name} differ in {' and '.join(different)}"
            )

    def _known(self, finding: Finding, patient: str) -> Iterator[tuple[str, str]]:
        """Return for each source the reference it has here, if it is about this patient."""
        wanted = sources(finding)
        condition = tumour(finding)
        for source, version in (wanted | ({condition: ""} if condition else {})).items():
            yield source, self._reference(source, version, patient)

    def _reference(self, source: str, version: str, patient: str) -> str:
        """Return the versioned reference where that version can be read, else the plain one, else nothing."""
        current = self.client.read(source) if _RELATIVE.fullmatch(source) else None
        if current is None or self._local(current.get("subject", {}).get("reference", "")) != patient:
            return ""
        if not version:
            return source
        exact = current if current.get("meta", {}).get("versionId") == version else None
        exact = exact or self.client.read(f"{source}/_history/{version}")
        return f"{source}/_history/{version}" if exact else source

    def _local(self, literal: str) -> str:
        """Return a reference relative to this server, however the server writes it."""
        return literal.removeprefix(f"{self.client.server.base.rstrip('/')}/")

    def _earlier(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Iterator[Json]:
        """Return what earlier revisions left and still counts.

        Looked for by case and revision, not only where the ledger says something was left: a delivery may have reached
        the server although its answer never reached us.
        """
        seen = set()
        names = [revision(finding.case_id, number) for number in range(1, finding.revision)]
        for kind in self._ours():
            for row in self._of_revisions(kind, finding):
                seen.add(f"{kind}/{row['id']}")
                if row.get("status") != RETRACTED:
                    yield row
        for predecessor in predecessors:
            kind = predecessor.object_id.partition("/")[0]
            if predecessor.object_id not in seen and kind in OUR_KINDS:
                left = self.client.read(predecessor.object_id)
                if left and left.get("status") != RETRACTED and _is_ours(left, names):
                    yield left

    def _ours(self) -> tuple[str, ...]:
        """Return the kinds to look for; what people open comes last, and so is taken back with what replaces it."""
        return tuple(kind for kind in OUR_KINDS if kind in self.kinds)

    def _of_revisions(self, kind: str, finding: Finding) -> Iterator[Json]:
        names = [revision(finding.case_id, number) for number in range(1, finding.revision)]
        for start in range(0, len(names), _REVISIONS_AT_ONCE):
            chunk = names[start : start + _REVISIONS_AT_ONCE]
            tokens = [by_token("", local.REVISION_SYSTEM, name).removeprefix("=") for name in chunk]
            for row in self.client.search(kind, f"identifier={','.join(tokens)}"):
                if _is_ours(row, chunk):
                    yield row


def _is_ours(resource: Json, names: Sequence[str]) -> bool:
    """Tell whether a resource names itself as one of these revisions: another server may use the same ids."""
    stated = [(row.get("system"), row.get("value")) for row in resource.get("identifier", [])]
    return any((local.REVISION_SYSTEM, name) in stated for name in names)
