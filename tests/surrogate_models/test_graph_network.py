"""A graph network sees a graph, not an order of vertices."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchsuite.spaces import NATS_TSS
from benchsuite.spaces.encodings import adjacency
from surrogates import MODELS, DataError
from tests.surrogate_models.cells import embedded, halves, small, toy

pytest.importorskip("torch")
V, L = 4, 3


def permuted(X, order):
    edges = X[:, : V * V].reshape(-1, V, V)[:, order][:, :, order]
    labels = X[:, V * V :].reshape(-1, V, L)[:, order]
    return np.hstack([edges.reshape(len(X), -1), labels.reshape(len(X), -1)])


@pytest.fixture(scope="module")
def network():
    return small("GraphNetwork").fit(*toy())


def test_isomorphic_graphs_have_equal_answers(network):
    X, _ = toy(40, seed=1)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(V)
        off = network.predict(permuted(X, order)).mean - network.predict(X).mean
        assert np.abs(off).max() < 1e-6


def test_the_direction_of_edges_matters(network):
    X, _ = toy(40, seed=1)
    turned = X.copy()
    turned[:, : V * V] = (
        X[:, : V * V].reshape(-1, V, V).swapaxes(1, 2).reshape(-1, V * V)
    )
    assert np.abs(network.predict(turned).mean - network.predict(X).mean).max() > 1e-4


def test_absent_vertices_do_not_matter(network):
    # The last vertex has no label: what edges of it say is not the graph's.
    X, _ = toy(10, seed=1)
    edges = X[:, : V * V].reshape(-1, V, V)
    edges[:, -1] = edges[:, :, -1] = 0
    X[:, -L:] = 0
    forward = network._forward(X.shape[1])
    torch = pytest.importorskip("torch")
    weights = {name: torch.randn(shape) for name, shape in network._shapes(1).items()}
    rows = torch.from_numpy(X).expand(2, -1, -1)
    smaller = small("GraphNetwork", vertices=V - 1)
    less = np.hstack(
        [edges[:, :-1, :-1].reshape(10, -1), X[:, V * V : -L]], dtype=np.float32
    )
    answer = smaller._forward(less.shape[1])(
        {**weights, "weight_hidden": weights["weight_hidden"] * (V - 1) / V},
        torch.from_numpy(less).expand(2, -1, -1),
    )
    assert torch.allclose(forward(weights, rows), answer, atol=1e-5)


def test_rows_of_another_encoding_are_refused():
    with pytest.raises(DataError, match="not 28 for 4 vertices and 3 labels"):
        small("GraphNetwork").fit(np.zeros((3, 30)), [0.1, 0.2, 0.3])


@pytest.mark.slow
def test_cells_of_classes_never_seen_are_ranked_and_covered():
    hot, y, _, groups = embedded()
    fit, look = (rows[:1000] for rows in halves())
    encode = adjacency(NATS_TSS)

    def graphs(rows):
        options = hot[rows].reshape(-1, 6, 5).argmax(axis=2)
        return encode([tuple(arch) for arch in options.tolist()])

    model = MODELS["GraphNetwork"]().fit(graphs(fit), y[fit], groups=groups[fit])
    mean, std = model.predict(graphs(look))
    assert kendalltau(mean, y[look])[0] > 0.8
    assert (np.abs(mean - y[look]) <= 1.96 * std).mean() >= 0.9
