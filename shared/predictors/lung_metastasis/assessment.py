"""The gate of applicability and the reading of the inputs: what excludes, what is wrong, what is missing."""

from __future__ import annotations

from shared.domain.case import PinnedInput
from shared.domain.facts import Fact, PatientFacts
from shared.domain.prediction import NotAnalysed, NotAnalysedReason
from shared.domain.study import Study
from shared.predictors.contract import Overtaken, Ready, Waiting, used_inputs
from shared.predictors.lung_metastasis.draw import Draw, DrawWindow, read_draw, refuse_unusable
from shared.predictors.lung_metastasis.endocrine import read_endocrine, read_luminal
from shared.predictors.lung_metastasis.gate import NO_SEX, Gate, overtaken_by, pass_gate
from shared.predictors.lung_metastasis.panel import ENDOCRINE, INPUTS, LUMINAL, NAME, VARIANT
from shared.predictors.readings import LABELS, Missing, Read, Reading


def assess(panel: Study, facts: PatientFacts, window: DrawWindow) -> Ready | Waiting | Overtaken:
    """Tell whether the inputs suffice, what is missing, or that the event has become known since.

    Raises:
        Refusal: If the question cannot be answered, however long one waits.
    """
    draw = read_draw(panel, facts)
    found = _assess(draw, panel, facts, window)
    since = overtaken_by(facts, draw.days())
    if not since:
        return found
    refusal = NotAnalysed(NAME, NotAnalysedReason.ALREADY_METASTATIC, since)
    rests_on = tuple(one for one in found.inputs if one.name in INPUTS) if isinstance(found, Ready) else ()
    return Overtaken(refusal, rests_on)


def _assess(draw: Draw, panel: Study, facts: PatientFacts, window: DrawWindow) -> Ready | Waiting:
    gate = pass_gate(panel, facts, draw.days())
    refuse_unusable(draw, panel, facts, window)
    endocrine = read_endocrine(facts, draw.days(), window.apart_days)
    missing = [*gate.missing, *(one.what for one in draw.missing)]
    if isinstance(endocrine, Missing):
        return _waiting((*missing, endocrine.what), draw, endocrine)
    if missing:
        return _waiting(tuple(missing), draw, endocrine)
    return _ready(draw, endocrine, read_luminal(facts), gate)


def _ready(draw: Draw, endocrine: Read, luminal: Reading, gate: Gate) -> Ready:
    pinned = _pinned(draw, endocrine)
    notes = gate.notes + draw.notes + endocrine.notes
    if isinstance(luminal, Read):
        pinned += (PinnedInput(LUMINAL, luminal.level, _ids(luminal.facts)),)
    else:
        notes += (f"{luminal.what} unknown: no risk under it can be shown beside",)
    rests_on = draw.facts + endocrine.facts + (luminal.facts if isinstance(luminal, Read) else ())
    return Ready(VARIANT, pinned, tuple(dict.fromkeys(rests_on)), None, notes)


def _pinned(draw: Draw, endocrine: Reading) -> tuple[PinnedInput, ...]:
    """Return what was read, in the order of ``INPUTS``: the level, or the decimal with its comparator."""
    rows = {
        name: PinnedInput(name, found.fact.comparator + found.fact.value, (found.fact.fact_id,))
        for name, found in draw.values
        if found.fact
    }
    if isinstance(endocrine, Read):
        rows[ENDOCRINE] = PinnedInput(ENDOCRINE, endocrine.level, _ids(endocrine.facts))
    return tuple(rows[name] for name in INPUTS if name in rows)


def _ids(facts: tuple[Fact, ...]) -> tuple[str, ...]:
    return tuple(fact.fact_id for fact in facts)


def _waiting(missing: tuple[str, ...], draw: Draw, endocrine: Reading) -> Waiting:
    facts = draw.facts + (endocrine.facts if isinstance(endocrine, Read) else ())
    others = ", ".join(f"{LABELS[fact.name]} {fact.effective_date.isoformat()}" for fact in draw.elsewhere)
    text = f"missing: {', '.join(missing)}" + (f" (not used, of another draw: {others})" if others else "")
    inputs = used_inputs(_pinned(draw, endocrine), facts)
    return Waiting(missing, NotAnalysed(NAME, _reason(missing, draw), text, inputs))


def _reason(missing: tuple[str, ...], draw: Draw) -> NotAnalysedReason:
    if missing == (NO_SEX,):
        return NotAnalysedReason.NOT_FEMALE
    only_elsewhere = set(missing) == {LABELS[fact.name] for fact in draw.elsewhere}
    return NotAnalysedReason.NOT_ONE_DRAW if only_elsewhere else NotAnalysedReason.MISSING_INPUT
