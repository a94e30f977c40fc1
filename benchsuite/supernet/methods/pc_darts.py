"""PC-DARTS: partial channels are the network's; edges have logits of their own.

Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture
Search", ICLR 2020. https://arxiv.org/abs/1907.05737
"""

import torch

from benchsuite.supernet.mixture import Layout
from benchsuite.supernet.search import Alphas, small_normal


def with_edge_logits(layout: Layout, generator: torch.Generator) -> Alphas:
    """Draw logits of operations [D, C], and of the edges into each node."""
    alphas = small_normal(layout, generator)
    for node, edges in enumerate(layout.into, 1):
        logits = 1e-3 * torch.randn(len(edges), generator=generator)
        alphas[f"edges into {node}"] = logits
    return alphas
