"""Differentiable ANASOD: one distribution over operations, which all decisions share.

Wan, Ru, Esperanca & Carlucci, "Approximate Neural Architecture Search via Operation
Distribution Learning", WACV 2022. https://arxiv.org/abs/2111.04670

Instead of logits for every decision there are those of one distribution over the names
of operations. Any relaxation of single decisions becomes one of the distribution: the
gradient is the sum over decisions.

Reconstruction: the paper's differentiable variant is known in outline only.
`anasod_darts` mixes by a softmax, as DARTS; `anasod_gdas` draws a path, as GDAS. At the
end, operations are drawn from the distribution, independently, and the best of a
hundred samples is taken.
"""

from functools import lru_cache

import torch
from torch import Tensor

from benchsuite.spaces import Architecture
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.relax import gumbel_noise
from benchsuite.supernet.search import ABSENT, Alphas, Moment, Relax, Search


def distribution(layout: Layout, generator: torch.Generator) -> Alphas:
    """Draw logits [number of names] from 1e-3 N(0, 1)."""
    names = vocabulary(layout)
    logits = 1e-3 * torch.randn(len(names), generator=generator)
    return Alphas({"distribution": logits}, layout)


def vocabulary(layout: Layout) -> list[str]:
    """The names that options have, each once, sorted.

    Example:
        >>> vocabulary(Layout(((0, 1), (1,)), names=(("a", "b"), ("c", "a"))))
        ['a', 'b']
    """
    named = zip(layout.options, layout.names, strict=True)
    return sorted({names[c] for options, names in named for c in options})


def untied(alphas: Alphas) -> Alphas:
    """Give every decision the logits of its options, "operations" [D, C]."""
    logits = alphas["distribution"]
    absent = logits.new_full((1,), ABSENT)
    where = _where(alphas.layout).to(logits.device)
    spread: Tensor = torch.cat([logits, absent])[where]
    return Alphas({"operations": spread}, alphas.layout)


@lru_cache(maxsize=8)
def _where(layout: Layout) -> Tensor:
    """Number the name of every option, int64 [D, C]; one more is what is none."""
    number = {name: n for n, name in enumerate(vocabulary(layout))}
    where = torch.full((len(layout.options), layout.width), len(number))
    for d, options in enumerate(layout.options):
        for c in options:
            where[d, c] = number[layout.names[d][c]]
    return where


def tied(relaxation: Relax) -> Relax:
    """Relax the distribution as `relaxation` relaxes decisions."""

    def relax(
        alphas: Alphas, moment: Moment, generator: torch.Generator
    ) -> list[Mixture]:
        return relaxation(untied(alphas), moment, generator)

    return relax


def by_distribution(search: Search) -> Architecture:
    """Draw an architecture: an option of every decision, by the network's rule."""
    logits = untied(search.alphas)["operations"].detach()
    return search.derive(logits + gumbel_noise(logits, search.generator))
