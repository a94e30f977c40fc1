"""The toy bilevel problem of the DARTS card, whose optima are known in closed form."""

import math
from functools import partial

import torch

from benchsuite.spaces import SearchSpace
from benchsuite.supernet.data import Blank
from benchsuite.supernet.derive import strongest
from benchsuite.supernet.mixture import Layout
from benchsuite.supernet.search import Alphas, Method, Search, nothing, search
from tests.supernet.nets import dense


class Toy(torch.nn.Module):
    """L_train = (w - alpha)^2, L_valid = alpha w - 2 alpha + 1."""

    space = SearchSpace("toy", (("alpha",),))
    layout, rule = Layout.whole(space), staticmethod(strongest)

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(-1.0, dtype=torch.float64))

    def forward(self, role, mixture, statistics="batch"):
        alpha = mixture.weights.squeeze()
        train, valid = (self.w - alpha) ** 2, alpha * self.w - 2 * alpha + 1
        return train if role == "train" else valid


class Role(Blank):
    def __init__(self, role, steps):
        super().__init__(steps)
        self.role = role

    def draw(self):
        return self.role, (None,)


def as_is(network, batch):
    return network(batch[0])


def raw(alphas, moment, generator):
    return [dense(alphas["operations"])]


def toy(*steps, xi, alpha_rate, n, on_epoch=nothing):
    """Run n steps of the loop from w = -1, alpha = 2.5."""
    run = start_toy(*steps, xi=xi, alpha_rate=alpha_rate, n=n, on_epoch=on_epoch)
    list(search(run))
    return run.alphas["operations"].item(), run.supernet.w.item(), run


def start_toy(*steps, xi, alpha_rate, n=1, on_epoch=nothing):
    """That search at its start."""
    method = Method(
        relax=raw,
        steps=steps,
        on_epoch=on_epoch,
        weight_optimizer=partial(torch.optim.SGD, momentum=0, foreach=True),
        alpha_optimizer=partial(torch.optim.SGD, lr=alpha_rate, foreach=True),
        learning_rate=lambda moment: xi,
        alphas=lambda layout, source: Alphas(
            {"operations": torch.tensor([[2.5]])}, layout
        ),
        clip=math.inf,
    )
    streams = Role("train", n), Role("valid", n)
    return Search(
        method, Toy(), *streams, objective=as_is, error=as_is, epochs=1, seed=0
    )
