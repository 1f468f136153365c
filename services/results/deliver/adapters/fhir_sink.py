"""An EHR as FHIR server: one transaction, then everything is read back and compared before it counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from services.results.deliver.adapters.answers import once_sent
from services.results.deliver.adapters.fhir_capability import Capability
from services.results.deliver.adapters.fhir_chart import Charts
from services.results.deliver.formats.fhir_bundle import (
    has_page,
    in_parts,
    replaced_first,
    search_of,
    suited,
    to_transaction,
)
from services.results.deliver.formats.fhir_retraction import RETRACTED
from services.results.deliver.formats.form import Chosen
from services.results.deliver.formats.readback import fhir_differences
from services.results.deliver.formats.style import Style
from services.results.deliver.ports import Pages, Sent
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.case import FindingKind
from shared.domain.errors import OncoRelayError, PermanentError, TemporaryError
from shared.domain.identity import IdentityMap
from shared.fhir.writing.elements import Json

_LARGEST_TRANSACTION = 8
"""Entries; servers limit what they run in isolation (Medplum: eight)."""
_READ_BACK = frozenset({"RiskAssessment", "Observation", "DiagnosticReport", "DocumentReference"})


@dataclass(frozen=True, slots=True)
class FhirSink:
    """Sends results to one FHIR server, in the best form it takes."""

    name: str
    capability: Capability
    style: Style
    identities: IdentityMap
    pages: Pages

    def object_id(self, finding: Finding) -> str:  # noqa: ARG002
        """Return nothing: the server names what it creates; earlier revisions are found there by case and revision."""
        return ""

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Write the result and take back what it replaces, in one transaction.

        Raises:
            OncoRelayError: Permanent or temporary, by the table in ``answers``.
        """
        chosen = self.capability.chosen()
        with self._asking_again():
            return self._deliver(finding, predecessors, chosen)

    def _deliver(self, finding: Finding, predecessors: Sequence[Predecessor], chosen: Chosen) -> Sent:
        client, chosen = self.capability.client, suited(finding, chosen)
        chart = Charts(client, self.identities, chosen.known).of(finding, predecessors)
        page = self.pages.page(finding) if has_page(finding, chosen) else b""
        bundle = to_transaction(finding, chart, self.style, chosen, page)
        if bundle:
            self._write(bundle, chosen)
        with once_sent():
            self._check_retracted(chart.earlier)
            if bundle is None or finding.kind is FindingKind.WITHDRAWN:
                return self._withdrawn(predecessors)
            new = [row["resource"] for row in bundle["entry"] if row["request"]["method"] == "POST"]
            left = {row["resourceType"]: self._read_back(row) for row in new if row["resourceType"] in _READ_BACK}
        return Sent(left[chosen.form], f"{client.server.base.rstrip('/')}/{left[chosen.form]}")

    @contextmanager
    def _asking_again(self) -> Iterator[None]:
        """Read what the server takes again after a failure: it may have become another."""
        try:
            yield
        except OncoRelayError:
            self.capability.forget()
            raise

    def _write(self, bundle: Json, chosen: Chosen) -> None:
        if chosen.transaction:
            for part in in_parts(bundle, _LARGEST_TRANSACTION):
                self.capability.client.transact(part)
            return
        for row in replaced_first(bundle):
            self._write_alone(row)

    def _write_alone(self, row: Json) -> None:
        if row["request"]["method"] == "PUT":
            self.capability.client.replace(row["resource"])
        else:
            self.capability.client.create_once(row["resource"], row["request"]["ifNoneExist"])

    def _check_retracted(self, earlier: Sequence[Json]) -> None:
        for row in earlier:
            literal = f"{row['resourceType']}/{row['id']}"
            there = self.capability.client.read(literal)
            if there is not None and there.get("status") != RETRACTED:
                raise TemporaryError(f"{self.name} still shows {literal} as {there.get('status')}")

    def _read_back(self, sent: Json) -> str:
        """Return ``Type/id`` of the one stored resource with this identifier, compared with what was sent."""
        kind = sent["resourceType"]
        rows = self.capability.client.search(kind, search_of(sent))
        stored = [row for row in rows if sent["identifier"][0] in row.get("identifier", [])]
        if not stored:
            raise TemporaryError(f"{self.name} took the transaction and does not find the {kind}")
        if len(stored) > 1:
            raise PermanentError(f"{self.name} holds the {kind} {len(stored)} times")
        different = fhir_differences(sent, stored[0])
        if different:
            raise PermanentError(f"{self.name} holds something else than was sent: {', '.join(different[:5])}")
        return f"{kind}/{stored[0]['id']}"

    def _withdrawn(self, predecessors: Sequence[Predecessor]) -> Sent:
        left = predecessors[-1] if predecessors else None
        return Sent(left.object_id, left.location) if left else Sent("", self.capability.client.server.base)
