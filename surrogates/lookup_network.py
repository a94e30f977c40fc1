"""A network of categories and one number, whose first layers are sums of look-ups.

What embeddings and the layers behind them make of one category is added to what they
make of the others, so it is worked out once for every value; and for groups of
categories, for every combination that can be. An evaluation looks up a row for each
group, adds them, and does only the layers that follow.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.onnx_graph import Graph, Node, run
from surrogates.table import DataError

_TOGETHER = 512  # rows at once: what they need fits in a core's cache
_TOLERANCE = 1e-4  # relative, of float32 sums in another order
_PROBES = 64
Floats = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]


class LookupNetwork:
    """A network that answers for many rows at once, of G options and a number each.

    Attributes:
        outputs: How many numbers it answers with.
    """

    def __init__(
        self, graph: Graph, groups: Sequence[NDArray[np.int32]], *, most: float
    ) -> None:
        """Work out the tables, and check that they make the network.

        Args:
            graph: A network of two inputs, categories int32 [1, C] and a number float32
                [1, 1], with one output [1, O].
            groups: int32 [W, C] each, categories that its W options stand for; 0 in all
                columns of other groups.
            most: The largest number that is asked for.

        Raises:
            DataError: The network is not of that kind.
        """
        self._graph = graph
        self._names = _inputs(graph, groups)
        first = _first_layers(graph.needed(graph.outputs))
        self._parts, self._widths = _widths(graph, first)
        self._trunk = first[0].inputs[0]
        self._rest = graph.needed(graph.outputs, {self._trunk, *self._parts})
        columns = groups[0].shape[1]
        none = np.zeros((1, columns), dtype=np.int32)
        self._start = self._sums(none, np.zeros(1))[0]
        self._slope = (self._sums(none, np.full(1, most))[0] - self._start) / most
        tables = [self._sums(group, np.zeros(len(group))) for group in groups]
        self._table: Floats = np.concatenate(tables) - self._start
        self._offsets = np.cumsum([0, *map(len, groups)])[:-1]
        self.outputs = self._check(groups, most)

    def __call__(
        self, options: NDArray[np.integer[Any]], numbers: Numbers
    ) -> NDArray[np.float64]:
        """Evaluate B rows.

        Args:
            options: [B, G], the number of an option of each group.
            numbers: [B].

        Returns:
            [B, O].
        """
        rows = options + self._offsets
        parts = [
            self._behind(rows[n : n + _TOGETHER], numbers[n : n + _TOGETHER])
            for n in range(0, len(rows), _TOGETHER)
        ]
        return np.concatenate(parts).astype(np.float64)

    def _behind(self, rows: NDArray[np.integer[Any]], numbers: Numbers) -> Floats:
        """Add up the first layers, and evaluate what follows."""
        sums = numbers[:, None].astype(np.float32) * self._slope
        sums += self._start
        for group in rows.T:
            sums += self._table.take(group, axis=0)
        ends = np.cumsum(self._widths)[:-1]
        given = dict(zip(self._parts, np.split(sums, ends, axis=1), strict=True))
        shape = np.broadcast_to(np.float32(0), (len(rows), 1))  # nothing reads more
        known = {**self._graph.constants, **given, self._trunk: shape}
        answer: Floats = run(self._rest, known)[self._graph.outputs[0]]
        return answer

    def _sums(self, categories: NDArray[np.int32], numbers: Numbers) -> Floats:
        """Evaluate the first layers as the graph has them, [B, H]."""
        given = dict(zip(self._names, (categories, _column(numbers)), strict=True))
        values = run(
            self._graph.needed(self._parts), {**self._graph.constants, **given}
        )
        return np.concatenate([values[name] for name in self._parts], axis=1)

    def _check(self, groups: Sequence[NDArray[np.int32]], most: float) -> int:
        """Compare with the graph, row by row, on random rows; return its outputs."""
        rng = np.random.default_rng(0)
        sizes = [len(group) for group in groups]
        options = rng.integers(sizes, size=(_PROBES, len(sizes)))
        numbers = rng.uniform(0, most, _PROBES)
        ours = self(options, numbers)
        for n in range(_PROBES):
            picked = [g[o] for g, o in zip(groups, options[n], strict=True)]
            row: NDArray[np.int32] = np.stack(picked).sum(
                axis=0, keepdims=True, dtype=np.int32
            )
            given = (row, _column(numbers[n : n + 1]))
            (theirs,) = self._graph(dict(zip(self._names, given, strict=True)))
            if theirs.shape != (1, ours.shape[1]) or not np.allclose(
                ours[n], theirs[0], rtol=_TOLERANCE, atol=_TOLERANCE
            ):
                raise DataError(
                    "the ONNX model is no network whose first layers are sums over"
                    f" categories: of one row it makes {theirs.ravel()}, not {ours[n]}"
                )
        return int(ours.shape[1])


def _column(numbers: Numbers) -> Floats:
    return numbers.astype(np.float32)[:, None]


def _inputs(graph: Graph, groups: Sequence[NDArray[np.int32]]) -> tuple[str, str]:
    """Name the two inputs: categories, and the number."""
    columns = groups[0].shape[1]
    shapes = sorted(graph.inputs.items(), key=lambda item: -item[1][-1])
    if [s for _, s in shapes] != [(1, columns), (1, 1)] or len(graph.outputs) != 1:
        raise DataError(
            f"the ONNX model has the inputs {dict(graph.inputs)} and"
            f" {len(graph.outputs)} outputs, not [1, {columns}] and [1, 1] and one"
        )
    return shapes[0][0], shapes[1][0]


def _first_layers(nodes: Sequence[Node]) -> list[Node]:
    """Find the linear layers with none before them; all must read the same."""
    behind: set[str] = set()
    first = []
    for node in nodes:
        if behind.intersection(node.inputs):
            behind.add(node.output)
        elif node.op == "Gemm":
            first.append(node)
            behind.add(node.output)
    if len({node.inputs[0] for node in first}) != 1:
        raise DataError("the ONNX model has no linear layers of one common input")
    return first


def _widths(graph: Graph, first: Sequence[Node]) -> tuple[list[str], list[int]]:
    """Name the outputs of the first layers, and tell how wide each is."""
    widths = []
    for node in first:
        weight = graph.constants.get(node.inputs[1])
        if weight is None or weight.ndim != 2:
            raise DataError(
                f"the weights of {node.output!r:.60} are no constant matrix"
            )
        widths.append(weight.shape[0 if node.attributes.get("transB") else 1])
    return [node.output for node in first], widths
