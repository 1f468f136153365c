"""What a reader of the run must know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from services.model_factory.handlers.comparators.resnet50 import RANDOM
from services.model_factory.handlers.slides.judging import Said
from services.model_factory.handlers.slides.order import TL_PA
from services.model_factory.handlers.slides.results import LevelScores, NetworkFacts, Platt, SlidesFacts
from services.model_factory.handlers.training.stated import Estimated, Warned

LEAST_EVENTS = 100
"""Collins, Ogundimu & Altman, Stat Med 2016;35:214-226."""


def warnings_of(
    facts: SlidesFacts, network: NetworkFacts, platt: Platt, said: Sequence[Said],
    features: Sequence[tuple[str, str]], levels: Sequence[LevelScores], performance: Sequence[Estimated],
) -> Iterator[Warned]:  # fmt: skip
    """Yield one sentence for each."""
    yield Warned("not_receptor", "H&E shows neither IHC nor FISH: a level is what a slide resembles; confirm by both.")
    if not network.pretrained:
        yield Warned("not_pretrained", "The patch network began from random weights: it was not pre-trained.")
    for name, source in features:
        if source == RANDOM:
            yield Warned("random_features", f"{name}: ResNet50 has RANDOM WEIGHTS, not ImageNet's: no fair comparison.")
    if platt.note:
        yield Warned("calibration", platt.note)
    if facts.fallbacks:
        yield Warned("stain_fallback", f"{len(facts.fallbacks)} slides were not normalised by stains of their own.")
    for one in said:
        gone = int(np.isnan(one.scores[TL_PA]).sum())
        if gone:
            yield Warned("not_scorable", f"{gone} of {len(one.places)} judged slides have no tumour patch: no score.")
        events = int(one.event.sum())
        if events < LEAST_EVENTS:
            yield Warned("validation_small", f"{events} positive slides are judged ({one.kind}); 100 are wanted.")
    yield from _inverted(levels)
    yield from _worse(performance)


def _inverted(levels: Sequence[LevelScores]) -> Iterator[Warned]:
    medians = {one.level: one.median for one in levels}
    if "3+" in medians and "2+/FISH+" in medians and medians["3+"] < medians["2+/FISH+"]:
        yield Warned(
            "inverted", "3+ scores lower than 2+/FISH+ here, as in paper 003: levels are in no order of worth."
        )


def _worse(performance: Sequence[Estimated]) -> Iterator[Warned]:
    """A comparator that beats TL-PA is said first, not last."""
    aucs = {(one.kind, one.model): one.value for one in performance if one.name == "auc"}
    for (kind, name), value in aucs.items():
        own = aucs.get((kind, TL_PA))
        if own is not None and value is not None and "." not in name and value > own:
            where = kind.replace("_", " ")
            yield Warned("comparator_better", f"{name} ranks better than TL-PA, {where}: AUC {value:.3f} to {own:.3f}.")
