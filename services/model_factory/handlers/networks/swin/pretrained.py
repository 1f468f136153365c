"""Weights from elsewhere: a user's checkpoint, or a network that was pre-trained here; under whichever names.

A head for another number of classes is left out; anything else that does not fit is refused.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from services.model_factory.handlers.networks.swin.network import SwinTransformer
from services.model_factory.handlers.networks.swin.weight_names import COMPUTED, OLD_NAMES, PREFIXES
from shared.domain.errors import InvalidInputError

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class FirstWeights:
    """Weights a training begins from, under our names."""

    weights: Weights
    source: str
    """Where they came from, with sha256: what a card says."""

    def into(self, network: SwinTransformer) -> None:
        """Take them over; the head only where it is for the same classes.

        Raises:
            InvalidInputError: If a weight is missing, too many, or of another shape.
        """
        here = network.state_dict()
        given = {name: one.float() for name, one in self.weights.items()}
        for name in ("head.weight", "head.bias"):
            if name not in given or given[name].shape != here[name].shape:
                given[name] = here[name]
        unlike = sorted(set(given) ^ set(here))
        unlike += [name for name in here if name in given and given[name].shape != here[name].shape]
        if unlike:
            raise InvalidInputError("checkpoint", f"does not fit {network.architecture.name}: {unlike[0]}")
        network.load_state_dict(given)


def first_weights(content: bytes, expected_sha256: str, said: str = "checkpoint") -> FirstWeights:
    """Return the weights of a user's file: safetensors, or a state dict of torch.

    Args:
        content: Of the file.
        expected_sha256: What its user says it is; a file nobody vouches for is not trained on.
        said: How the user calls it, for the card; no path.

    Raises:
        InvalidInputError: If the digest differs, or the file holds no weights of a Swin Transformer.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected_sha256.lower():
        raise InvalidInputError("checkpoint", f"its sha256 is {digest}, not the one given")
    return FirstWeights(our_names(_loaded(content)), f"{said}, sha256 {digest}")


def our_names(weights: Weights) -> Weights:
    """Return weights under our names.

    Known are our own, those of torchvision (``features.1.0.attn.qkv``), of timm and of the authors
    (``layers.0.blocks.0.attn.qkv``), and those of transformers, old and new (``swin.encoder.layers.0.blocks.0``).
    """
    renamed = {_renamed(name): one for name, one in weights.items() if not COMPUTED.search(name)}
    # The authors and transformers put the merge behind a stage, timm today before the next one; ours is before.
    behind = any(name.startswith("stages.0.downsample.") for name in renamed)
    placed = {_placed(name, int(behind)): one for name, one in renamed.items()}
    return _joined(placed)


def _renamed(name: str) -> str:
    name = PREFIXES.sub("", name)
    for pattern, ours in OLD_NAMES:
        name = pattern.sub(ours, name)
    return name


def _placed(name: str, later: int) -> str:
    return re.sub(r"^stages\.(\d)\.downsample\.", lambda m: f"stages.{int(m[1]) + later}.merge.", name)


def _joined(weights: Weights) -> Weights:
    """Put query, key and value that came apart into one."""
    made = {name: one for name, one in weights.items() if not re.search(r"\.attention\.(query|key|value)\.", name)}
    for name in weights:
        if ".attention.query." in name:
            three = [weights.get(name.replace(".query.", f".{one}.")) for one in ("query", "key", "value")]
            if any(one is None for one in three):
                raise InvalidInputError("checkpoint", f"has {name} without key and value")
            made[name.replace(".query.", ".qkv.")] = torch.cat([one for one in three if one is not None])
    return made


def _loaded(content: bytes) -> Weights:
    try:
        found = _opened(content)
    except Exception as error:  # torch and safetensors share no base class of errors
        raise InvalidInputError("checkpoint", "is neither safetensors nor a state dict of torch") from error
    for wrapper in ("state_dict", "model"):
        found = found.get(wrapper, found) if isinstance(found, Mapping) else found
    tensors = isinstance(found, Mapping) and all(isinstance(one, torch.Tensor) for one in found.values())
    if not tensors or not found:
        raise InvalidInputError("checkpoint", "holds something else than weights by name")
    return dict(found)


def _opened(content: bytes) -> Any:
    if content[:2] == b"PK" or content[:1] == b"\x80":
        return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    from safetensors.torch import load

    return load(content)
