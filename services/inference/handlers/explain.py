"""Answer a person's "what if": one row of typed values, one nomogram; nothing is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from services.inference.ports import Models
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import BundleReference
from shared.domain.what_if import ValueRefusal, WhatIf
from shared.predictors import REGISTRY
from shared.predictors.contract import ByHand
from shared.predictors.hazards.values import Problem, ValueRefusedError, model_value
from shared.predictors.models import HazardsModel


@dataclass(frozen=True, slots=True)
class Explain:
    """Ask the bundle that would answer a case, or the one that is named."""

    choose: Callable[[str, str], BundleReference]
    """Predictor and bundle id (empty: whichever would answer) -> the bundle; NotFoundError where there is none."""
    models: Models

    def __call__(self, predictor: str, bundle_id: str, values: Mapping[str, str]) -> WhatIf:
        """Return points, total and risks; or, where a value does not enter the model, every such value.

        Raises:
            NotFoundError: If no such bundle is installed.
            BundleRefusedError: If it is refused.
            InvalidInputError: If the predictor cannot be asked by hand, or has no nomogram.
        """
        reference = self.choose(predictor, bundle_id)
        by_hand, model = REGISTRY.get(predictor), self.models.open(reference.bundle_id, reference.digest)
        if not isinstance(by_hand, ByHand) or not isinstance(model, HazardsModel) or model.hazards is None:
            raise InvalidInputError("predictor", f"{predictor} has no nomogram")
        refusals = tuple(refused(model, values))
        if refusals:
            return WhatIf(model.reference, refusals=refusals)
        answer = by_hand.answer_levels(values, model)
        total = math.fsum(one.points for one in answer.points)
        return WhatIf(model.reference, answer.points, total, answer.horizons, answer.flags)


def refused(model: HazardsModel, values: Mapping[str, str]) -> Iterator[ValueRefusal]:
    """Yield every value that does not enter the model, unknown ones last."""
    for contract in model.inputs:
        try:
            model_value(contract, values.get(contract.name, ""))
        except ValueRefusedError as error:
            yield ValueRefusal(error.element, error.problem, error.reason)
    known = {one.name for one in model.inputs}
    for name in sorted(set(values) - known):
        yield ValueRefusal(name[:40], Problem.UNREADABLE, "is not an input of this model")
