"""The picture that belongs to an answer."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.prediction import Prediction
from shared.pictures.caption import caption_of
from shared.pictures.chart import chart_of, marks_of
from shared.pictures.nomogram import nomogram_scene
from shared.pictures.scene import Scene
from shared.predictors.hazards.model import Hazards, ModelInput
from shared.predictors.lung_metastasis import panel as lung_metastasis

TITLES: Mapping[str, str] = {lung_metastasis.NAME: lung_metastasis.TITLE}
"""Predictor -> what stands above its picture."""
LABELS: Mapping[str, Mapping[str, str]] = {lung_metastasis.NAME: lung_metastasis.LABELS}
"""Predictor -> how a clinician calls its inputs."""


def nomogram_of(
    answer: Prediction, inputs: tuple[ModelInput, ...], hazards: Hazards, lines: tuple[str, ...] = ()
) -> Scene:
    """Return the nomogram with the marks of this answer; ``inputs`` and ``hazards`` are those of the answer's bundle.

    ``lines`` stand below the title: whatever tells whose result a printed page is.
    """
    title = TITLES.get(answer.predictor, answer.outcome.display)
    chart = chart_of(inputs, hazards, LABELS.get(answer.predictor, {}))
    return nomogram_scene(chart, caption_of(answer, title, lines), marks_of(answer))
