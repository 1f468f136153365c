"""Studies and facts with what a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count

import pytest

from shared.domain.facts import Fact, FactName, FactStatus, PatientFacts, Tumour
from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study

NOW = datetime(2024, 5, 10, 9, 0, tzinfo=UTC)
IDENTITY = PatientIdentity("hospital", "P1")
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
DIAGNOSIS = date(2024, 4, 20)
IMAGES = date(2024, 5, 2)
LEFT_CANCER = Tumour("Condition/left", Side.LEFT)
RIGHT_CANCER = Tumour("Condition/right", Side.RIGHT)


@dataclass
class Make:
    numbers: count[int] = field(default_factory=count)

    def study(
        self,
        *,
        side: Side | None = Side.LEFT,
        day: date | None = IMAGES,
        body_part: str = "BREAST",
        modalities: tuple[str, ...] = ("MR",),
        sop_class: str = MR_IMAGE,
    ) -> Study:
        instances = tuple(
            Instance(f"1.2.{n}", sop_class, "1.2", modality, "00", "11", "file:///x")
            for n, modality in enumerate(modalities)
        )
        complete = Completeness(CompletenessEvidence.ASSOCIATION_RELEASED, "released", NOW)
        return Study("1.2.3", IDENTITY, Demographics(), day, body_part, side, instances, complete)

    def fact(
        self,
        name: FactName,
        value: str,
        *,
        day: date = DIAGNOSIS,
        tumour: Tumour | None = None,
        status: FactStatus = FactStatus.FINAL,
        fact_id: str = "",
        recorded: datetime = NOW,
    ) -> Fact:
        identifier = fact_id or f"fact-{next(self.numbers)}"
        source = f"Observation/{identifier}"
        return Fact(identifier, name, value, "", None, day, recorded, status, source, "1", tumour)

    def record(self, *facts: Fact, tumours: tuple[Tumour, ...] = (LEFT_CANCER,)) -> PatientFacts:
        return PatientFacts(IDENTITY, NOW, Demographics(), "Patient/1", tumours, facts)

    def complete(self, *, without: tuple[FactName, ...] = (), tumour: Tumour | None = None) -> list[Fact]:
        """ER positive, HER2 0, cT3, cN1."""
        rows = {
            FactName.ESTROGEN_RECEPTOR: "positive",
            FactName.HER2_IHC_SCORE: "0",
            FactName.CLINICAL_T: "T3",
            FactName.CLINICAL_N: "N1",
        }
        return [self.fact(name, value, tumour=tumour) for name, value in rows.items() if name not in without]


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def fact(make: Make) -> Callable[..., Fact]:
    return make.fact
