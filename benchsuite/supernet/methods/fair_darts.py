"""FairDARTS: gates instead of a competition, and a loss that closes or opens them.

Chu, Zhou, Zhang & Li, "Fair DARTS: Eliminating Unfair Advantages in Differentiable
Architecture Search", ECCV 2020. https://arxiv.org/abs/1911.12126

What differs here: the paper's space has no operation "none", and lets a node have fewer
than two inputs. Where a space has "none" on an edge, an edge without an open gate is
left out (`by_threshold`); where its rule wants two edges into a node, the two with the
widest gates are kept, open or not.
"""

from collections.abc import Callable

from torch import Tensor

from benchsuite.spaces import Architecture
from benchsuite.supernet.search import ABSENT, Alphas, Search


def zero_one(alphas: Alphas, *, weight: float = 10.0) -> Tensor:
    """L = -w/N sum over N gates of (sigmoid(alpha) - 1/2)^2: eq. 5, with w_{0-1}."""
    logits = alphas["operations"]
    there = logits > ABSENT / 2
    gates = sum(map(len, alphas.layout.options))
    return -weight / gates * ((logits.sigmoid() - 0.5).square() * there).sum()


def by_threshold(threshold: float = 0.85) -> Callable[[Search], Architecture]:
    """Take the widest gate of an edge; none if it is not wider than `threshold`.

    The gate of "none" itself does not count: it scores what the others have to exceed.
    """

    def derive(search: Search) -> Architecture:
        scores = search.alphas["operations"].detach().sigmoid()
        for d, choices in enumerate(search.space.choices):
            if "none" in choices:
                scores[d, choices.index("none")] = threshold
        return search.derive(scores)

    return derive
