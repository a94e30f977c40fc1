"""The network of a chain against a textbook implementation of itself."""

import itertools
from collections import Counter
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F

from benchsuite.spaces import CHAIN_6, CHAIN_8, ChainSpace
from benchsuite.supernet.alone import OPTIONS, RECIPES, recipe
from benchsuite.supernet.derive import two_operations
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.networks.chain import Chain, layout_of
from benchsuite.supernet.search import generator
from tests.supernet.counter import counted
from tests.supernet.nets import images, shaken
from tests.toys import rng

SPACE = ChainSpace("some", (4, 3), 3)
LABELS = torch.arange(8)


def net(space=SPACE, **options):
    """C=4, in float64, with normalisation away from its initial values."""
    source = generator(0, "init")
    return shaken(Chain(space=space, channels=4, generator=source, **options), source)


def norm(x, module):
    return F.batch_norm(x, None, None, module.scale, module.shift, True)


def textbook(net, x, mixture):
    """One product for every operation of every connection, in any order of thought."""
    space = net.space
    edges = torch.ones(len(space.choices)) if mixture.edges is None else mixture.edges
    for n, conv in enumerate(net.stem):
        x = norm(F.conv2d(x.relu() if n else x, conv.weight, padding=1), conv.norm)
    first = 0
    for s, length in enumerate(space.lengths):
        if s:
            down = net.halving[s - 1]
            x = F.conv2d(x.relu(), down.weight, stride=2, padding=1)
            x = norm(x, down.norm)
        nodes = [x]
        for node in range(1, length + 1):
            h = torch.zeros_like(x)
            for d in space.into[first + node - 1]:
                source = nodes[space.edges[d][0]]
                for c in mixture.active[d]:
                    strength = edges[d] * mixture.weights[d, c]
                    if c in (1, 3):
                        y = source
                        for part in net.stages[s].convs[f"{space.edges[d][0]}_{node}"]:
                            y = F.conv2d(y.relu(), part.depth, padding=1, groups=len(
                                part.depth))  # fmt: skip
                            y = norm(F.conv2d(y, part.point), part.norm)
                        h = h + strength * y
                    if c in (2, 3):
                        passed = mixture.identity or (lambda image: image)
                        h = h + strength * passed(source)
                if mixture.residue is not None:
                    h = h + mixture.residue[d]
            nodes.append(h)
        first, x = first + length, nodes[-1]
    x = norm(x, net.last).relu().mean((2, 3))
    return x @ net.head.weight.T + net.head.bias


def random_mixture(net, seed=0, **others):
    """Options at random, some connections with none, some with three."""
    source, space = torch.Generator().manual_seed(seed), net.space
    shape = len(space.choices), 4
    weights = torch.randn(shape, generator=source, dtype=torch.float64)
    runs = torch.rand(shape, generator=source) < 0.4
    active = tuple(tuple(c for c in range(4) if row[c]) for row in runs.tolist())
    return Mixture(weights.requires_grad_(), active, **others)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_logits_and_all_gradients_are_the_textbooks(affine, seed):
    whole = net(affine=affine)
    d = len(SPACE.choices)
    edges = torch.linspace(-1, 2, d, dtype=torch.float64, requires_grad=True)
    residue = torch.zeros(d, dtype=torch.float64, requires_grad=True)
    mixture = random_mixture(
        whole, seed, edges=edges, residue=residue, identity=lambda x: 0.5 * x.sin()
    )
    leaves = [mixture.weights, edges, residue, *whole.parameters()]
    ours, theirs = whole(images(), mixture), textbook(whole, images(), mixture)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    found, expected = (
        torch.autograd.grad(
            F.cross_entropy(logits, LABELS), leaves, allow_unused=True,
            materialize_grads=True,
        )
        for logits in (ours, theirs)
    )  # fmt: skip
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)
    assert all(gradient.abs().sum() > 0 for gradient in found[:3])


def test_architectures_are_the_textbooks():
    whole, source = net(affine=True), rng(1)
    for arch in (SPACE.sample(source) for _ in range(10)):
        mixture = Mixture.one_hot(SPACE, arch)
        theirs = textbook(whole, images(), mixture)
        torch.testing.assert_close(whole(images(), mixture), theirs, rtol=0, atol=1e-10)


def convolutions(whole, mixture):
    with counted() as operators:
        whole(images(), mixture)
    return operators.names["convolution"]


def test_nodes_that_nobody_uses_neither_run_nor_have_weights():
    """A stem, a halving; two times two for all that leaves one source."""
    whole = net(affine=True)
    arch = [0] * len(SPACE.choices)
    for node, edges in enumerate(SPACE.into):
        arch[edges[-1]] = 3 if node in (1, 2) else 2  # nodes 2 and 3 of stage 1
    arch[SPACE.into[3][0]], arch[SPACE.into[3][-1]] = 2, 0  # and node 4 takes node 1
    mixture = Mixture.one_hot(SPACE, tuple(arch))
    assert convolutions(whole, mixture) == 2
    assert not list(whole.restrict(mixture.active).stages.parameters())
    plain = SPACE.canonical(tuple(arch))
    assert plain != tuple(arch)
    ours = (whole(images(), Mixture.one_hot(SPACE, a)) for a in (tuple(arch), plain))
    assert torch.equal(*ours)
    arch[SPACE.into[3][-1]] = 1  # from node 3, which takes node 2
    mixture = Mixture.one_hot(SPACE, tuple(arch))
    assert convolutions(whole, mixture) == 2 + 3 * 4
    convs = whole.restrict(mixture.active).stages[0].convs
    assert list(convs) == ["1_2", "2_3", "3_4"]


def test_what_leaves_a_node_leaves_together():
    """Six nodes of which each is a source: not 3, 3, 2, 1 but 1 times four each."""
    whole = net(ChainSpace("one", (4,), 3))
    mixture = Mixture(torch.ones(9, 3), ((1, 2),) * 9)
    passed = []
    assert convolutions(whole, mixture) == 1 + 4 * 4
    whole(images(), Mixture(mixture.weights, mixture.active, identity=noted(passed)))
    assert len(passed) == 4


def noted(passed):
    def identity(x):
        passed.append(x)
        return x

    return identity


def test_parameters_of_a_stand_alone_network_are_counted_by_hand():
    """Of a connection of width w: 2 (9 w + w^2 + 2 w)."""
    whole, source = net(affine=True, classes=7), rng(2)
    for arch in (SPACE.sample(source) for _ in range(10)):
        used, convs = SPACE.used(arch), Counter()
        for node, edges in enumerate(SPACE.into):
            width = 4 if node < 4 else 8
            convs[width] += used[node] * sum(arch[d] in (1, 3) for d in edges)
        expected = 27 * 4 + 8 + 9 * 4 * 8 + 16  # stem and halving
        expected += sum(n * 2 * (9 * w + w * w + 2 * w) for w, n in convs.items())
        expected += 16 + 8 * 7 + 7  # normalisation and head
        alone = whole.alone(arch, torch.Generator())
        assert sum(p.numel() for p in alone.parameters()) == expected


def test_the_published_chains_have_their_networks():
    for reach, decisions in ((4, 194), (6, 273), (8, 340)):
        kind = NETWORKS[f"chain_{reach}"]
        assert kind.space.reach == reach
        assert kind.layout == layout_of(kind.space)
        assert len(kind.layout.options) == decisions
        assert kind.layout.width == 3
        assert [len(edges) for edges in kind.layout.into] == [
            min(i, reach) for n in (17, 19, 17) for i in range(1, n + 1)
        ]
    assert [NETWORKS[f"chain_{n}"].space for n in (6, 8)] == [CHAIN_6, CHAIN_8]


def shape_of(seen, module, given, output):
    seen.append(output.shape)


def test_widths_double_and_images_halve_between_stages():
    for stem, side in (("cifar", 32), ("imagenet", 4)):
        whole = Chain(space=SPACE, channels=4, stem=stem, generator=torch.Generator())
        seen = []
        noted = partial(shape_of, seen)
        for stage in whole.stages:
            stage.register_forward_hook(noted)
        mixture = Mixture.one_hot(SPACE, SPACE.sample(rng()))
        logits = whole(torch.zeros(2, 3, 32, 32), mixture)
        assert seen == [(2, 4, side, side), (2, 8, side // 2, side // 2)]
        assert logits.shape == (2, 10)
    with pytest.raises(ValueError, match="stem is cifar or imagenet, not 'mnist'"):
        Chain(space=SPACE, stem="mnist")


def test_the_rule_keeps_the_two_best_operations_into_every_node():
    """Against all sets of two operations, whatever connections they are on."""
    layout, source = layout_of(SPACE), np.random.default_rng(0)
    for _ in range(20):
        scores = source.normal(size=(len(SPACE.choices), 3))
        arch = two_operations(scores, layout)
        assert arch in SPACE
        for edges in SPACE.into:
            pairs = itertools.product(edges, (1, 2))
            best = max(itertools.combinations(pairs, 2), key=lambda two: sum(
                scores[pair] for pair in two))  # fmt: skip
            kept = Counter()
            for d, c in best:
                kept[d] += c
            assert {d: arch[d] for d in edges if arch[d]} == kept


def test_what_was_not_chosen_scores_nothing_and_is_not_kept():
    layout = Layout(((1, 2),) * 3, ((0,), (1, 2)))
    scores = np.array([[0, 0.0, 0.3], [0, 0.9, 0.0], [0, 0.0, 0.1]])
    assert two_operations(scores, layout) == (2, 1, 2)
    assert two_operations(np.zeros((3, 3)), layout) == (1, 1, 0)


def test_the_recipe_is_that_of_imagenet_100_for_want_of_one_for_cifar():
    for name in ("chain_4", "chain_6", "chain_8"):
        how = recipe(name, "cifar10")
        assert how == RECIPES[name]
        assert (how.epochs, how.batch_size, how.rate) == (200, 256, 0.1)
        assert (how.weight_decay, how.clip, how.nesterov) == (3e-5, 5.0, False)
        assert OPTIONS[name] == {"channels": 32}
