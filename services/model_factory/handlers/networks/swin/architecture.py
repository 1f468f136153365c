"""Which Swin Transformer: width, blocks, heads, window and input."""

from __future__ import annotations

from dataclasses import dataclass

STAGES, FULL_WIDTH = 4, 96
PATCH = 4
"""Edge of what becomes one token, in pixels of the input (Liu et al. 2021, section 3.1)."""
CLASSES = 3
"""Non-tumour, tumour of a HER2- slide, tumour of a HER2+ slide (``shared/pathology/patch_table.py``)."""


@dataclass(frozen=True, slots=True)
class SwinArchitecture:
    """A Swin Transformer (Liu et al., ICCV 2021, doi:10.1109/ICCV48922.2021.00986). The defaults are Swin-T: 27.5 M.

    Raises:
        ValueError: If the input cannot be cut into whole windows, or channels into whole heads.
    """

    width: int = FULL_WIDTH
    """Channels of the first stage; each further one has twice as many."""
    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    heads: tuple[int, int, int, int] = (3, 6, 12, 24)
    window: int = 7
    side: int = 224
    """Edge of the input in pixels. The paper does not state it."""
    classes: int = CLASSES

    def __post_init__(self) -> None:
        if self.side % (PATCH * 2 ** (STAGES - 1)):
            raise ValueError(f"an input of {self.side} pixels cannot be halved three times")
        if any(self.cells(stage) % self.window_of(stage) for stage in range(STAGES)):
            raise ValueError(f"an input of {self.side} pixels cannot be cut into windows of {self.window}")
        if any(self.channels(stage) % self.heads[stage] for stage in range(STAGES)):
            raise ValueError("the channels of every stage must be a multiple of its heads")

    def cells(self, stage: int) -> int:
        """Return rows and columns of the tokens of a stage, counted from 0."""
        return (self.side // PATCH) >> stage

    def channels(self, stage: int) -> int:
        """Return the channels of a stage."""
        return self.width << stage

    def window_of(self, stage: int) -> int:
        """Return the window's edge in a stage: never more than there are cells."""
        return min(self.window, self.cells(stage))

    def shift_of(self, stage: int, block: int) -> int:
        """Return how far a block's windows are shifted: every second one's by half, where there is more than one."""
        return self.window_of(stage) // 2 if block % 2 and self.cells(stage) > self.window else 0

    @property
    def heat_cells(self) -> int:
        """Return rows and columns of the heat."""
        return self.cells(STAGES - 1)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Return (channels, rows, columns) of a patch."""
        return 3, self.side, self.side

    @property
    def name(self) -> str:
        """Return what a card says: ``Swin-T``, or what differs from it."""
        if (self.width, self.depths, self.heads, self.window) == (FULL_WIDTH, (2, 2, 6, 2), (3, 6, 12, 24), 7):
            return "Swin-T"
        depths = "-".join(str(one) for one in self.depths)
        return f"Swin of reduced size: width {self.width}, depths {depths}, window {self.window}"
