"""The page of a finding, its nomogram drawn from the bundle that answered."""

from __future__ import annotations

from dataclasses import dataclass

from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding


@dataclass(frozen=True, slots=True)
class PrintedPages:
    """Prints findings as PDF."""

    style: Style

    def page(self, finding: Finding) -> bytes:
        """Return the PDF."""
        return b"%PDF-1.4 " + finding.result_key.encode()
