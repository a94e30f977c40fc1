"""One-shot methods by name: each is a record, and a variant a replaced field."""

from dataclasses import replace
from functools import partial

from benchsuite.supernet import relax
from benchsuite.supernet.methods.inherited import best_of
from benchsuite.supernet.methods.pc_darts import with_edge_logits
from benchsuite.supernet.search import Method, cosine, sgd
from benchsuite.supernet.steps import (
    first_order,
    from_epoch,
    second_order,
    second_order_difference,
    train_weights,
)

_DARTS = Method(relax=relax.softmax, steps=(first_order, train_weights))
_GDAS = Method(
    relax=relax.gumbel,
    steps=(train_weights, first_order),
    weight_optimizer=partial(sgd, nesterov=True, weight_decay=5e-4),
)

METHODS: dict[str, Method] = {
    "darts": _DARTS,
    "darts_2nd": replace(_DARTS, steps=(second_order, train_weights)),
    "darts_2nd_fd": replace(_DARTS, steps=(second_order_difference, train_weights)),
    "drnas": replace(_DARTS, relax=relax.dirichlet),
    "gdas": _GDAS,
    "gdas_nb201": replace(_GDAS, relax=partial(relax.gumbel, unselected_gradient=True)),
    "pc_darts": replace(
        _DARTS,
        steps=(from_epoch(15, first_order), train_weights),
        alphas=with_edge_logits,
        network={"partial": 4},
        learning_rate=partial(cosine, start=0.1, end=0.0),
    ),
    "random_sampling": Method(
        relax=relax.uniform, steps=(train_weights,), derive=best_of(100)
    ),
}
