"""A loaded, verified bundle as predictors see it: what it can be asked, by the kind of model it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shared.domain.prediction import BundleReference, Outcome
from shared.predictors.hazards.model import Hazards, ModelInput
from shared.predictors.imaging import ImagingContract, Look
from shared.predictors.slides import PatchLooks, SlideContract


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


@runtime_checkable
class ImageModel(Model, Protocol):
    """A bundle of a variant that measures images: what is measured, the network, and what both have seen."""

    @property
    def imaging(self) -> ImagingContract | None:
        """Return what is measured in the images and how; None where the bundle's variant needs none."""
        ...

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Return the classifiers there are, the default one first: ``logistic``, ``forest``."""
        ...

    def probability(self, features: Mapping[str, float], classifier: str) -> float:
        """Return the probability of ``outcome.positive_class`` by one of the classifiers."""
        ...

    def look(self, crop: NDArray[np.float32]) -> Look:
        """Run the network on one crop of ``imaging.network.input_shape``, normalised as it says.

        Raises:
            ValueError: If the bundle has no network, or the crop another shape.
        """
        ...


@runtime_checkable
class IntervalModel(Model, Protocol):
    """A model that may know how sure its coefficients are: every bundle does, where it states their covariance."""

    def interval(self, features: Mapping[str, float]) -> tuple[float, float] | None:
        """Return the 95 % interval of ``score`` for one row of named features; None where there is none."""
        ...


@runtime_checkable
class SlideModel(Model, Protocol):
    """A bundle that judges patches of slides. ``score`` of it turns the slide's score into a probability."""

    @property
    def slides(self) -> SlideContract | None:
        """Return how slides are cut and judged; None where the bundle holds another kind of model."""
        ...

    def look_at(self, patches: NDArray[np.float32]) -> PatchLooks:
        """Judge patches (n, 3, input_px, input_px), normalised as the contract says.

        Raises:
            ValueError: If the bundle has no such network, or the patches another shape.
        """
        ...
