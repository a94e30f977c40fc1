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
