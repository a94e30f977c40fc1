"""DARTS-PT: what is worth most is what the supernet misses most.

Wang, Cheng, Chen, Tang & Hsieh, "Rethinking Architecture Selection in Differentiable
NAS", ICLR 2021. https://arxiv.org/abs/2108.04392

The supernet is trained as any other. Then, edge by edge in random order: drop every
operation in turn, without making up for its weight; keep the one whose removal costs
most validation accuracy; finetune what is left before the next edge. Where the rule of
a space keeps two edges into a node, edges are chosen likewise afterwards, node by node.

The selection happens in the derivation of the last epoch, once. With D decisions of C
options it takes D C passes over the validation images, and finetunes for 5 (D - 1)
epochs: 30 passes and 25 epochs on NAS-Bench-201, beside 50 epochs of search. A search
that is killed in its selection repeats it from its start.

Finetuning goes on with all steps of the method, and with a new weight optimizer at a
tenth of the first rate, as the authors' code does.
"""

from collections.abc import Callable

import torch

from benchsuite.spaces import Architecture
from benchsuite.supernet.derive import leaves_edges_out
from benchsuite.supernet.search import ABSENT, Moment, Search, in_the_end


def by_perturbation(*, epochs: float = 5.0) -> Callable[[Search], Architecture]:
    """Select by perturbation in the last epoch; report the softmax's choice before.

    Args:
        epochs: Of finetuning after every edge but the last; may be a fraction.
    """
    return in_the_end(lambda search: select(search, round(epochs * len(search.train))))


def select(search: Search, steps: int) -> Architecture:
    """Discretise the supernet; it, and the alphas, are changed.

    Args:
        search: Whose relaxation is a mixture of all operations.
        steps: Of finetuning, between one choice and the next.
    """
    layout, scores = search.layout, torch.zeros(len(search.layout.options), 1)
    scores = scores.expand(-1, layout.width).clone()
    drops_edges = leaves_edges_out(search.supernet.rule, layout)
    _start_again(search)
    try:
        for n, d in enumerate(_shuffled(len(layout.options), search.generator)):
            if n:
                _finetune(search, steps)
            options = [c for c in layout.options[d] if c or not drops_edges]
            errors = {c: _error_without(search, d, c) for c in options}
            best = max(options, key=errors.__getitem__)
            scores[d, best] = 1.0
            _reduce(search, d, (best,))
        if drops_edges:
            for node in _shuffled(len(layout.into), search.generator):
                _finetune(search, steps)
                edges = layout.into[node]
                for d in edges:
                    best = int(scores[d].argmax())
                    scores[d, best] += _error_without(search, d, best)
                kept = search.derive(scores)
                for d in edges:
                    if not scores[d, kept[d]]:
                        _reduce(search, d, ())
    finally:
        search.alphas.layout = layout
    return search.derive(scores)


def _error_without(search: Search, d: int, option: int) -> float:
    """Judge the supernet as it is now without one operation of decision d."""
    with torch.no_grad():
        (mixture,) = search.relax()
    active = list(mixture.active)
    active[d] = tuple(c for c in active[d] if c != option)
    return search.judge(search.supernet.without(mixture, tuple(active)))


@torch.no_grad()
def _reduce(search: Search, d: int, options: tuple[int, ...]) -> None:
    """Leave decision d no other options: their softmax is zero, and they do not run."""
    logits = search.alphas["operations"]
    row = torch.full((logits.shape[1],), ABSENT)
    row[list(options)] = 0.0
    logits[d] = row.to(logits)
    before = search.alphas.layout
    left = (*before.options[:d], options, *before.options[d + 1 :])
    search.alphas.layout = before._replace(options=left)


def _start_again(search: Search) -> None:
    """Forget the momentum of the weights, and lower their rate."""
    search.weight_optimizer.state.clear()
    rate = search.method.learning_rate(Moment(0, search.moment.epochs)) / 10
    for group in search.weight_optimizer.param_groups:
        group["lr"] = rate


def _finetune(search: Search, steps: int) -> None:
    """Go on training what is left."""
    for _ in range(steps):
        train, valid = search.train.draw(), search.valid.draw()
        for step in search.method.steps:
            step(search, train, valid)


def _shuffled(n: int, generator: torch.Generator) -> list[int]:
    order: list[int] = torch.randperm(n, generator=generator).tolist()
    return order
