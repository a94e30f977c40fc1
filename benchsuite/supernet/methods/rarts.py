"""RARTS: two weight sets share the alphas, and each fits one half of the data.

Xue, Qi & Xin, "RARTS: An Efficient First-Order Relaxed Architecture Search Method",
IEEE Access 2022. https://arxiv.org/abs/2008.03901

    L(y, w, alpha) = L_valid(y, alpha) + lambda L_train(w, alpha) + beta/2 |y - w|^2

is descended in w, y and alpha in turn, always from the newest values: no second
derivative, and both halves of the data speak to alpha. With beta to infinity y is w,
and alpha descends the sum of both losses (MiLeNAS); with beta = 0 and lambda = 0 it is
trained on the validation half alone.

Reconstruction: there is no public code. The formulas fit the abstract and the paper's
solvable example; lambda = beta = 1, and momentum and clipping as in DARTS, are choices
made here. Weights are clipped before they are pulled, so that both sets are pulled
alike. The second set has no running statistics: it is only ever normalised by its
batch, and nothing is judged by it.

`rarts_jacobi` is another algorithm, of two passes a step where this has four: all three
move at once, from the old values.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchsuite.supernet.search import Batch, Search
from benchsuite.supernet.steps import accumulate


def split(search: Search) -> None:
    """Copy w to y when the search begins."""
    if "y" not in search.memory:
        weights = search.weights.items()
        search.memory["y"] = {name: w.detach().clone() for name, w in weights}
        search.memory["velocity"] = [torch.zeros_like(w) for _, w in weights]


def fit_train(
    search: Search,
    train: Batch,
    valid: Batch,
    *,
    weight: float = 1.0,  # lambda
    coupling: float = 1.0,  # beta
) -> None:
    """Move w along lambda grad L_train(w) + beta (w - y)."""
    with torch.no_grad():
        (mixture,) = search.relax()
    loss = search.loss(train, mixture, track=True)
    search.loss_sum = search.loss_sum + loss.detach()
    search.weight_optimizer.zero_grad()
    accumulate(search, weight * loss, search.weights.values())
    _move_w(search, coupling)


def fit_valid(
    search: Search, train: Batch, valid: Batch, *, coupling: float = 1.0
) -> None:
    """Move y along grad L_valid(y) + beta (y - w)."""
    with torch.no_grad():
        (mixture,) = search.relax()
    y = _second_set(search)
    accumulate(search, search.loss(valid, mixture, weights=y), y.values())
    _move_y(search, coupling)


def fit_alphas(
    search: Search, train: Batch, valid: Batch, *, weight: float = 1.0
) -> None:
    """Move alpha along lambda grad L_train(w) + grad L_valid(y)."""
    search.alpha_optimizer.zero_grad()
    alphas, y = search.alphas.values(), search.memory["y"]
    (mixture,) = search.relax()
    accumulate(search, weight * search.loss(train, mixture), alphas)
    (mixture,) = search.relax()
    accumulate(search, search.loss(valid, mixture, weights=y), alphas)
    search.alpha_optimizer.step()


def fit_both(
    search: Search,
    train: Batch,
    valid: Batch,
    *,
    weight: float = 1.0,
    coupling: float = 1.0,
) -> None:
    """Move w and y, each from the old values; leave alpha's gradient with alpha."""
    search.alpha_optimizer.zero_grad()
    search.weight_optimizer.zero_grad()
    alphas, y = list(search.alphas.values()), _second_set(search)
    (mixture,) = search.relax()
    loss = search.loss(train, mixture, track=True)
    search.loss_sum = search.loss_sum + loss.detach()
    accumulate(search, weight * loss, [*search.weights.values(), *alphas])
    (mixture,) = search.relax()
    loss = search.loss(valid, mixture, weights=y)
    accumulate(search, loss, [*y.values(), *alphas])
    before = [w.detach().clone() for w in search.weights.values()]
    _move_w(search, coupling)
    _move_y(search, coupling, toward=before)


def move_alphas(search: Search, train: Batch, valid: Batch) -> None:
    """Move alpha along the gradient it has."""
    search.alpha_optimizer.step()


def _second_set(search: Search) -> dict[str, Tensor]:
    """Return y, of which gradients can be asked."""
    y: dict[str, Tensor] = search.memory["y"]
    for tensor in y.values():
        tensor.requires_grad_()
        tensor.grad = None
    return y


@torch.no_grad()
def _move_w(search: Search, coupling: float) -> None:
    weights = list(search.weights.values())
    torch.nn.utils.clip_grad_norm_(weights, search.method.clip, foreach=True)
    _pull(weights, list(search.memory["y"].values()), coupling)
    search.weight_optimizer.step()


@torch.no_grad()
def _move_y(
    search: Search, coupling: float, toward: Sequence[Tensor] | None = None
) -> None:
    """Take the step that the weight optimizer, which is SGD, would take with y."""
    (group,) = search.weight_optimizer.param_groups
    y, velocity = list(search.memory["y"].values()), search.memory["velocity"]
    torch.nn.utils.clip_grad_norm_(y, search.method.clip, foreach=True)
    _pull(y, list(search.weights.values()) if toward is None else toward, coupling)
    slopes = [t.grad for t in y if t.grad is not None]
    torch._foreach_add_(slopes, y, alpha=group["weight_decay"])
    torch._foreach_mul_(velocity, group["momentum"])
    torch._foreach_add_(velocity, slopes)
    torch._foreach_add_(y, velocity, alpha=-group["lr"])


def _pull(moved: Sequence[Tensor], other: Sequence[Tensor], coupling: float) -> None:
    """Add coupling (moved - other) to the gradients."""
    for tensor in moved:
        if tensor.grad is None:  # nothing that ran has it
            tensor.grad = torch.zeros_like(tensor)
    slopes = [t.grad for t in moved if t.grad is not None]
    torch._foreach_add_(slopes, list(moved), alpha=coupling)
    torch._foreach_sub_(slopes, list(other), alpha=coupling)
