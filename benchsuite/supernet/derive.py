"""Rules by which scores become an architecture: pure functions, by name.

Scores are float [D, C], one for every option of every decision; higher is better. What
is no option of a decision is never chosen.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture
from benchsuite.supernet.mixture import Layout

Scores = NDArray[np.floating]
Rule = Callable[[Scores, Layout], Architecture]


def strongest(scores: Scores, layout: Layout) -> Architecture:
    """Take the best option of every decision, the first of equal ones.

    Example:
        >>> strongest(np.array([[0.1, 0.9], [0.7, 0.3]]), Layout(((0, 1), (0, 1))))
        (1, 0)
        >>> strongest(np.array([[0.1, 0.9], [0.7, 0.3]]), Layout(((0,), (0, 1))))
        (0, 0)
    """
    return tuple(
        max(options, key=lambda c: row[c])
        for row, options in zip(scores.tolist(), layout.options, strict=True)
    )


def leaves_edges_out(rule: Rule, layout: Layout) -> bool:
    """Tell whether a rule turns some decisions into option 0 by itself.

    Example:
        >>> layout = Layout(((0, 1),) * 3, ((0, 1, 2),))
        >>> leaves_edges_out(two_parents, layout), leaves_edges_out(strongest, layout)
        (True, False)
    """
    rising = np.tile(np.arange(float(layout.width)), (len(layout.options), 1))
    return rule(rising, layout) != tuple(map(max, layout.options))


def two_parents(scores: Scores, layout: Layout) -> Architecture:
    """Keep the two best edges into every node, and the best operation on each.

    Liu, Simonyan & Yang, "DARTS", ICLR 2019, section 2.4. An edge is as good as its
    best operation. Option 0, "none", is never an operation: it is what the edges that
    are not kept end as.

    GDAS ranks (operation, edge) pairs instead, so that both can lie on one edge. No
    architecture of these spaces has two operations on an edge; with distinct edges the
    two rules are the same.

    Example:
        >>> scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
        >>> two_parents(scores, Layout(((0, 1),) * 3, ((0, 1, 2),)))
        (0, 1, 1)
    """
    table, arch = scores.tolist(), [0] * len(layout.options)
    for edges in layout.into:
        best = {
            d: max((c for c in layout.options[d] if c), key=lambda c: table[d][c])
            for d in edges
        }
        kept = sorted(edges, key=lambda d: -table[d][best[d]])[:2]
        for d in kept:
            arch[d] = best[d]
    return tuple(arch)


def two_operations(scores: Scores, layout: Layout) -> Architecture:
    """Keep the two best operations into every node, wherever they come from.

    Both can lie on one edge: the option of two operations has the number that is their
    sum. What scores exactly nothing is not kept, but for the best: a method that has
    chosen one operation of an edge gives the others 0.

    GDAS ranks pairs of operation and edge (Dong & Yang, CVPR 2019), and the authors of
    IF-NAS spell cells of two such pairs a node; that this is the rule for methods that
    were not published for such a space is a reconstruction.

    Example:
        >>> layout = Layout(((1, 2),) * 3, ((0,), (1, 2)))
        >>> scores = np.array([[0.0, 0.6, 0.4], [0.0, 0.3, 0.5], [0.0, 0.4, 0.2]])
        >>> two_operations(scores, layout)
        (3, 2, 1)
        >>> two_operations(np.array([[0, 1, 0], [0, 0.8, 0.9], [0, 0, 0.1]]), layout)
        (1, 3, 0)
    """
    table, arch = scores.tolist(), [0] * len(layout.options)
    for edges in layout.into:
        pairs = [(d, c) for d in edges for c in layout.options[d] if c]
        best, *others = sorted(pairs, key=lambda pair: -table[pair[0]][pair[1]])
        second = [(d, c) for d, c in others[:1] if table[d][c]]
        for d, c in (best, *second):
            arch[d] += c
    return tuple(arch)
