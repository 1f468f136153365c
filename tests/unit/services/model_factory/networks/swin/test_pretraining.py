"""First weights: from a user's file under whichever names, or learned on CIFAR-100."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
import re
import struct
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from services.model_factory.handlers.networks.keeping import weights_bytes
from services.model_factory.handlers.networks.swin.cifar import read_cifar100
from services.model_factory.handlers.networks.swin.network import new_swin
from services.model_factory.handlers.networks.swin.pretrained import first_weights, our_names
from services.model_factory.handlers.networks.swin.pretraining import pretrained_on
from services.model_factory.handlers.networks.swin.recipe import PATCH_RECIPES
from shared.domain.errors import InvalidInputError
from tests.unit.services.model_factory.networks.conftest import Watching
from tests.unit.services.model_factory.networks.swin.conftest import SMALL, made_up

OURS = new_swin(SMALL, 7).state_dict()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def torchvision() -> dict[str, torch.Tensor]:
    """Our weights under torchvision's names, with what it computes from the window."""
    renamed = {}
    for name, one in OURS.items():
        theirs = name.replace("embed_norm.", "features.0.2.").replace("embed.", "features.0.0.")
        for stage in range(4):
            theirs = theirs.replace(f"stages.{stage}.blocks.", f"features.{2 * stage + 1}.")
            theirs = theirs.replace(f"stages.{stage}.merge.reduce.", f"features.{2 * stage}.reduction.")
            theirs = theirs.replace(f"stages.{stage}.merge.", f"features.{2 * stage}.")
        renamed[_attn(theirs).replace(".expand.", ".mlp.0.").replace(".contract.", ".mlp.3.")] = one
    return {**renamed, "features.1.0.attn.relative_position_index": torch.zeros(4)}


def timm(*, behind: bool) -> dict[str, torch.Tensor]:
    """Our weights as the authors (merge behind a stage) or timm (before the next) name them."""
    renamed = {}
    for name, one in OURS.items():
        theirs = re.sub("^embed_norm", "patch_embed.norm", re.sub("^embed[.]", "patch_embed.proj.", name))
        for stage in (1, 2, 3):
            merge = f"stages.{stage - 1 if behind else stage}.downsample."
            theirs = theirs.replace(f"stages.{stage}.merge.", merge)
        theirs = theirs.replace("stages.", "layers.").replace(".reduce.", ".reduction.")
        renamed[_attn(theirs).replace(".expand.", ".mlp.fc1.").replace(".contract.", ".mlp.fc2.")] = one
    return {**renamed, "layers.0.blocks.1.attn_mask": torch.zeros(4)}


def _attn(name: str) -> str:
    name = name.replace(".attention.qkv.", ".attn.qkv.").replace(".attention.projection.", ".attn.proj.")
    return name.replace(".attention.bias_table", ".attn.relative_position_bias_table")


@pytest.mark.parametrize("theirs", [OURS, torchvision(), timm(behind=True), timm(behind=False)])
def test_weights_are_known_under_every_name(theirs: dict[str, torch.Tensor]) -> None:
    found = our_names(theirs)

    assert set(found) == set(OURS)
    assert all(torch.equal(found[name], OURS[name]) for name in OURS)


@pytest.mark.parametrize("content", [save(torchvision()), weights_bytes({"model": timm(behind=True)})])
def test_a_users_checkpoint_is_taken_over_and_its_digest_told(content: bytes) -> None:
    network = new_swin(SMALL, 1)

    first = first_weights(content, sha256(content).upper(), "our own pre-training")
    first.into(network)

    assert torch.equal(network.state_dict()["embed.weight"], OURS["embed.weight"])
    assert first.source == f"our own pre-training, sha256 {sha256(content)}"


def test_a_head_for_other_classes_is_left_out() -> None:
    theirs = {**OURS, "head.weight": torch.zeros(1000, 96), "head.bias": torch.zeros(1000)}
    network = new_swin(SMALL, 1)
    content = save(theirs)

    first_weights(content, sha256(content)).into(network)

    assert torch.equal(network.head.weight, new_swin(SMALL, 1).head.weight)


class Calling:
    """A pickle that would call something."""

    def __reduce__(self) -> Any:
        return print, ("called",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"nothing", "neither safetensors"),
        (weights_bytes({"a": 3}), "something else than weights"),
        (pickle.dumps(Calling()), "neither safetensors"),
    ],
)
def test_what_holds_no_weights_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        first_weights(content, sha256(content))


def test_a_file_that_is_not_what_its_user_says_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not the one given"):
        first_weights(save(OURS), "0" * 64)


def test_weights_of_another_shape_are_refused() -> None:
    wide = new_swin(dataclasses.replace(SMALL, width=24), 1)
    content = save(OURS)

    with pytest.raises(InvalidInputError, match="does not fit"):
        first_weights(content, sha256(content)).into(wide)


def pictures(n: int = 40) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], list[int]]:
    rng = np.random.default_rng(1)
    labels = [int(one) for one in np.arange(n) % 2 * 7]
    made = rng.integers(0, 80, (n, 3072)).astype(np.uint8)
    made[np.array(labels) == 7] += 150
    return made, labels


def binary(n: int = 40) -> bytes:
    made, labels = pictures(n)
    return b"".join(bytes([1, label]) + row.tobytes() for label, row in zip(labels, made, strict=True))


def python2(n: int = 40) -> bytes:
    """The pickle that Python 2 and NumPy 1 wrote: strings are bytes, and the array names ``numpy.core``."""
    made, labels = pictures(n)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR(I1\n"
        + f"(I{n}\nI3072\nt".encode() + b"cnumpy\ndtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntbI00\n"
        + b"T" + struct.pack("<i", made.nbytes) + made.tobytes() + b"tb"
    )  # fmt: skip
    numbers = b"(l" + b"".join(f"I{one}\na".encode() for one in labels)
    return b"\x80\x02}U\x04data" + array + b"sU\x0bfine_labels" + numbers + b"s."


def test_both_versions_of_cifar_100_hold_the_same() -> None:
    made, labels = pictures()
    today = pickle.dumps({b"data": made, b"fine_labels": labels}, protocol=4)

    first = read_cifar100(binary())

    for other in (read_cifar100(today), read_cifar100(python2())):
        assert np.array_equal(first.pixels, other.pixels)
        assert np.array_equal(first.labels, other.labels)
    assert first.pixels.shape == (40, 3, 32, 32)
    assert first.sha256 == sha256(binary())


@pytest.mark.parametrize(
    "content", [b"", b"12345", binary()[:-1], b"\x01\xc8" + bytes(3072), pickle.dumps({b"data": Calling()})]
)
def test_what_is_no_cifar_100_is_refused_and_nothing_in_it_is_called(
    content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidInputError, match="cifar"):
        read_cifar100(content)
    assert capsys.readouterr().out == ""


def test_a_network_learns_from_pictures_and_hands_on_its_weights(watching: Watching) -> None:
    recipe = dataclasses.replace(PATCH_RECIPES["paper"], architecture=SMALL, batch=8)

    first = pretrained_on(read_cifar100(binary()), recipe, 1, watching, epochs=2)

    network = new_swin(SMALL, 3)
    first.into(network)
    assert network.head.out_features == 3
    assert "CIFAR-100" in first.source
    assert sha256(binary()) in first.source
    with torch.no_grad():
        assert bool(torch.isfinite(network(torch.from_numpy(made_up(2)))).all())


def test_half_precision_checkpoints_are_taken_in_float32() -> None:
    stream = io.BytesIO(save({name: one.half() for name, one in OURS.items()}))
    network = new_swin(SMALL, 1)

    first_weights(stream.getvalue(), sha256(stream.getvalue())).into(network)

    assert network.embed.weight.dtype == torch.float32
