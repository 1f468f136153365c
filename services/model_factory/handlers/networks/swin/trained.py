"""A trained patch network: what it says, what its training looked like, and what serves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.keeping import weights_bytes
from services.model_factory.handlers.networks.loop import EpochLoss
from services.model_factory.handlers.networks.swin import looking
from services.model_factory.handlers.networks.swin.looking import Patches
from services.model_factory.handlers.networks.swin.network import SwinTransformer
from services.model_factory.handlers.networks.swin.parity import checked_graph
from services.model_factory.handlers.networks.swin.recipe import PatchRecipe


@dataclass(frozen=True, slots=True, eq=False)
class TrainedPatchNetwork:
    """What ``train_patch_network`` returns."""

    network: SwinTransformer
    recipe: PatchRecipe
    losses: tuple[EpochLoss, ...]
    best_epoch: int
    """From 0: whose weights these are."""
    seed: int
    patients: frozenset[str]
    """Whom it has seen, the inner validation patients included."""
    pretrained: str
    """Where its first weights came from, with sha256; empty: random, and every rendering must say "not pretrained"."""
    frozen: int
    """Stages that kept the weights they came with."""

    @property
    def architecture(self) -> str:
        """Return what a card says."""
        return self.recipe.architecture.name

    @property
    def parameters(self) -> int:
        """Return the number of weights."""
        return self.network.parameter_count

    @property
    def input_px(self) -> int:
        """Return the edge of the input in pixels."""
        return self.recipe.architecture.side

    @property
    def heat_cells(self) -> int:
        """Return rows and columns of the heat."""
        return self.recipe.architecture.heat_cells

    def predict(self, patches: Patches) -> NDArray[np.float32]:
        """Return (n, 3): probability of non-tumour, negative, positive (``shared/pathology/patch_table.py``)."""
        return looking.probabilities(self.network, patches)

    def features(self, patches: Patches) -> NDArray[np.float32]:
        """Return (n, channels): the mean of the last maps."""
        return looking.features(self.network, patches)

    def heat(self, patches: Patches) -> NDArray[np.float32]:
        """Return (n, cells, cells): Grad-CAM of the positive class, not cut at zero."""
        return looking.heat(self.network, patches)

    def export(self, patches: Patches | None = None) -> bytes:
        """Return the ONNX graph (``graph.py``), checked against this network.

        Args:
            patches: To check it on; some that were made up are always among them.

        Raises:
            ParityError: If ONNX Runtime says something else than torch.
        """
        return checked_graph(self.network, patches)

    def weights(self) -> bytes:
        """Return the weights as a file of torch, for ``pretrained.py``; ONNX is what serves."""
        return weights_bytes(self.network.state_dict())
