"""A trained patch network: what it says, what its training looked like, and what serves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.swin import looking
from services.model_factory.handlers.networks.swin.looking import Patches
from services.model_factory.handlers.networks.swin.network import SwinTransformer
from services.model_factory.handlers.networks.swin.parity import checked_graph
from services.model_factory.handlers.networks.swin.recipe import PatchRecipe
from services.model_factory.handlers.networks.trained import Trained


@dataclass(frozen=True, slots=True, eq=False)
class TrainedPatchNetwork(Trained[SwinTransformer, PatchRecipe]):
    """What ``train_patch_network`` returns."""

    pretrained: str
    """Where its first weights came from, with sha256; empty: random, and every rendering must say "not pretrained"."""
    frozen: int
    """Stages that kept the weights they came with."""

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
