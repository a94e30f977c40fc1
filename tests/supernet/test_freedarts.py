"""FreeDARTS: conservation, invariances, and what one pass leaves as it was."""

from dataclasses import replace
from functools import partial

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.estimators.zero_cost import without_normalisation
from benchsuite.supernet.methods import METHODS, freedarts
from benchsuite.supernet.search import Alphas, DivergedError, search
from tests.supernet.nets import start

NAMES = ("freedarts_grasp", "freedarts_snip", "freedarts_synflow")
every = pytest.mark.parametrize("name", NAMES)
CHAIN, ASIDE = (0, 2, 5), (1, 3, 4)  # edges 0>1>2>3 of the cell, and the others
CONVS = (2, 3)
bare = freedarts.saliency(partial(freedarts.synflow, scope=without_normalisation))


def scored(method, alphas=None, *, scale=1.0, **options):
    """Scores [6, 5] of a network of three cells, in float64, without a bias."""
    method = METHODS[method] if isinstance(method, str) else method
    if alphas is not None:
        method = replace(
            method,
            alphas=lambda layout, source: Alphas(
                {"operations": alphas.clone()}, layout
            ),
        )
    run = start(method, **options)
    run.supernet.double()
    for alpha in run.alphas.values():
        alpha.data = alpha.data.double()
    with torch.no_grad():
        run.supernet.head.bias.zero_()
        for weight in run.supernet.stages.parameters():
            if weight.dim() > 1:
                weight.mul_(scale)
    draw = run.valid.draw
    run.valid.draw = lambda: (draw()[0].double(), draw()[1])
    response = float(freedarts.synflow(run, scope=without_normalisation).detach())
    run.method.on_epoch(run)
    return run.alphas["operations"].detach(), response, run


def random_alphas(seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.rand(6, 5, generator=source, dtype=torch.float64) + 0.1


def test_what_flows_through_any_cut_of_the_cells_is_the_response():
    """Three cells share their alphas, so that each contributes it once."""
    scores, response, _ = scored(
        replace(METHODS["freedarts_synflow"], on_epoch=bare), random_alphas()
    )
    flow = scores.sum(-1)
    for cut in ((0, 1, 3), (3, 4, 5), (1, 2, 3, 4)):
        assert float(flow[list(cut)].sum()) == pytest.approx(3 * response, rel=1e-9)


def test_in_a_chain_every_edge_conserves_the_response():
    alphas = random_alphas()
    alphas[list(ASIDE)] = 0
    scores, response, _ = scored(
        replace(METHODS["freedarts_synflow"], on_epoch=bare), alphas
    )
    for d in CHAIN:
        assert float(scores[d].sum()) == pytest.approx(3 * response, rel=1e-9)
    assert not scores[list(ASIDE)].any()


def test_scaling_all_weights_ranks_alike_where_all_paths_are_of_one_length():
    alphas = torch.zeros(6, 5, dtype=torch.float64)
    for d in CHAIN:
        alphas[d, list(CONVS)] = random_alphas()[d, list(CONVS)]
    method = replace(METHODS["freedarts_synflow"], on_epoch=bare)
    plain, _, _ = scored(method, alphas)
    scaled, _, _ = scored(method, alphas, scale=3.0)
    ratios = (scaled / plain)[list(CHAIN)][:, list(CONVS)]
    assert ratios.std() < 1e-9 * ratios.mean()
    assert float(ratios.mean()) == pytest.approx(
        3**9
    )  # three convolutions, three cells


@every
def test_none_scores_nothing_and_all_scores_are_finite(name):
    scores, _, _ = scored(name)
    assert scores.isfinite().all()
    assert not scores[:, 0].any()
    assert (scores[:, 1:] > 0).any()


@every
@pytest.mark.parametrize("running", [False, True])
def test_the_network_is_left_as_it_was(name, running):
    run = start(name, running=running)
    before = {n: w.clone() for n, w in run.supernet.state_dict().items()}
    (last,) = search(replace_epochs(run))
    assert all(torch.equal(w, before[n]) for n, w in run.supernet.state_dict().items())
    assert last.arch == tuple(run.alphas["operations"].argmax(-1).tolist())
    assert not run.weight_optimizer.state


def replace_epochs(run):
    run.moment = run.moment._replace(epochs=1)
    return run


@pytest.mark.parametrize(
    ("name", "forwards", "backwards"),
    [("freedarts_snip", 1, 1), ("freedarts_synflow", 1, 1), ("freedarts_grasp", 2, 3)],
)
def test_one_pass_in_all(name, forwards, backwards):
    run = replace_epochs(start(name))
    list(search(run))
    assert (run.ledger.forwards, run.ledger.backwards) == (forwards, backwards)


def test_without_random_alphas_synflow_needs_no_images_but_their_size():
    ones = torch.full((6, 5), 1e-3, dtype=torch.float64)
    archs, seen = set(), set()
    for n in (36, 40):  # other images
        scores, _, run = scored("freedarts_synflow", ones, n=n)
        seen.add(float(run.valid.draw()[0].sum()))
        archs.add(tuple(scores.flatten().tolist()))
    assert len(seen) == 2
    assert len(archs) == 1


def test_snip_is_alpha_times_the_slope_of_the_loss():
    run = start("freedarts_snip")
    state = run.valid.state_dict()
    batch = run.valid.draw()
    run.valid.load_state_dict(state)
    run.supernet.double()
    run.alphas["operations"].data = run.alphas["operations"].data.double()
    batch = batch[0].double(), batch[1]
    alphas = run.alphas["operations"].detach().clone()
    run.valid.draw = lambda: batch
    run.method.on_epoch(run)
    scores = run.alphas["operations"].detach().clone()

    def loss(d, c, step):
        moved = alphas.clone()
        moved[d, c] += step
        with torch.no_grad():
            run.alphas["operations"].copy_(moved)
            return run.loss(batch, run.relax()[0]).item()

    for d, c in ((0, 3), (3, 2), (5, 1), (4, 4)):
        slope = (loss(d, c, 1e-7) - loss(d, c, -1e-7)) / 2e-7
        expected = abs(alphas[d, c].item() * slope)
        assert scores[d, c].item() == pytest.approx(expected, rel=1e-3, abs=1e-10)


def test_a_score_that_is_no_number_is_told():
    run = start(
        replace(
            METHODS["freedarts_snip"],
            on_epoch=freedarts.saliency(
                lambda search: search.alphas["operations"].sum() * torch.inf
            ),
        )
    )
    with pytest.raises(DivergedError, match="no number"):
        run.method.on_epoch(run)
