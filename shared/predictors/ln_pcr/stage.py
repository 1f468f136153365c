"""Clinical T and N before therapy."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.facts import Fact, FactName
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.readings import Missing, Read, Reading, Refusal, newest

_T_LEVELS = {"T1": "1", "T2": "2", "T3": "3", "T4": "4"}
_T_UNUSABLE = {
    "TX": "clinical T is TX: the primary tumour cannot be assessed",
    "T0": "clinical T is T0 (no primary tumour found): outside the model, which knows T1 to T4",
    "Tis": "clinical T is Tis (carcinoma in situ): outside the model, which knows T1 to T4",
}
_NODE_POSITIVE = frozenset({"N1", "N2", "N3"})


def read_t(facts: Sequence[Fact]) -> Reading:
    """Return clinical T as ``1`` to ``4``.

    Raises:
        Refusal: If it is TX, T0, Tis or no category at all, or contradicts itself.
    """
    found = newest(facts, FactName.CLINICAL_T)
    if not found.value:
        return Missing("clinical T")
    if found.value not in _T_LEVELS:
        text = _T_UNUSABLE.get(found.value, "clinical T is not a category the model knows (T1 to T4)")
        raise Refusal(NotAnalysedReason.UNUSABLE_INPUT, text)
    return Read(_T_LEVELS[found.value], found.facts, found.notes)


def read_n(facts: Sequence[Fact]) -> Reading:
    """Return the clinical N category when it is node-positive: the paper asks about nobody else.

    Raises:
        Refusal: If it is N0, NX or no category at all, or contradicts itself.
    """
    found = newest(facts, FactName.CLINICAL_N)
    if not found.value:
        return Missing("clinical N")
    if found.value == "N0":
        raise Refusal(
            NotAnalysedReason.NOT_NODE_POSITIVE,
            "the axilla is not node-positive (cN0): the model asks about clinically node-positive patients only",
        )
    if found.value not in _NODE_POSITIVE:
        text = "clinical N is NX" if found.value == "NX" else "clinical N is not a category the model knows"
        raise Refusal(NotAnalysedReason.UNUSABLE_INPUT, f"{text}: nobody can tell whether the axilla is node-positive")
    return Read(found.value, found.facts, found.notes)
