"""N-EVENT-REPORT to a requestor, always on an association of our own (PS3.4 J.3.3: it may, and only this is safe)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pynetdicom import build_role

from services.dicom_listener.formats.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE, event_information, event_type
from services.dicom_listener.ports.commitment import CommitmentReport, ReportRefusedError
from shared.dicom.scu import CalledNode
from shared.domain.errors import NotFoundError, UnavailableError

_SUCCESS = 0x0000
_FOR_GOOD = frozenset({0x0112, 0x0113, 0x0114, 0x0115, 0x0118, 0x0119, 0x0124, 0x0211})
"""PS3.7 10.1.1.1.8: the requestor will not know this transaction, event or class any better tomorrow."""


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a requestor listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class EventReports:
    """Implements ``ports.commitment.Reporter``."""

    calling_ae_title: str
    peers: Mapping[str, PeerAddress]
    timeout_s: float

    def report(self, requestor: str, report: CommitmentReport) -> None:
        """Associate, report, release."""
        address = self.peers.get(requestor)
        if address is None:
            raise NotFoundError("peer", requestor)
        association = self._associate(requestor, address)
        try:
            status = self._send(association, report)
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            # What pynetdicom raises where the context or the role was not accepted, or the association is gone.
            raise UnavailableError(f"{requestor} did not take our report of storage commitment") from error
        finally:
            association.release()
        if status != _SUCCESS:
            raise ReportRefusedError(
                f"{requestor} answered our report of storage commitment with 0x{status:04X}",
                for_good=status in _FOR_GOOD,
            )

    def _associate(self, requestor: str, address: PeerAddress) -> Any:
        node = CalledNode(address.host, address.port, requestor, self.calling_ae_title, self.timeout_s)
        # PS3.7 D.3.3.4: the requestor of an association is SCU unless it proposes otherwise.
        roles: list[Any] = [build_role(PUSH_MODEL, scp_role=True)]
        asked = node.ask([PUSH_MODEL], roles=roles)
        if not asked.established:
            raise UnavailableError(f"{requestor} does not accept our association for storage commitment")
        return asked.association

    def _send(self, association: Any, report: CommitmentReport) -> int:
        status, _ = association.send_n_event_report(
            event_information(report), event_type(report), PUSH_MODEL, PUSH_MODEL_INSTANCE
        )
        return int(status.get("Status", 0x0110))
