"""The cells of NAS-Bench-301 as its published models read them.

Zela et al., "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of
Tabular NAS Benchmarks", ICLR 2022. https://arxiv.org/abs/2008.09777
https://github.com/automl/nasbench301 (its configspace.json names columns and options)

Here, cells are *edges*, int [B, 28]: what is on every edge of the normal cell, then of
the reduction cell, in the order 0>2 1>2 0>3 1>3 2>3 0>4 ... 4>5; a number of
`OPERATIONS`, or 0 where the edge is not there. Two edges lead into each node.
"""

from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPERATIONS = (
    "#na#", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
    "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
"""As the configuration space lists them, from 1 on."""

CELLS = ("normal", "reduce")
NODES = (2, 3, 4, 5)
_FIRST = {2: 0, 3: 2, 4: 5, 5: 9}  # of the edges into a node
_EDGES = 14  # of a cell
_CHOOSING = NODES[1:]  # node 2 has no choice of parents

COLUMNS = (
    *(f"edge_{cell}_{edge}" for cell in CELLS for edge in range(_EDGES)),
    *(f"inputs_node_{cell}_{node}" for cell in CELLS for node in _CHOOSING),
)
"""Names of the columns of `categories`, without what they all begin with."""

GROUPS = tuple(
    slice(_EDGES * c + _FIRST[node], _EDGES * c + _FIRST[node] + node)
    for c in range(len(CELLS))
    for node in NODES
)
"""The edges into each node: of the normal cell, then of the reduction cell."""

Edges = NDArray[np.integer[Any]]


def choices(column: str) -> tuple[str, ...]:
    """Name the options of a column as published, from 1 on; 0 is #na#.

    Example:
        >>> choices("inputs_node_normal_3")
        ('#na#', '0_1', '0_2', '1_2')
    """
    if column.startswith("edge"):
        return OPERATIONS
    pairs = combinations(range(int(column[-1])), 2)
    return (OPERATIONS[0], *(f"{a}_{b}" for a, b in pairs))


def categories(edges: Edges) -> NDArray[np.int32]:
    """Write cells in the columns of the configuration space, int32 [B, 34].

    The two parents of a node are an option of their own; that of a node that has not
    two is 0.

    Args:
        edges: [B, 28].
    """
    parents = [
        _pairs(edges[:, group]) for group in GROUPS if group.stop - group.start > 2
    ]
    return np.column_stack([edges, *parents]).astype(np.int32)


def _pairs(edges: Edges) -> NDArray[np.int64]:
    """Number the parents of a node, from 1 on; [B]."""
    number = np.zeros((edges.shape[1],) * 2, dtype=np.int64)
    pairs = list(combinations(range(edges.shape[1]), 2))
    number[tuple(np.array(pairs).T)] = range(1, len(pairs) + 1)
    there = edges > 0
    last = edges.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    return np.where(there.sum(axis=1) == 2, number[there.argmax(axis=1), last], 0)


@cache
def ways(node: int) -> NDArray[np.int64]:
    """List what the edges into a node can be, [W, node].

    Example:
        >>> [len(ways(node)) for node in NODES]
        [49, 147, 294, 490]
    """
    every = np.indices((len(OPERATIONS),) * node).reshape(node, -1).T
    two: NDArray[np.int64] = every[(every > 0).sum(axis=1) == 2].astype(np.int64)
    return two


def groups() -> list[NDArray[np.int32]]:
    """Give the categories of every way into each of the eight nodes, [W, 34]."""
    rows = []
    for group in GROUPS:
        into = ways(group.stop - group.start)
        edges = np.zeros((len(into), _EDGES * len(CELLS)), dtype=np.int64)
        edges[:, group] = into
        rows.append(categories(edges))
    return rows


def options(edges: Edges) -> NDArray[np.int64]:
    """Number the way into each of the eight nodes, [B, 8].

    Args:
        edges: [B, 28], of cells that have two edges into every node.
    """
    columns = [
        _number(group.stop - group.start).take(
            edges[:, group] @ _radix(group.stop - group.start)
        )
        for group in GROUPS
    ]
    return np.stack(columns, axis=1)


@cache
def _radix(node: int) -> NDArray[np.int64]:
    return len(OPERATIONS) ** np.arange(node)[::-1]


@cache
def _number(node: int) -> NDArray[np.int64]:
    """The place among `ways` of edges that are read as digits; -1 if there is none."""
    places = np.full(len(OPERATIONS) ** node, -1)
    into = ways(node)
    places[into @ _radix(node)] = range(len(into))
    return places
