"""One-shot methods by name: each is a record, and a variant a replaced field.

On a relaxed table, which has no weights, methods learn what they learn elsewhere (of
`darts_pt`, the finetuning moves alphas only), but for those that need weights.

- anasod_darts, anasod_gdas: Wan et al., WACV 2022; see `anasod`.
- balenas, balenas_tf: Zhang et al., CVPR 2022; see `balenas`.
- darts, darts_2nd, darts_2nd_fd: Liu, Simonyan & Yang, ICLR 2019.
- darts_pt: Wang et al., ICLR 2021; see `darts_pt`.
- drnas: Chen et al., ICLR 2021.
- enas: Pham et al., ICML 2018; see `enas`.
- fair_darts: Chu et al., ECCV 2020; see `fair_darts`. The rest as in DARTS.
- fairnas: Chu, Zhang & Xu, "FairNAS: Rethinking Evaluation Fairness of Weight Sharing
  Neural Architecture Search", ICCV 2021. A step sums the gradients of C paths, and is
  not clipped. Rates are the paper's for ImageNet; its evolution is left out.
- freedarts_snip, freedarts_grasp, freedarts_synflow: Zhang et al.; see `freedarts`.
- gdas, gdas_nb201: Dong & Yang, CVPR 2019.
- if_nas: Tian et al.; see `if_nas`.
- msg_das: Tan et al.; see `msg_das`.
- pc_darts: Xu et al., ICLR 2020.
- random_sampling: Li & Talwalkar, UAI 2019.
- rarts, rarts_jacobi: Xue, Qi & Xin, IEEE Access 2022; see `rarts`.
- rf_darts, rf_pcdarts: Zhang et al., CVPR 2023; see `rf_darts`.
- shapley_nas, shapley_nas_renormalised: Xiao et al., CVPR 2022; see `shapley_nas`.
- snas: Xie, Zheng, Liu & Lin, "SNAS: Stochastic Neural Architecture Search", ICLR 2019.
  One level: alphas and weights descend the same loss on the same training batch. In the
  paper both move at once, by one sample; here alphas move first and weights after, each
  by a sample of its own. The paper's cost of resources is left out (eta = 0), and it
  trains on all training images, where a search here has one half.
- spos: Guo et al., ECCV 2020. Single paths, drawn uniformly. The paper trains on
  ImageNet in batches of 1,024 at rates from 0.5; batches and rates here are those of
  DARTS (reconstruction). At its end it takes the best of as many samples as the paper's
  evolution looks at, 50 in each of 20 generations.
- tnd_nas: Lyu & Wen; see `tnd_nas`.
"""

import math
from dataclasses import replace
from functools import partial

from benchsuite.supernet import relax
from benchsuite.supernet.methods import enas, freedarts, rarts
from benchsuite.supernet.methods.anasod import by_distribution, distribution, tied
from benchsuite.supernet.methods.balenas import BALENAS, BALENAS_TF
from benchsuite.supernet.methods.darts_pt import by_perturbation
from benchsuite.supernet.methods.fair_darts import by_threshold, zero_one
from benchsuite.supernet.methods.if_nas import IF_NAS
from benchsuite.supernet.methods.inherited import best_of
from benchsuite.supernet.methods.msg_das import distilled, exclusive
from benchsuite.supernet.methods.pc_darts import with_edge_logits
from benchsuite.supernet.methods.rf_darts import batch_norms
from benchsuite.supernet.methods.shapley_nas import (
    SHAPLEY_NAS,
    SHAPLEY_NAS_RENORMALISED,
)
from benchsuite.supernet.methods.tnd_nas import TND_NAS
from benchsuite.supernet.search import Method, adam, cosine, sgd
from benchsuite.supernet.steps import (
    after,
    first_order,
    on_training_batch,
    second_order,
    second_order_difference,
    train_weights,
)

_WEIGHTS = frozenset({"weights"})
_DARTS = Method(relax=relax.softmax, steps=(first_order, train_weights))
_GDAS = Method(
    relax=relax.gumbel,
    steps=(train_weights, first_order),
    weight_optimizer=partial(sgd, nesterov=True, weight_decay=5e-4),
    epochs=250,
)
_PC_DARTS = replace(
    _DARTS,
    steps=(after(0.3, first_order), train_weights),
    alphas=with_edge_logits,
    network={"partial": 4},
    alpha_optimizer=partial(adam, lr=6e-4),
    learning_rate=partial(cosine, start=0.1, end=0.0),
    batch_size=256,
)
_RARTS = replace(_DARTS, on_epoch=rarts.split, needs=_WEIGHTS)
_FREE = Method(
    relax=freedarts.raw, steps=(), derive=freedarts.by_scores, epochs=1, needs=_WEIGHTS
)
_BY_DISTRIBUTION = best_of(100, draw=by_distribution)
_SINGLE_PATH = Method(
    relax=relax.uniform,
    steps=(train_weights,),
    derive=best_of(100),
    keeps=True,
    needs=_WEIGHTS,
)

METHODS: dict[str, Method] = {
    "anasod_darts": replace(
        _DARTS,
        relax=tied(relax.softmax),
        alphas=distribution,
        derive=_BY_DISTRIBUTION,
    ),
    "anasod_gdas": replace(
        _GDAS, relax=tied(relax.gumbel), alphas=distribution, derive=_BY_DISTRIBUTION
    ),
    "balenas": BALENAS,
    "balenas_tf": BALENAS_TF,
    "darts": _DARTS,
    "darts_2nd": replace(_DARTS, steps=(second_order, train_weights)),
    "darts_2nd_fd": replace(_DARTS, steps=(second_order_difference, train_weights)),
    "darts_pt": replace(_DARTS, derive=by_perturbation()),
    "drnas": replace(_DARTS, relax=relax.dirichlet),
    "enas": Method(
        relax=enas.sampled,
        steps=(train_weights, enas.reinforce),
        derive=best_of(10, early=10, draw=enas.by_controller),
        alphas=enas.controller,
        weight_optimizer=partial(sgd, nesterov=True, weight_decay=1e-4),
        alpha_optimizer=enas.controller_adam,
        learning_rate=enas.restarts,
        epochs=310,
        batch_size=128,
    ),
    "fair_darts": replace(
        _DARTS,
        relax=relax.sigmoid,
        steps=(partial(first_order, penalty=zero_one), train_weights),
        derive=by_threshold(),
    ),
    "fairnas": replace(
        _SINGLE_PATH,
        relax=relax.strictly_fair,
        steps=(partial(train_weights, average=False),),
        derive=best_of(1000),
        weight_optimizer=partial(sgd, weight_decay=4e-5),
        learning_rate=partial(cosine, start=0.045, end=0.0),
        clip=math.inf,
        epochs=150,
        batch_size=256,
    ),
    "freedarts_grasp": replace(_FREE, on_epoch=freedarts.saliency(freedarts.grasp)),
    "freedarts_snip": replace(_FREE, on_epoch=freedarts.saliency(freedarts.snip)),
    "freedarts_synflow": replace(_FREE, on_epoch=freedarts.saliency(freedarts.synflow)),
    "gdas": _GDAS,
    "gdas_nb201": replace(_GDAS, relax=partial(relax.gumbel, unselected_gradient=True)),
    "if_nas": IF_NAS,
    "msg_das": replace(
        _GDAS,
        relax=exclusive,
        steps=(partial(train_weights, objective=distilled), first_order),
    ),
    "pc_darts": _PC_DARTS,
    "random_sampling": _SINGLE_PATH,
    "rarts": replace(
        _RARTS, steps=(rarts.fit_train, rarts.fit_valid, rarts.fit_alphas)
    ),
    "rarts_jacobi": replace(_RARTS, steps=(rarts.fit_both, rarts.move_alphas)),
    "rf_darts": replace(
        _DARTS, weights=batch_norms, network={"affine": True}, needs=_WEIGHTS
    ),
    "rf_pcdarts": replace(
        _PC_DARTS,
        weights=batch_norms,
        network={"partial": 4, "affine": True},
        needs=_WEIGHTS,
    ),
    "shapley_nas": SHAPLEY_NAS,
    "shapley_nas_renormalised": SHAPLEY_NAS_RENORMALISED,
    "snas": Method(
        relax=relax.concrete,
        steps=(on_training_batch(first_order), train_weights),
        epochs=150,
    ),
    "spos": replace(_SINGLE_PATH, derive=best_of(1000), epochs=120),
    "tnd_nas": TND_NAS,
}
