"""From levels to a typed answer: probability, flags, and the probability under the other reading of HER2 negative."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.errors import InvalidInputError
from shared.domain.prediction import Alternative, Flag, IntendedUse, Prediction, UsedInput
from shared.predictors.ln_pcr.clinical import HER2_UNSPLIT, NAME, VARIANT, features
from shared.predictors.models import ImageModel, IntervalModel, Model

POSITIVE_CLASS = "axillary_pcr"
"""The only event this predictor gives a probability of; a bundle that scores another one is refused."""
LOGISTIC = "logistic"

_DEMONSTRATION = Flag(
    "demonstration",
    "Demonstration: a model without local calibration; not for clinical decisions.",
)
_RESEARCH = Flag("research", "For research only; not for clinical decisions.")
_NO_INTERVAL = Flag(
    "no_interval",
    "No interval: there is no covariance of the model's coefficients.",
)
_COEFFICIENTS_ALONE = Flag(
    "interval_of_coefficients",
    "The interval is that of the coefficients alone, not of the region, of what was measured or of the network.",
)
_HER2_UNSPLIT = Flag(
    "her2_negative_not_split",
    "HER2 is reported negative without telling 0 from low: scored as HER2 0; the probability under HER2 low is given "
    "beside it.",
)
_BY_USE = {IntendedUse.DEMONSTRATION: (_DEMONSTRATION,), IntendedUse.RESEARCH: (_RESEARCH,), IntendedUse.CLINICAL: ()}


def predict(
    levels: Mapping[str, str],
    inputs: tuple[UsedInput, ...],
    notes: tuple[str, ...],
    model: Model,
    *,
    variant: str = VARIANT,
    measured: Mapping[str, float] | None = None,
    classifier: str = LOGISTIC,
) -> Prediction:
    """Return P(axillary pCR) for checked levels and, of a variant that measures images, its further columns.

    Raises:
        InvalidInputError: If ``model`` scores another event.
    """
    if model.outcome.positive_class != POSITIVE_CLASS:
        raise InvalidInputError("bundle", f"scores {model.outcome.positive_class}, ln_pcr needs {POSITIVE_CLASS}")
    unsplit = levels["her2"] == HER2_UNSPLIT
    by = classifier_of(model, classifier)

    def score(row: Mapping[str, str]) -> float:
        columns = {**features(row), **(measured or {})}
        return model.probability(columns, by) if isinstance(model, ImageModel) else model.score(columns)

    interval = _interval(model, {**features(levels), **(measured or {})}, by)
    return Prediction(
        predictor=NAME,
        variant=variant,
        bundle=model.reference,
        outcome=model.outcome,
        probability=score(levels),
        inputs=inputs,
        flags=_flags(model, notes, _about_interval(interval, measured), unsplit=unsplit)
        + _other_classifier(by, classifier),
        alternatives=(Alternative("her2=low", score({**levels, "her2": "low"})),) if unsplit else (),
        interval=interval,
        runtime=model.runtime,
        precision=model.precision,
    )


def _interval(model: Model, columns: Mapping[str, float], by: str) -> tuple[float, float] | None:
    """Return the interval of a logistic regression; a forest states none."""
    return model.interval(columns) if by == LOGISTIC and isinstance(model, IntervalModel) else None


def _about_interval(interval: tuple[float, float] | None, measured: Mapping[str, float] | None) -> tuple[Flag, ...]:
    if interval is None:
        return (_NO_INTERVAL,)
    return (_COEFFICIENTS_ALONE,) if measured else ()


def classifier_of(model: Model, wanted: str) -> str:
    """Return which of a bundle's classifiers answers: the one wanted where there is one, else its default."""
    there = model.classifiers if isinstance(model, ImageModel) else (LOGISTIC,)
    return wanted if wanted in there else there[0]


def _flags(model: Model, notes: tuple[str, ...], about: tuple[Flag, ...], *, unsplit: bool) -> tuple[Flag, ...]:
    said = _BY_USE[model.reference.intended_use] + ((_HER2_UNSPLIT,) if unsplit else ()) + about
    return said + tuple(Flag("note", note) for note in notes)


def _other_classifier(by: str, wanted: str) -> tuple[Flag, ...]:
    if by == wanted:
        return ()
    return (Flag("classifier", f"The site asks for the classifier {wanted}; this bundle has none: {by} answered."),)
