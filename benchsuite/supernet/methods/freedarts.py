"""FreeDARTS: score alphas as one scores synapses for pruning, and train nothing.

Zhang et al., "Differentiable Architecture Search Without
Training Nor Labels: A Pruning Perspective". https://arxiv.org/abs/2106.11542
(the version that meets pruning at initialisation)

A mixture has the raw alphas as weights, without a softmax, and an operation on an edge
scores S = |alpha dR/dalpha|, once, at initialisation. The response R is the loss of a
batch (SNIP), a product of its gradient and alpha (GraSP), or what a network of absolute
weights makes of an image of ones (SynFlow).

A score is proportional to the alpha it was drawn with: much of a ranking is the draw.
What differs here: alphas of SynFlow are positive on every space, as in the authors'
code for NAS-Bench-201, so that the scores of an edge sum to R where nothing normalises;
weights stay signed for the other two, which the authors' code for DARTS does not.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from benchsuite.spaces import Architecture
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.search import Alphas, DivergedError, Moment, Search
from benchsuite.supernet.steps import first_order

Response = Callable[[Search], Tensor]
"""R as a function of the alphas."""


def raw(alphas: Alphas, moment: Moment, generator: torch.Generator) -> list[Mixture]:
    """Weigh operations by their alphas."""
    return [Mixture(alphas["operations"], alphas.layout.options)]


def by_scores(search: Search) -> Architecture:
    """Derive by the scores, which are in the place of the alphas."""
    return search.derive(search.alphas["operations"].detach())


def saliency(response: Response) -> Callable[[Search], None]:
    """Put |alpha dR/dalpha| in the place of the alphas when the search begins.

    Raises:
        DivergedError: A score is no number.
    """

    def score(search: Search) -> None:
        if search.moment.epoch:
            return
        alphas = search.alphas["operations"]
        before = alphas.detach().clone()
        (slope,) = search.gradient(response(search), [alphas])
        scores = (before * slope).abs()
        if not scores.isfinite().all():
            raise DivergedError(
                "a saliency is no number: the network's response overflowed"
            )
        with torch.no_grad():
            alphas.copy_(scores)

    return score


def snip(search: Search) -> Tensor:
    """The loss of one validation batch. Lee, Ajanthan & Torr, "SNIP", ICLR 2019."""
    (mixture,) = search.relax()
    return search.loss(search.valid.draw(), mixture)


def grasp(search: Search) -> Tensor:
    """Sum of g alpha, g the gradient of the loss. Wang et al., "GraSP", ICLR 2020.

    Taken after one step of the alphas, on the same batch, and differentiated with both
    factors (reconstruction: the authors' notebooks differ from one another here). The
    alphas that the score multiplies are those before the step.
    """
    batch = search.valid.draw()
    first_order(search, batch, batch)
    (mixture,) = search.relax()
    alphas = search.alphas["operations"]
    (slope,) = search.gradient(search.loss(batch, mixture), [alphas], create_graph=True)
    return (slope * alphas).sum()


def synflow(
    search: Search,
    *,
    scope: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Tensor:
    """Sum of the logits of ones, of |weights| and |alpha|. Tanaka et al., NeurIPS 2020.

    In float64, since products over the depth overflow. Normalisation is kept, as in the
    authors' code, where what it leaves of an image of ones comes from its borders.

    Args:
        search: Its validation batch tells the size of images, and nothing else.
        scope: What the network runs in, such as `without_normalisation`.
    """
    (mixture,) = search.relax()
    mixture = Mixture(mixture.weights.abs(), mixture.active)
    images, labels = search.valid.draw()
    weights = {n: w.detach().abs().double() for n, w in search.weights.items()}
    ones = torch.ones_like(images[:1], dtype=torch.float64), labels[:1]
    with scope():
        return search.loss(
            ones,
            mixture,
            weights=weights,
            objective=lambda network, batch: network(batch[0]).sum(),
        )
