"""What one FHIR server takes: its CapabilityStatement, read once and again after something went wrong."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import structlog

from services.results.deliver.adapters.fhir_client import FhirClient
from services.results.deliver.formats.form import Chosen, choose

log = structlog.get_logger("oncorelay.results.deliver")


@dataclass(slots=True)
class Capability:
    """The form results take at one server; several workers share it."""

    client: FhirClient
    _chosen: Chosen | None = field(default=None, init=False)
    _told: str = field(default="", init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def chosen(self) -> Chosen:
        """Return the form, asking the server the first time.

        Raises:
            PermanentError: If the server takes nothing we could write.
            TemporaryError: If it cannot be asked.
        """
        with self._lock:
            if self._chosen is None:
                self._chosen = choose(self.client.capabilities())
                self._tell(self._chosen)
            return self._chosen

    def forget(self) -> None:
        """Ask again next time: a server that failed may have become another."""
        with self._lock:
            self._chosen = None

    def _tell(self, chosen: Chosen) -> None:
        if chosen.sentence != self._told:
            log.info("fhir_form_chosen", sink=self.client.name, form=chosen.form.value, reason=chosen.reason)
            self._told = chosen.sentence
