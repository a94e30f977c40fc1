"""An ensemble of graph networks, which see a cell as a graph of operations.

Wen et al., "Neural Predictor for Neural Architecture Search", ECCV 2020, section 3.2:
messages pass along the edges in both directions. https://arxiv.org/abs/1912.00848
Vertices are summed up in the end, as in Xu et al., "How Powerful are Graph Neural
Networks?", ICLR 2019, so the answer does not depend on their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.ensemble import Ensemble, Members
from surrogates.extras import library
from surrogates.networks import Forward, Networks, trained
from surrogates.table import DataError


@dataclass(kw_only=True, eq=False)
class GraphNetwork(Ensemble):
    """Graph networks, trained side by side.

    A row is [V V + V L]: element V p + v is 1 if an edge leads from vertex p to v, and
    element V V + L v + l if vertex v has label l. A vertex without a label is absent.

    Attributes:
        vertices: V, at most.
        labels: L.
        members: M.
        width: Of what is known of a vertex.
        depth: Times that vertices hear of their neighbours.
        epochs: Passes over the rows.
        batch_size: Rows a step, at most, while `steps` allow.
        steps: Of an epoch, at most.
        learning_rate: Of AdamW, at its largest.
        weight_decay: Of AdamW.
        splits: As in `Ensemble`; one, as a fit takes long.
    """

    splits: int = 1
    vertices: int = 8
    labels: int = 6
    members: int = 4
    width: int = 24
    depth: int = 3
    epochs: int = 60
    batch_size: int = 64
    steps: int = 50
    learning_rate: float = 0.01
    weight_decay: float = 0.001

    def _learn(
        self,
        X: NDArray[np.float32],
        targets: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Members:
        forward = self._forward(X.shape[1])
        weights = trained(
            forward,
            self._shapes(targets.shape[1]),
            X,
            targets,
            rng,
            epochs=self.epochs,
            batch_size=max(self.batch_size, len(X) // self.steps),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        return Networks(forward, weights)

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        return Networks.read(files, self._forward(features), self._shapes(targets))

    def _shapes(self, targets: int) -> dict[str, tuple[int, ...]]:
        """Tell the shapes of weights and biases."""
        shapes: dict[str, tuple[int, ...]] = {}
        before = self.labels
        for layer in range(self.depth):
            # What a vertex, its parents and its children know, one behind the other.
            shapes[f"weight{layer}"] = (self.members, 3 * before, self.width)
            shapes[f"bias{layer}"] = (self.members, self.width)
            before = self.width
        for name, size in (("hidden", self.width), ("out", targets)):
            shapes[f"weight_{name}"] = (self.members, self.width, size)
            shapes[f"bias_{name}"] = (self.members, size)
        return shapes

    def _forward(self, features: int) -> Forward:
        """Give the network of rows with so many features.

        Raises:
            DataError: They are not of V vertices and L labels.
        """
        vertices, labels, depth = self.vertices, self.labels, self.depth
        wanted = vertices * (vertices + labels)
        if features != wanted:
            raise DataError(
                f"rows have {features} features, not {wanted} for"
                f" {vertices} vertices and {labels} labels: GraphNetwork wants the"
                " encoding adjacency, and its vertices and labels"
            )

        def forward(weights: Mapping[str, Any], rows: Any) -> Any:
            """Map rows [M, B, F] to [M, B, K]."""
            torch = library("torch", "supernet")
            members, batch, _ = rows.shape
            edges = rows[..., : vertices**2].reshape(-1, vertices, vertices)
            both = torch.cat([edges.mT, edges], dim=1)  # from parents, from children
            known = rows[..., vertices**2 :].reshape(-1, vertices, labels)
            there = known.sum(dim=2).view(members, batch, vertices, 1)
            for layer in range(depth):
                heard = (both @ known).view(-1, 2, vertices, known.shape[2])
                parts = [known, heard[:, 0], heard[:, 1]]
                known = torch.cat(parts, dim=2).view(members, batch * vertices, -1)
                bias = weights[f"bias{layer}"].unsqueeze(1)
                known = torch.baddbmm(bias, known, weights[f"weight{layer}"]).relu()
                known = known.view(members * batch, vertices, -1)
            whole = (known.view(members, batch, vertices, -1) * there).sum(dim=2)
            whole = whole / vertices
            for name, ends in (("hidden", False), ("out", True)):
                bias = weights[f"bias_{name}"].unsqueeze(1)
                whole = torch.baddbmm(bias, whole, weights[f"weight_{name}"])
                whole = whole if ends else whole.relu()
            return whole

        return forward
