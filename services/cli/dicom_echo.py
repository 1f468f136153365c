"""One association with a DICOM node, to see whether it lets us in and what it offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pynetdicom.association import Association

from shared.dicom.scu import CalledNode

VERIFICATION = "1.2.840.10008.1.1"  # PS3.4 annex A
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"  # storage commitment push model, PS3.4 annex J


@dataclass(frozen=True, slots=True)
class Node:
    """A node as we call it."""

    host: str
    port: int
    called: str
    calling: str
    timeout_s: float = 3.0

    def echo(self) -> str:
        """Ask it by C-ECHO; return where it answered.

        Raises:
            ValueError: If it rejects us or does not answer; says what to compare.
        """
        with self._association(VERIFICATION) as association:
            status = association.send_c_echo().get("Status", -1)
        if status != 0:
            raise ValueError(f"C-ECHO answered 0x{status:04X}" if status >= 0 else "C-ECHO was not answered in time")
        return f"echo ok at {self.host}:{self.port}"

    def accepts(self, abstract_syntax: str) -> bool:
        """Tell whether it accepts a presentation context of this abstract syntax.

        Raises:
            ValueError: If it rejects us or does not answer.
        """
        with self._association(VERIFICATION, abstract_syntax) as association:
            return abstract_syntax in {str(context.abstract_syntax) for context in association.accepted_contexts}

    @contextmanager
    def _association(self, *syntaxes: str) -> Iterator[Association]:
        asked = CalledNode(self.host, self.port, self.called, self.calling, self.timeout_s).ask(syntaxes)
        if not asked.established:
            raise ValueError(self._why_not(rejected=bool(asked.rejections) or asked.association.is_rejected))
        try:
            yield asked.association
        finally:
            asked.association.release()

    def _why_not(self, *, rejected: bool) -> str:
        if not rejected:
            return f"{self.host}:{self.port} does not answer as a DICOM node: host, port, firewall?"
        titles = f"calling AE {self.calling!r} to called AE {self.called!r}"
        return f"{self.host}:{self.port} rejects {titles}: compare both titles there"
