"""A 64-bit number of a cell, whatever the order of its vertices.

As the iterated neighbourhood hash of Ying et al., "NAS-Bench-101: Towards Reproducible
Neural Architecture Search", ICML 2019 (https://arxiv.org/abs/1902.09635), every vertex
is described by its operation and by the descriptions of its neighbours in any order,
and the cell by those of its vertices. Theirs starts a round for every vertex and sorts
md5 digests. Here vertices come in topological order, so two sweeps see everything, one
from the input and one back from the output, and 64-bit integers are added up:

    f(v) = mix(label(v) + sum of f(u) over the edges u -> v)
    b(v) = mix(f(v) + sum of b(w) over the edges v -> w)
    hash = sum of b(v) over all v

modulo 2^64. What is not on a path from input to output has a description of 0, and so
drops out. The 423,624 cells of NAS-Bench-101 get as many numbers, so there is no
collision. Tables are keyed by them: a change of any constant makes those useless.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_MULTIPLIER = 0x9E3779B97F4A7C15  # odd, 2^64 over the golden ratio: Knuth, TAOCP 6.4
_INPUT, _OUTPUT = 0x8A5CD789635D2DFF, 0xB5026F5AA96619E9  # any large odd numbers
_LABELS = (0xD1342543DE82EF95, 0xF1357AEA2E62A9C5, 0xAF251AF3B0F025B5)

_VERTICES = tuple(tuple(v for v in range(7) if mask >> v & 1) for mask in range(1 << 7))
"""The vertices of a bit mask."""


def cell_hash(rows: Sequence[int], ops: Sequence[int]) -> int:
    """Hash one cell of up to 7 vertices.

    Args:
        rows: For every vertex but the last, a bit mask of those its edges lead to, all
            of them later ones.
        ops: Operation of every vertex but the first and the last, 0 to 2.

    Returns:
        Below 2^64; 0 if no path leads from the first vertex to the last.

    Example:
        >>> fork, chain = [0b0110, 0b1000, 0b1000], [0b0010, 0b0100, 0b1000]
        >>> cell_hash(fork, [0, 1]) == cell_hash(fork, [1, 0])
        True
        >>> cell_hash(chain, [0, 1]) == cell_hash(chain, [1, 0])
        False
        >>> dead_end = [0b0110, 0b1000, 0b0000]
        >>> cell_hash(dead_end, [0, 1]) == cell_hash([0b010, 0b100], [0])
        True
    """
    labels = [_LABELS[op] for op in ops]
    labels.append(_OUTPUT)
    entering = [0] * (len(rows) + 1)
    f = _INPUT
    forward = [f]
    for v, (row, label) in enumerate(zip(rows, labels, strict=True), 1):
        if f:
            for w in _VERTICES[row]:
                entering[w] += f
        f = 0
        if entering[v]:
            f = (entering[v] + label) * _MULTIPLIER & _MASK
            f ^= f >> 32
        forward.append(f)
    if not f:
        return 0
    f = f * _MULTIPLIER & _MASK
    total = f ^ f >> 32
    backward = [0] * len(rows) + [total]
    for v in range(len(rows) - 1, -1, -1):
        if forward[v]:
            leaving = 0
            for w in _VERTICES[rows[v]]:
                leaving += backward[w]
            if leaving:
                b = (leaving + forward[v]) * _MULTIPLIER & _MASK
                backward[v] = b = b ^ b >> 32
                total += b
    return total & _MASK


def cell_hashes(
    edges: NDArray[np.integer], ops: NDArray[np.integer]
) -> NDArray[np.uint64]:
    """Hash many cells of n vertices, giving the numbers that `cell_hash` gives.

    Args:
        edges: [B, n (n - 1) / 2], the strict upper triangles, row by row, of 0 and 1.
        ops: [B, n - 2], 0 to 2.

    Returns:
        [B].
    """
    count, n = len(ops), ops.shape[1] + 2
    edge: dict[tuple[int, int], NDArray[np.uint64]] = {
        (int(u), int(w)): edges[:, e].astype(np.uint64)
        for e, (u, w) in enumerate(zip(*np.triu_indices(n, k=1), strict=True))
    }
    labels = np.full((n, count), _OUTPUT, dtype=np.uint64)
    labels[1:-1] = np.array(_LABELS, dtype=np.uint64)[ops.T]
    nothing = np.zeros(count, dtype=np.uint64)
    forward = [np.full(count, _INPUT, dtype=np.uint64)]
    for v in range(1, n):
        entering = sum((forward[u] * edge[u, v] for u in range(v)), nothing)
        forward.append(np.where(entering, _mix(entering + labels[v]), nothing))
    backward = [_mix(forward[-1])]
    for v in range(n - 2, -1, -1):
        ends = zip(range(n - 1, v, -1), backward, strict=True)
        leaving = sum((b * edge[v, w] for w, b in ends), nothing)
        on_path = (leaving != 0) & (forward[v] != 0)
        backward.append(np.where(on_path, _mix(leaving + forward[v]), nothing))
    return np.where(forward[-1], sum(backward, nothing), nothing)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit numbers one to one, and not linearly."""
    product = values * np.uint64(_MULTIPLIER)
    return product ^ product >> np.uint64(32)
