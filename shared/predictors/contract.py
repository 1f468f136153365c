"""What every predictor offers: which studies it asks about, whether the inputs suffice, and the answer itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shared.domain.case import PinnedInput, Pins
from shared.domain.facts import Fact, FactName, PatientFacts
from shared.domain.identity import Side
from shared.domain.prediction import BundleReference, NotAnalysed, Outcome, Prediction, UsedInput
from shared.domain.study import Study
from shared.predictors.hazards.model import Hazards, ModelInput


@dataclass(frozen=True, slots=True)
class Ready:
    """The inputs suffice: what will be pinned."""

    variant: str
    inputs: tuple[PinnedInput, ...]
    facts: tuple[Fact, ...]
    """The facts the inputs were read from, and those the gate of applicability rests on."""
    side: Side | None
    notes: tuple[str, ...] = ()
    """What the gate could not know; printed with the result."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something is missing and may still arrive; after the deadline it becomes ``refusal``."""

    missing: tuple[str, ...]
    refusal: NotAnalysed


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The event has become known since: nothing new is said, and what was said of exactly these inputs stands.

    A risk that was followed by its event was no wrong risk; one that rests on a value corrected since was.
    """

    refusal: NotAnalysed
    """What is said where nothing was said before, or where it rested on other inputs."""
    inputs: tuple[PinnedInput, ...]
    """What the risk would rest on; none where they do not suffice any more."""


class Model(Protocol):
    """A loaded, verified bundle as a predictor sees it."""

    @property
    def reference(self) -> BundleReference:
        """Which bundle this is."""
        ...

    @property
    def outcome(self) -> Outcome:
        """What its probability is the probability of."""
        ...

    @property
    def runtime(self) -> str:
        """Engine, version and provider."""
        ...

    @property
    def precision(self) -> str:
        """Arithmetic of the graph."""
        ...

    def score(self, features: Mapping[str, float]) -> float:
        """Return the probability of ``outcome.positive_class`` for one row of named features."""
        ...

    def scores(self, features: Mapping[str, float]) -> tuple[float, ...]:
        """Return every output of the graph for one row of named features, in the order of its index."""
        ...


@runtime_checkable
class HazardsModel(Model, Protocol):
    """A model that also states its inputs and, where it is a Cox model, its numbers: every bundle does."""

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """Return the inputs with their levels or the range the model has seen, in the bundle's order."""
        ...

    @property
    def hazards(self) -> Hazards | None:
        """Return the Cox model; None where the bundle holds another kind of model."""
        ...


class Predictor(Protocol):
    """One published method. Pure: the same inputs give the same answer."""

    @property
    def name(self) -> str:
        """Name, for example ``ln_pcr``."""
        ...

    @property
    def takes(self) -> str:
        """What it is asked about: ``study``, ``slide`` or ``panel``."""
        ...

    def not_applicable(self, study: Study) -> str:
        """Return why this study is none of its business; empty when it is."""
        ...

    def assess(self, study: Study, facts: PatientFacts) -> Ready | Waiting | NotAnalysed:
        """Tell whether the inputs suffice, what is missing, or why the question cannot be answered."""
        ...

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:
        """Answer from pinned inputs only."""
        ...


@runtime_checkable
class PanelPredictor(Protocol):
    """A predictor asked about laboratory values of one draw (``takes == "panel"``); it sees facts and no images."""

    @property
    def name(self) -> str:
        """Name, for example ``lung_metastasis``."""
        ...

    @property
    def takes(self) -> str:
        """Return ``panel``."""
        ...

    @property
    def analytes(self) -> frozenset[FactName]:
        """Return the facts whose arrival makes a panel: a first one opens a case."""
        ...

    def assess_panel(self, panel: Study, facts: PatientFacts) -> Ready | Waiting | Overtaken | NotAnalysed:
        """Tell whether the values of this draw suffice: those from ``panel.study_date`` to ``panel.panel.last_date``.

        Their age counts from ``panel.completeness.time``, when the first of them reached us: a result does not grow
        too old by being looked at again.
        """
        ...

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:
        """Answer from pinned inputs only."""
        ...


@runtime_checkable
class ByHand(Protocol):
    """A predictor whose inputs a person can type: the command line, a what-if page, a cohort sheet."""

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return the levels each input may have, by input name, in the order people read them; none: it is measured."""
        ...

    def answer_levels(self, levels: Mapping[str, str], model: Model) -> Prediction:
        """Answer from typed levels; the gate of applicability is the caller's business and a flag says so.

        Raises:
            InvalidInputError: If an input is missing, unknown, or not one of its levels; names what is allowed.
        """
        ...


def used_inputs(inputs: tuple[PinnedInput, ...], facts: tuple[Fact, ...]) -> tuple[UsedInput, ...]:
    """Return the inputs with the source, version and date of the newest fact each was read from."""
    by_id = {fact.fact_id: fact for fact in facts}
    rows = []
    for pinned in inputs:
        read = sorted((by_id[i] for i in pinned.facts if i in by_id), key=lambda fact: fact.effective_date)
        newest = read[-1] if read else None
        rows.append(
            UsedInput(
                pinned.name,
                pinned.value,
                newest.source if newest else "",
                newest.version if newest else "",
                newest.effective_date.isoformat() if newest else "",
            )
        )
    return tuple(rows)
