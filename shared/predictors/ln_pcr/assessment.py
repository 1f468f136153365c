"""The gate of applicability and the reading of the inputs, in the order a clinician would ask."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.case import PinnedInput
from shared.domain.facts import Fact, PatientFacts
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, UsedInput
from shared.domain.study import Study
from shared.predictors.contract import Ready, Waiting, used_inputs
from shared.predictors.ln_pcr.clinical import FACTS, NAME
from shared.predictors.ln_pcr.receptors import read_er, read_her2
from shared.predictors.ln_pcr.stage import read_n, read_t
from shared.predictors.ln_pcr.therapy import Baseline, baseline
from shared.predictors.ln_pcr.tumours import Target, refuse_unbound, target
from shared.predictors.ln_pcr.variants import VARIANTS
from shared.predictors.readings import LABELS, Missing, Read, Reading


@dataclass(frozen=True, slots=True)
class Readings:
    """Node gate and the three inputs of the Clinical variant."""

    n: Reading
    er: Reading
    her2: Reading
    t: Reading

    @property
    def missing(self) -> tuple[str, ...]:
        """Name what nobody has reported yet."""
        return tuple(one.what for one in (self.n, self.er, self.her2, self.t) if isinstance(one, Missing))

    @property
    def read(self) -> tuple[tuple[str, Read], ...]:
        """Return the model inputs that could be read, by name."""
        rows = (("er", self.er), ("her2", self.her2), ("t", self.t))
        return tuple((name, one) for name, one in rows if isinstance(one, Read))


def assess(study: Study, facts: PatientFacts) -> Ready | Waiting:
    """Tell whether the inputs suffice or what is missing.

    Refusals come before anything that may still arrive: therapy before the images, ambiguous tumour, wrong side,
    not node-positive; then contradicting and unusable inputs; then what is missing.

    Raises:
        Refusal: If the question cannot be answered, however long one waits.
    """
    before = baseline(facts, study.study_date)
    chosen = target(facts, study.side)
    if chosen is None:
        return _waiting(("a primary breast cancer on record",), ())
    refuse_unbound(facts.facts, chosen)
    usable = tuple(fact for fact in facts.facts if chosen.concerns(fact) and before.usable(fact))
    readings = Readings(n=read_n(usable), er=read_er(usable), her2=read_her2(usable), t=read_t(usable))
    if readings.missing:
        late = _dated_too_late(facts, chosen, before)
        return _waiting(readings.missing, _used(readings), late)
    return _ready(readings, chosen, before)


def _ready(readings: Readings, chosen: Target, before: Baseline) -> Ready:
    node = readings.n.facts if isinstance(readings.n, Read) else ()
    every = sum((one.facts for _, one in readings.read), node) + before.facts
    notes = before.notes + (readings.n.notes if isinstance(readings.n, Read) else ())
    notes += sum((one.notes for _, one in readings.read), ())
    if chosen.side is None:
        notes += ("side of the tumour unknown: neither the images nor the record name it",)
    return Ready(VARIANTS[0], _pinned(readings), _distinct(every), chosen.side, notes, VARIANTS[1:])


def _pinned(readings: Readings) -> tuple[PinnedInput, ...]:
    return tuple(PinnedInput(name, one.level, tuple(fact.fact_id for fact in one.facts)) for name, one in readings.read)


def _used(readings: Readings) -> tuple[UsedInput, ...]:
    return used_inputs(_pinned(readings), sum((one.facts for _, one in readings.read), ()))


def _waiting(missing: tuple[str, ...], inputs: tuple[UsedInput, ...], late: str = "") -> Waiting:
    text = f"missing: {', '.join(missing)}{late}"
    return Waiting(missing, NotAnalysed(NAME, NotAnalysedReason.MISSING_INPUT, text, inputs))


def _dated_too_late(facts: PatientFacts, chosen: Target, before: Baseline) -> str:
    """Say which facts were left out because they speak of the treated tumour."""
    late = [fact for fact in facts.facts if fact.name in FACTS and chosen.concerns(fact) and not before.usable(fact)]
    if not late or before.first is None:
        return ""
    names = ", ".join(dict.fromkeys(LABELS[fact.name] for fact in late))
    return f" (not used, dated after therapy began on {before.first.effective_date.isoformat()}: {names})"


def _distinct(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(dict.fromkeys(facts))
