"""Results, as the lab consumer needs it: two gRPC services of one process."""

from __future__ import annotations

from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.study import Study
from shared.rpc.clients import ResultsClient
from shared.rpc.governance import GovernanceClient
from shared.security.tls_files import TlsFiles


class ResultsDoor:
    """The port ``Results``; the owner closes it."""

    def __init__(self, address: str, tls: TlsFiles | None = None) -> None:
        self._results, self._governance = ResultsClient(address, tls=tls), GovernanceClient(address, tls=tls)

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        """Say that facts changed."""
        return self._results.announce_facts(request_id, identity)

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        """Hand over a panel."""
        return self._results.submit_case(request_id, panel)

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        """Say that identities changed."""
        return self._governance.report_patient_change(request_id, change)

    def close(self) -> None:
        """Close both channels."""
        self._results.close()
        self._governance.close()

    def healthy(self) -> bool:
        """Tell whether results answers."""
        return self._results.healthy()
