"""Attention MIL with instance clustering: Lu et al., Nat Biomed Eng 2021;5:555-570 (CLAM, one attention branch).

Written from the paper's text and equations; the published program is GPL and was not read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES, POSITIVE = 2, 1
COMPRESSED, ATTENDING, DROPOUT = 512, 256, 0.25
CLUSTERED = 8
"""Patches with the most, and with the least attention that become instances (the paper's B)."""
BAG_SHARE = 0.7
"""Of the loss; the rest is the instances'."""
MARGIN, TEMPERATURE = 1.0, 1.0
"""Of the smooth SVM loss."""


def smooth_svm(scores: Tensor, labels: Tensor, margin: float = MARGIN, temperature: float = TEMPERATURE) -> Tensor:
    """Return the smooth top-1 SVM loss of scores [n, classes] (Berrada et al., ICLR 2018, arXiv:1802.07595, Eq. 6).

    temperature * log sum_j exp((margin * [j is not the label] + s_j - s_label) / temperature), mean over n.
    """
    others = torch.ones_like(scores).scatter(1, labels[:, None], 0.0)
    own = scores.gather(1, labels[:, None])
    each: Tensor = temperature * torch.logsumexp((margin * others + scores - own) / temperature, dim=1)
    return each.mean()


class AttentionNetwork(nn.Module):
    """Patches [n, width] -> scores of the slide [2], attention [n] before the softmax, compressed patches."""

    def __init__(
        self, width: int, compressed: int = COMPRESSED, attending: int = ATTENDING, dropout: float = DROPOUT
    ) -> None:
        super().__init__()
        self.compress = nn.Sequential(nn.Linear(width, compressed), nn.ReLU(), nn.Dropout(dropout))
        self.seen = nn.Sequential(nn.Linear(compressed, attending), nn.Tanh(), nn.Dropout(dropout))
        self.gate = nn.Sequential(nn.Linear(compressed, attending), nn.Sigmoid(), nn.Dropout(dropout))
        self.attention = nn.Linear(attending, 1)
        self.slide = nn.Linear(compressed, CLASSES)
        self.instances = nn.ModuleList(nn.Linear(compressed, 2) for _ in range(CLASSES))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores, attention and the compressed patches (the paper's Eq. 1 to 3)."""
        h = self.compress(patches)
        attention: Tensor = self.attention(self.seen(h) * self.gate(h))[:, 0]
        pooled = torch.softmax(attention, dim=0) @ h
        scores: Tensor = self.slide(pooled)
        return scores, attention, h

    def instance_loss(self, attention: Tensor, h: Tensor, label: int) -> Tensor:
        """Return the loss of the clustering: of the own class most against least attended, of the other none at all."""
        b = min(CLUSTERED, max(1, len(attention) // 2))
        order = torch.argsort(attention.detach(), descending=True, stable=True)
        most, least = h[order[:b]], h[order[-b:]]
        own = torch.cat([most, least])
        marks = torch.cat([torch.ones(len(most)), torch.zeros(len(least))]).long()
        loss = smooth_svm(self.instances[label](own), marks)
        # The classes exclude each other: what speaks most for one is no evidence for the other.
        other = smooth_svm(self.instances[1 - label](most), torch.zeros(len(most)).long())
        return (loss + other) / 2
