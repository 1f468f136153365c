"""An EHR as FHIR server: one transaction, then everything is read back and compared before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.results.deliver.adapters.answers import once_sent
from services.results.deliver.adapters.fhir_chart import Charts
from services.results.deliver.adapters.fhir_client import FhirClient
from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_bundle import RETRACTED, result_search, retraction, to_transaction
from services.results.deliver.formats.readback import fhir_differences
from services.results.deliver.formats.style import Style
from services.results.deliver.ports import Sent
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.case import FindingKind
from shared.domain.errors import PermanentError, TemporaryError
from shared.domain.identity import IdentityMap
from shared.fhir.writing.elements import Json

# With four conditional creates this keeps a transaction at eight entries; servers limit what they run in isolation.
_RETRACTED_AT_ONCE = 4
_READ_BACK = ("RiskAssessment", "Observation")


@dataclass(frozen=True, slots=True)
class FhirSink:
    """Sends results to one FHIR server."""

    name: str
    client: FhirClient
    style: Style
    identities: IdentityMap

    def object_id(self, finding: Finding) -> str:  # noqa: ARG002
        """Return nothing: the server names what it creates; earlier revisions are found there by case and revision."""
        return ""

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Write the result and take back what it replaces, in one transaction.

        Raises:
            OncoRelayError: Permanent or temporary, by the table in ``answers``.
        """
        chart = self._few_to_retract(finding, Charts(self.client, self.identities).of(finding, predecessors))
        bundle = to_transaction(finding, chart, self.style)
        if bundle:
            self.client.transact(bundle)
        with once_sent():
            self._check_retracted(chart)
            if bundle is None or finding.kind is FindingKind.WITHDRAWN:
                return self._withdrawn(predecessors)
            left = [self._read_back(finding, kind, bundle) for kind in _READ_BACK]
        return Sent(left[0], f"{self.client.server.base.rstrip('/')}/{left[0]}")

    def _few_to_retract(self, finding: Finding, chart: Chart) -> Chart:
        """Take back the oldest on their own where there are many; until the new one is there, none is current."""
        while len(chart.earlier) > _RETRACTED_AT_ONCE:
            oldest = replace(chart, earlier=chart.earlier[:_RETRACTED_AT_ONCE])
            self.client.transact(retraction(finding, oldest))
            self._check_retracted(oldest)
            chart = replace(chart, earlier=chart.earlier[_RETRACTED_AT_ONCE:])
        return chart

    def _check_retracted(self, chart: Chart) -> None:
        for row in chart.earlier:
            literal = f"{row['resourceType']}/{row['id']}"
            there = self.client.read(literal)
            if there is not None and there.get("status") != RETRACTED:
                raise TemporaryError(f"{self.name} still shows {literal} as {there.get('status')}")

    def _read_back(self, finding: Finding, kind: str, bundle: Json) -> str:
        """Return ``Type/id`` of the one stored resource of this kind, compared with what was sent."""
        sent = next(row["resource"] for row in bundle["entry"] if row["resource"]["resourceType"] == kind)
        rows = self.client.search(kind, result_search(finding, self.style))
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
        return Sent(left.object_id, left.location) if left else Sent("", self.client.server.base)
