"""The comparators' arithmetic against closed examples, and that both find what is there to be found."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from services.model_factory.handlers.comparators.attention import AttentionNetwork, smooth_svm
from services.model_factory.handlers.comparators.bags import Bag, standard_of
from services.model_factory.handlers.comparators.fitting import FITS, Method, MilRecipe, timed
from services.model_factory.handlers.comparators.graph_building import clusters, graph_of, joined
from services.model_factory.handlers.comparators.graph_network import (
    Batch,
    EdgeConv,
    GraphNetwork,
    batch_of,
    ranking_loss,
)
from services.model_factory.handlers.comparators.resnet50 import RANDOM, ResNet50Features, resnet50
from shared.domain.errors import InvalidInputError

SMALL = MilRecipe(epochs=8, attention_rate=3e-3, graph_epochs=12, graph_rate=1e-2, compressed=16, attending=8)


def bags(count: int = 24, seed: int = 0) -> list[Bag]:
    """Return slides of 20 patches; a fifth of those of a positive slide differ."""
    rng, found = np.random.default_rng(seed), []
    for number in range(count):
        features = rng.normal(size=(20, 6)).astype(np.float32)
        places = np.array([(300.0 * (i % 5), 300.0 * (i // 5)) for i in range(20)])
        if number % 2:
            features[:4, 0] += 4.0
        found.append(Bag(features, places, bool(number % 2)))
    return found


def test_the_smooth_svm_loss_of_two_classes_is_a_softplus_of_one_less_the_gap() -> None:
    loss = smooth_svm(torch.tensor([[0.5, 2.0]]), torch.tensor([1]))
    assert float(loss) == pytest.approx(math.log1p(math.exp(1 + 0.5 - 2.0)), rel=1e-6)


def test_attention_pools_by_a_softmax_of_tanh_times_sigmoid() -> None:
    network = AttentionNetwork(2, compressed=2, attending=1, dropout=0.0).eval()
    with torch.no_grad():
        for one in network.parameters():
            one.zero_()
        network.compress[0].weight.copy_(torch.eye(2))  # type: ignore[operator]
        network.seen[0].weight.copy_(torch.tensor([[1.0, 0.0]]))  # type: ignore[operator]
        network.attention.weight.fill_(1.0)
        network.slide.weight.copy_(torch.eye(2))
        scores, attention, _ = network(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    raw = 0.5 * math.tanh(1.0)
    share = math.exp(raw) / (math.exp(raw) + 1)
    assert attention.tolist() == pytest.approx([raw, 0.0], rel=1e-6)
    assert scores.tolist() == pytest.approx([share, 1 - share], rel=1e-6)


def test_an_edge_convolution_averages_over_neighbours_and_sees_the_difference() -> None:
    layer = EdgeConv(1, 1).eval()
    with torch.no_grad():
        layer.h[0].weight.copy_(torch.tensor([[0.0, 1.0]]))  # type: ignore[operator]
        layer.h[0].bias.zero_()  # type: ignore[operator]
        nodes = torch.tensor([[0.0], [2.0], [6.0]])
        found = layer(nodes, torch.tensor([[1, 2, 0, 0], [0, 0, 1, 2]]))
    # Node 0 hears 2 - 0 and 6 - 0; nodes 1 and 2 hear what is below zero and cut.
    assert found[:, 0].tolist() == pytest.approx([4.0, 0.0, 0.0], rel=1e-4)


def test_pairs_that_are_ranked_by_one_or_more_cost_nothing() -> None:
    positive = torch.tensor([True, True, False])
    assert float(ranking_loss(torch.tensor([3.0, 1.5, 1.0]), positive)) == pytest.approx((0.0 + 0.5) / 2)


def test_graphs_side_by_side_score_as_each_alone() -> None:
    network = GraphNetwork(6).eval()
    graphs = [graph_of(one.features, one.places_um, positive=one.positive) for one in bags(4)]
    with torch.no_grad():
        together = network(batch_of(graphs))
        alone = [float(network(batch_of([one]))[0]) for one in graphs]
    assert together.tolist() == pytest.approx(alone, abs=1e-6)


def test_patches_that_lie_and_look_alike_are_one_node_and_others_are_not() -> None:
    features = np.array([[0.0], [0.0], [5.0], [0.0]], dtype=np.float32)
    places = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [9000.0, 0.0]])
    node = clusters(features, places)
    assert node[0] == node[1]
    assert len({node[0], node[2], node[3]}) == 3


def test_nodes_on_one_line_are_joined_to_their_neighbours_and_a_far_one_hears_itself() -> None:
    edges = joined(np.array([[0.0, 0.0], [500.0, 0.0], [1000.0, 0.0], [90000.0, 0.0]]))
    assert {tuple(one) for one in edges.T.tolist()} == {(0, 1), (1, 0), (1, 2), (2, 1), (3, 3)}


@pytest.mark.parametrize("method", ["clam", "slidegraph"])
def test_both_methods_rank_unseen_slides_by_the_signal_that_is_there(method: Method) -> None:
    fitted = FITS[method](bags(), SMALL, 1)
    unseen = bags(20, seed=9)
    scores = np.array([fitted.score(one) for one in unseen])
    positive = np.array([one.positive for one in unseen])
    pairs = scores[positive][:, None] > scores[~positive][None, :]
    assert pairs.mean() > 0.85


@pytest.mark.parametrize("method", ["clam", "slidegraph"])
def test_the_same_seed_gives_the_same_score_to_the_last_bit(method: Method) -> None:
    one, other = (FITS[method](bags(8), SMALL, 3).score(bags(1, seed=4)[0]) for _ in range(2))
    assert one == other


def test_a_class_without_slides_is_refused() -> None:
    for fit in FITS.values():
        with pytest.raises(ValueError, match="both classes"):
            fit(bags(8)[::2], SMALL, 1)


def test_the_scale_counts_every_slide_alike() -> None:
    few = Bag(np.full((1, 1), 4.0, np.float32), np.zeros((1, 2)), positive=True)
    many = Bag(np.zeros((9, 1), np.float32), np.zeros((9, 2)), positive=False)
    assert float(standard_of([few, many]).mean[0]) == 2.0


def test_scoring_is_timed_from_features_to_score() -> None:
    score, seconds = timed(FITS["clam"](bags(8), SMALL, 1), bags(1)[0])
    assert math.isfinite(score)
    assert seconds > 0


def test_an_empty_batch_of_edges_never_arises() -> None:
    batch: Batch = batch_of([graph_of(np.ones((1, 2), np.float32), np.zeros((1, 2)), positive=True)])
    assert batch.edges.tolist() == [[0], [0]]


def test_the_network_is_that_of_transformers_weight_for_weight() -> None:
    from transformers import ResNetConfig, ResNetModel

    theirs = ResNetModel(ResNetConfig(depths=[3, 4, 6], hidden_sizes=[256, 512, 1024]))
    theirs.train(mode=False)
    own = ResNet50Features().eval()
    mine, other = list(own.state_dict().items()), theirs.state_dict()
    _take_over(own, other)
    picture = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(picture).last_hidden_state.mean((2, 3))
        assert torch.allclose(own(picture), expected, atol=1e-5)
    assert len(mine) == len(other)


def _take_over(own: ResNet50Features, theirs: dict[str, torch.Tensor]) -> None:
    renamed = {}
    for name in own.state_dict():
        parts = name.split(".")
        if parts[0] in ("conv1", "bn1"):
            kind = "convolution" if parts[0] == "conv1" else "normalization"
            renamed[name] = theirs[f"embedder.embedder.{kind}.{parts[1]}"]
            continue
        stage, block, what, *rest = parts
        front = f"encoder.stages.{int(stage[-1]) - 1}.layers.{block}"
        if what == "downsample":
            kind = "convolution" if rest[0] == "0" else "normalization"
            renamed[name] = theirs[f"{front}.shortcut.{kind}.{rest[1]}"]
        else:
            kind = "convolution" if what.startswith("conv") else "normalization"
            renamed[name] = theirs[f"{front}.layer.{int(what[-1]) - 1}.{kind}.{rest[0]}"]
    own.load_state_dict(renamed)


def test_weights_are_those_that_were_stated_or_refused_and_random_ones_say_so(tmp_path: Path) -> None:
    network, told = resnet50(None)
    assert told == RANDOM
    file = tmp_path / "weights.pth"
    torch.save({**network.state_dict(), "fc.weight": torch.zeros(1000, 2048)}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    again, said = resnet50(file, digest, seed=5)
    assert said.endswith(digest)
    assert torch.equal(again.conv1.weight, network.conv1.weight)
    with pytest.raises(InvalidInputError, match="not the one that was stated"):
        resnet50(file, "0" * 64)
    torch.save({"conv1.weight": torch.zeros(1)}, file)
    with pytest.raises(InvalidInputError, match="not those of a ResNet-50"):
        resnet50(file, hashlib.sha256(file.read_bytes()).hexdigest())
