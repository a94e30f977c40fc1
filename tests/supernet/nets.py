"""Tiny networks, images and searches."""

from dataclasses import replace

import torch

from benchsuite.supernet.data import Shuffled, Split, crop_and_flip
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.methods.anasod import by_distribution
from benchsuite.supernet.methods.balenas import by_proxy
from benchsuite.supernet.methods.darts_pt import by_perturbation
from benchsuite.supernet.methods.inherited import best_of
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks.nats_tss import NatsTss
from benchsuite.supernet.objectives import cross_entropy, error_rate
from benchsuite.supernet.search import Search, generator


def tiny(seed=0, **options):
    """C=4, N=1, float64, with normalisation away from its initial values."""
    source = generator(seed, "init")
    options = {"channels": 4, "cells": 1, **options}
    return shaken(NatsTss(**options, generator=source), source)


def shaken(net, source):
    """In float64, with normalisation away from its initial values."""
    net = net.double()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() == 1:
                noise = torch.randn(parameter.shape, generator=source)
                parameter.add_(0.3 * noise)
    return net


def images(n=8, size=8, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, size, size, generator=source, dtype=torch.float64)


QUICK = {
    "random_sampling": best_of(5),
    "spos": best_of(5),
    "fairnas": best_of(5),
    "darts_pt": by_perturbation(epochs=0.5),
    "balenas_tf": by_proxy(samples=3),
    "anasod_darts": best_of(5, draw=by_distribution),
    "anasod_gdas": best_of(5, draw=by_distribution),
}
"""The same derivations with less to do: samples, or steps of finetuning."""


def start(method, *, epochs=2, seed=0, n=36, **options):
    """A search on noise that takes milliseconds."""
    if isinstance(method, str):
        derive = QUICK.get(method, METHODS[method].derive)
        method = replace(METHODS[method], derive=derive)
    source = torch.Generator().manual_seed(1)
    split = Split(
        torch.randint(256, (n, 3, 8, 8), generator=source, dtype=torch.uint8),
        torch.randint(10, (n,), generator=source),
    )
    options = {"channels": 4, "cells": 1, **method.network, **options}
    return Search(
        method,
        NatsTss(**options, generator=generator(seed, "init")),
        Shuffled(split, 16, generator(seed, "train"), crop_and_flip),
        Shuffled(split, 12, generator(seed, "valid")),
        objective=cross_entropy,
        error=error_rate,
        epochs=epochs,
        seed=seed,
        clock=lambda: 0.0,
    )


def dense(weights, edges=None):
    """Execute everything."""
    d, c = weights.shape
    return Mixture(weights, (tuple(range(c)),) * d, edges)
