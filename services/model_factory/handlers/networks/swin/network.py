"""The Swin Transformer in plain torch; tokens are kept as (n, rows, columns, channels) throughout."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm

from services.model_factory.handlers.networks.swin.architecture import FULL_WIDTH, PATCH, STAGES, SwinArchitecture

EPSILON = 1e-5
MLP_RATIO = 4
OUTSIDE = -100.0
"""Added to the attention between tokens that only the shift has made neighbours; e^-100 is nothing in float32."""


class Norm(nn.Module):
    """Layer normalisation over the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of mean 0 and variance 1, scaled and shifted."""
        return layer_norm(x, self.weight.shape, self.weight, self.bias, EPSILON)


class WindowAttention(nn.Module):
    """Attention within windows, with a bias for every relative place (Liu et al. 2021, Eq. 4)."""

    def __init__(self, channels: int, heads: int, window: int, shift: int, cells: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift, self.cells = heads, window, shift, cells
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)
        self.bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self._index = torch.from_numpy(relative_index(window).ravel())
        self._mask = torch.from_numpy(shift_mask(cells, window, shift))

    @property
    def scale(self) -> float:
        """Return what queries are multiplied by."""
        return float((self.projection.in_features // self.heads) ** -0.5)

    def bias(self) -> Tensor:
        """Return what is added to the attention: (windows or 1, heads, tokens, tokens)."""
        tokens = self.window**2
        table = self.bias_table[self._index.to(self.bias_table.device)]
        bias = table.view(tokens, tokens, self.heads).permute(2, 0, 1)
        return bias[None] + self._mask.to(bias.device)[:, None]

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (n, rows, columns, channels) that have looked at those of their window."""
        n, heads, channels = len(x), self.heads, x.shape[-1]
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2)) if self.shift else x
        windows = cut(self.qkv(x), self.window)
        q, k, v = windows.view(n, -1, self.window**2, 3, heads, channels // heads).permute(3, 0, 1, 4, 2, 5)
        attention = torch.softmax((q * self.scale) @ k.transpose(-1, -2) + self.bias(), -1)
        seen = (attention.to(v.dtype) @ v).transpose(2, 3).flatten(3)
        x = joined(self.projection(seen), self.window, self.cells)
        return torch.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x


class Block(nn.Module):
    """Attention within windows, then two layers on every token; normalised before, added to what came in."""

    def __init__(self, channels: int, attention: WindowAttention) -> None:
        super().__init__()
        self.norm1, self.attention, self.norm2 = Norm(channels), attention, Norm(channels)
        self.expand = nn.Linear(channels, MLP_RATIO * channels)
        self.contract = nn.Linear(MLP_RATIO * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens after the block."""
        x = x + self.attention(self.norm1(x))
        changed: Tensor = self.contract(gelu(self.expand(self.norm2(x))))
        return x + changed


class Merge(nn.Module):
    """Four neighbouring tokens become one of twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.reduce = Norm(4 * channels), nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, rows / 2, columns / 2, 2 channels)."""
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        reduced: Tensor = self.reduce(self.norm(torch.cat(corners, -1)))
        return reduced


class Stage(nn.Module):
    """The blocks of one resolution, behind the merge that leads to it (the first has none)."""

    def __init__(self, architecture: SwinArchitecture, stage: int) -> None:
        super().__init__()
        channels, cells = architecture.channels(stage), architecture.cells(stage)
        self.merge = Merge(channels // 2) if stage else None
        window, heads = architecture.window_of(stage), architecture.heads[stage]
        shifts = [architecture.shift_of(stage, block) for block in range(architecture.depths[stage])]
        attentions = [WindowAttention(channels, heads, window, shift, cells) for shift in shifts]
        self.blocks = nn.Sequential(*(Block(channels, one) for one in attentions))

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens after the stage."""
        tokens: Tensor = self.blocks(x if self.merge is None else self.merge(x))
        return tokens


class SwinTransformer(nn.Module):
    """Patches [n, 3, side, side] -> logits [n, classes]."""

    def __init__(self, architecture: SwinArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.embed = nn.Conv2d(3, architecture.width, PATCH, stride=PATCH)
        self.embed_norm = Norm(architecture.width)
        self.stages = nn.Sequential(*(Stage(architecture, stage) for stage in range(STAGES)))
        last = architecture.channels(STAGES - 1)
        self.norm, self.head = Norm(last), nn.Linear(last, architecture.classes)

    def maps(self, x: Tensor) -> Tensor:
        """Return the last maps, normalised: (n, cells, cells, channels)."""
        tokens = self.embed_norm(self.embed(x).permute(0, 2, 3, 1))
        normalised: Tensor = self.norm(self.stages(tokens))
        return normalised

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits: mean over the last maps, then one linear layer."""
        logits: Tensor = self.head(self.maps(x).mean((1, 2)))
        return logits

    def parts(self) -> tuple[tuple[Merge | None, tuple[Block, ...]], ...]:
        """Return of every stage the merge before it and its blocks."""
        stages = [one for one in self.stages if isinstance(one, Stage)]
        return tuple((one.merge, tuple(block for block in one.blocks if isinstance(block, Block))) for one in stages)


def new_swin(architecture: SwinArchitecture, seed: int) -> SwinTransformer:
    """Return a network with random weights; the same seed gives the same.

    Zero biases; weights truncated normal of .02 (two deviations), as the authors begin. With fewer channels that would
    leave every block with next to nothing to say: there Glorot and Bengio's (AISTATS 2010), which knows the channels.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SwinTransformer(architecture)
        for name, parameter in network.named_parameters():
            linear = name.endswith("weight") and parameter.ndim == 2
            if linear and architecture.width < FULL_WIDTH:
                nn.init.xavier_uniform_(parameter)
            elif linear or name.endswith("bias_table"):
                nn.init.trunc_normal_(parameter, std=0.02, a=-0.04, b=0.04)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
    return network


def cut(x: Tensor, window: int) -> Tensor:
    """Return (n, windows, tokens, channels) of (n, rows, columns, channels), windows row by row."""
    n, rows, columns, channels = x.shape
    parts = x.view(n, rows // window, window, columns // window, window, channels).transpose(2, 3)
    return parts.reshape(n, -1, window**2, channels)


def joined(windows: Tensor, window: int, cells: int) -> Tensor:
    """Return (n, cells, cells, channels) of what ``cut`` returned."""
    n, channels, across = len(windows), windows.shape[-1], cells // window
    parts = windows.view(n, across, across, window, window, channels).transpose(2, 3)
    return parts.reshape(n, cells, cells, channels)


def relative_index(window: int) -> NDArray[np.int64]:
    """Return (tokens, tokens): which row of the bias table belongs to a pair of places of a window."""
    rows, columns = np.divmod(np.arange(window**2), window)
    down = rows[:, None] - rows[None] + window - 1
    right = columns[:, None] - columns[None] + window - 1
    index: NDArray[np.int64] = (down * (2 * window - 1) + right).astype(np.int64)
    return index


def shift_mask(cells: int, window: int, shift: int) -> NDArray[np.float32]:
    """Return (windows, tokens, tokens): ``OUTSIDE`` between tokens that were apart before the shift; (1, 1, 1) of 0."""
    if not shift:
        return np.zeros((1, 1, 1), dtype=np.float32)
    band = np.digitize(np.arange(cells), [cells - window, cells - shift])
    region = band[:, None] * 3 + band[None]
    across = cells // window
    windows = region.reshape(across, window, across, window).swapaxes(1, 2).reshape(across**2, window**2)
    return np.where(windows[:, :, None] == windows[:, None], 0.0, OUTSIDE).astype(np.float32)
