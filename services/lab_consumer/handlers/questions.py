"""GetFacts and ListRefusals: reading only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.lab_consumer.ports.records import Refusal, Statement, StatementKind
from services.lab_consumer.ports.store import FactStore
from shared.domain.errors import InvalidInputError
from shared.domain.facts import Fact, PatientFacts, Tumour
from shared.domain.identity import Demographics, PatientIdentity

MAX_REFUSALS = 1000
DEFAULT_REFUSALS = 100


@dataclass(frozen=True, slots=True)
class GetFacts:
    """Answer what was known about a patient at a moment."""

    store: FactStore
    asked: Callable[[PatientIdentity], object] = lambda _: None
    """Told of every patient somebody asks about: for one never asked about, the EHR is asked, behind the answer."""

    def __call__(self, identity: PatientIdentity, as_of: datetime) -> PatientFacts:
        """Return it; a patient nobody told us about has no facts, which is no error."""
        self.asked(identity)
        known = self.store.known(identity, as_of)
        demographics = [row.value for row in known if isinstance(row.value, Demographics)]
        references = [row.value for row in known if row.kind is StatementKind.PATIENT]
        return PatientFacts(
            identity=identity,
            as_of=as_of,
            demographics=demographics[0] if demographics else Demographics(),
            patient_reference=str(references[0]) if references else "",
            tumours=tuple(row.value for row in known if isinstance(row.value, Tumour)),
            facts=tuple(sorted(_facts(known), key=lambda fact: (fact.effective_date, fact.fact_id))),
        )


@dataclass(frozen=True, slots=True)
class ListRefusals:
    """Answer what was received and not accepted."""

    store: FactStore

    def __call__(self, page_size: int) -> tuple[Refusal, ...]:
        """Return the newest; 0 means 100.

        Raises:
            InvalidInputError: If the page is negative or above 1000.
        """
        if not 0 <= page_size <= MAX_REFUSALS:
            raise InvalidInputError("page_size", f"must lie in 0 to {MAX_REFUSALS}")
        return self.store.refusals(page_size or DEFAULT_REFUSALS)


def _facts(known: tuple[Statement, ...]) -> list[Fact]:
    return [row.value for row in known if isinstance(row.value, Fact)]
