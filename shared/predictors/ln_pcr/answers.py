"""From levels to a typed answer: probability, flags, and the probability under the other reading of HER2 negative."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.errors import InvalidInputError
from shared.domain.prediction import Alternative, Flag, IntendedUse, Prediction, UsedInput
from shared.predictors.contract import Model
from shared.predictors.ln_pcr.clinical import HER2_UNSPLIT, NAME, VARIANT, features

POSITIVE_CLASS = "axillary_pcr"
"""The only event this predictor gives a probability of; a bundle that scores another one is refused."""

_DEMONSTRATION = Flag(
    "demonstration",
    "Demonstration: published coefficients without local calibration; not for clinical decisions.",
)
_RESEARCH = Flag("research", "For research only; not for clinical decisions.")
_NO_INTERVAL = Flag(
    "no_interval",
    "No interval: the paper publishes no covariance of its coefficients.",
)
_HER2_UNSPLIT = Flag(
    "her2_negative_not_split",
    "HER2 is reported negative without telling 0 from low: scored as HER2 0; the probability under HER2 low is given "
    "beside it.",
)
_BY_USE = {IntendedUse.DEMONSTRATION: (_DEMONSTRATION,), IntendedUse.RESEARCH: (_RESEARCH,), IntendedUse.CLINICAL: ()}


def predict(
    levels: Mapping[str, str], inputs: tuple[UsedInput, ...], notes: tuple[str, ...], model: Model
) -> Prediction:
    """Return P(axillary pCR) for checked levels.

    Raises:
        InvalidInputError: If ``model`` scores another event.
    """
    if model.outcome.positive_class != POSITIVE_CLASS:
        raise InvalidInputError("bundle", f"scores {model.outcome.positive_class}, ln_pcr needs {POSITIVE_CLASS}")
    unsplit = levels["her2"] == HER2_UNSPLIT
    return Prediction(
        predictor=NAME,
        variant=VARIANT,
        bundle=model.reference,
        outcome=model.outcome,
        probability=model.score(features(levels)),
        inputs=inputs,
        flags=_flags(model, notes, unsplit=unsplit),
        alternatives=(_under_low(levels, model),) if unsplit else (),
        runtime=model.runtime,
        precision=model.precision,
    )


def _flags(model: Model, notes: tuple[str, ...], *, unsplit: bool) -> tuple[Flag, ...]:
    said = _BY_USE[model.reference.intended_use] + ((_HER2_UNSPLIT,) if unsplit else ()) + (_NO_INTERVAL,)
    return said + tuple(Flag("note", note) for note in notes)


def _under_low(levels: Mapping[str, str], model: Model) -> Alternative:
    return Alternative("her2=low", model.score(features({**levels, "her2": "low"})))
