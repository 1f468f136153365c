"""Fit a comparator on the bags of a fold's training slides; the same seed gives the same scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from services.model_factory.handlers.comparators.attention import BAG_SHARE, POSITIVE, AttentionNetwork
from services.model_factory.handlers.comparators.bags import Bag, Standard, standard_of
from services.model_factory.handlers.comparators.graph_building import graph_of
from services.model_factory.handlers.comparators.graph_network import GraphNetwork, batch_of, ranking_loss

Method = Literal["clam", "slidegraph"]


@dataclass(frozen=True, slots=True)
class MilRecipe:
    """How both are trained; the defaults are the papers', the number of epochs fixed beforehand."""

    epochs: int = 50
    """CLAM: at least 50 (Lu et al. 2021). No slide of the training rows is set aside to stop by."""
    attention_rate: float = 2e-4
    attention_decay: float = 1e-5
    graph_epochs: int = 300
    graph_rate: float = 1e-3
    graph_decay: float = 1e-4
    graph_batch: int = 8
    compressed: int = 512
    attending: int = 256


class Scorer(Protocol):
    """A fitted comparator."""

    def score(self, bag: Bag) -> float:
        """Return the score of a slide; the higher, the likelier positive. Its label is not looked at."""
        ...


@dataclass(frozen=True, slots=True)
class AttentionScorer:
    """A fitted attention network."""

    network: AttentionNetwork
    standard: Standard

    def score(self, bag: Bag) -> float:
        """Return the log odds of positive."""
        with torch.no_grad():
            scores, _, _ = self.network(torch.from_numpy(self.standard.of(bag.features)))
        return float(scores[POSITIVE] - scores[1 - POSITIVE])


@dataclass(frozen=True, slots=True)
class GraphScorer:
    """A fitted graph network."""

    network: GraphNetwork
    standard: Standard

    def score(self, bag: Bag) -> float:
        """Return the score: the graph is built, too."""
        graph = graph_of(self.standard.of(bag.features), bag.places_um, positive=False)
        with torch.no_grad():
            return float(self.network(batch_of([graph]))[0])


def fit_attention(bags: Sequence[Bag], recipe: MilRecipe, seed: int) -> AttentionScorer:
    """Fit attention MIL, one slide a step, both classes drawn alike often (Lu et al. 2021, Methods).

    Raises:
        ValueError: If a class has no slide.
    """
    standard, rng = standard_of(list(bags)), np.random.default_rng(seed)
    rows = [torch.from_numpy(standard.of(one.features)) for one in bags]
    weights = _balanced([one.positive for one in bags])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = AttentionNetwork(bags[0].features.shape[1], recipe.compressed, recipe.attending)
        adam = torch.optim.Adam(network.parameters(), recipe.attention_rate, weight_decay=recipe.attention_decay)
        network.train()
        for place in rng.choice(len(bags), recipe.epochs * len(bags), p=weights):
            label = int(bags[place].positive)
            scores, attention, h = network(rows[place])
            slide = cross_entropy(scores[None], torch.tensor([label]))
            loss = BAG_SHARE * slide + (1 - BAG_SHARE) * network.instance_loss(attention, h, label)
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
    return AttentionScorer(network.eval(), standard)


def fit_graph(bags: Sequence[Bag], recipe: MilRecipe, seed: int) -> GraphScorer:
    """Fit graph MIL, batches with both classes, pairs ranked (Lu W. et al. 2022).

    Raises:
        ValueError: If a class has no slide.
    """
    standard, rng = standard_of(list(bags)), np.random.default_rng(seed)
    graphs = [graph_of(standard.of(one.features), one.places_um, positive=one.positive) for one in bags]
    positive = np.array([one.positive for one in bags])
    _balanced(positive.tolist())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GraphNetwork(bags[0].features.shape[1])
        adam = torch.optim.Adam(network.parameters(), recipe.graph_rate, weight_decay=recipe.graph_decay)
        network.train()
        for _ in range(recipe.graph_epochs):
            for places in _mixed(positive, recipe.graph_batch, rng):
                scores = network(batch_of([graphs[place] for place in places]))
                loss = ranking_loss(scores, torch.from_numpy(positive[places]))
                adam.zero_grad()
                torch.autograd.backward(loss)
                adam.step()
    return GraphScorer(network.eval(), standard)


FITS: Mapping[Method, Callable[[Sequence[Bag], MilRecipe, int], Scorer]] = {
    "clam": fit_attention,
    "slidegraph": fit_graph,
}


def timed(scorer: Scorer, bag: Bag) -> tuple[float, float]:
    """Return the score and the seconds from features to score."""
    begun = time.perf_counter()
    found = scorer.score(bag)
    return found, time.perf_counter() - begun


def _balanced(positive: Sequence[bool]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    counts = (positive.count(False), positive.count(True))
    if not all(counts):
        raise ValueError("multiple instance learning needs slides of both classes")
    return np.array([0.5 / counts[one] for one in positive])


def _mixed(
    positive: np.ndarray[tuple[int], np.dtype[np.bool_]], batch: int, rng: np.random.Generator
) -> Iterator[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Yield batches of places over all slides, both classes in each as evenly as they come."""
    ones, zeros = rng.permutation(np.flatnonzero(positive)), rng.permutation(np.flatnonzero(~positive))
    count = max(1, min(len(positive) // batch, len(ones), len(zeros)))
    for a, b in zip(np.array_split(ones, count), np.array_split(zeros, count), strict=True):
        yield np.concatenate([a, b])
