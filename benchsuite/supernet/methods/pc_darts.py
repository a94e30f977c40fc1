"""PC-DARTS: partial channels are the network's; edges have logits of their own.

Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture
Search", ICLR 2020. https://arxiv.org/abs/1907.05737
"""

import torch

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.supernet.relax import edge_softmax
from benchsuite.supernet.search import Alphas, Search, small_normal


def with_edge_logits(space: SearchSpace, generator: torch.Generator) -> Alphas:
    """Logits of operations [D, C], and of the edges into each node.

    Decisions are the edges of a cell whose node n has n edges from all nodes before.
    """
    alphas, node = small_normal(space, generator), 1
    for edges in range(1, len(space.choices) + 1):
        if sum(range(edges + 1)) > len(space.choices):
            break
        logits = 1e-3 * torch.randn(edges, generator=generator)
        alphas[f"edges into {node}"] = logits
        node += 1
    return alphas


def strongest_with_edges(search: Search) -> Architecture:
    """Keep the operation with the largest product on every edge.

    On NAS-Bench-201, where every edge is kept, the edge's factor changes nothing.
    """
    p = search.alphas["operations"].softmax(-1)
    product = p * edge_softmax(search.alphas).unsqueeze(-1)
    choice: list[int] = product.argmax(-1).tolist()
    return tuple(choice)
