"""NAS-Bench-301 as one ONNX network: error and seconds of a cell after 1 to 98 epochs.

The file is that of YAHPO Gym's scenario nb301 (Pfisterer et al., AutoML-Conf 2022,
https://arxiv.org/abs/2109.03670): embeddings of 34 categories and the epoch, a wide, a
deep and a deeper branch. It was exported for one row; here it answers for many.
"""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from surrogates import nb301, onnx_graph
from surrogates.lookup_network import LookupNetwork
from surrogates.table import DataError

MODEL, ENCODING = "new_model.onnx", "encoding.json"
"""Names of the published files."""

EPOCHS = tuple(range(1, 99))
_PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"


class Network:
    """The published network, evaluated for many cells at once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Read the network, and check that it is the one that is meant.

        Args:
            files: `MODEL` and `ENCODING` by name.

        Raises:
            DataError: A file lacks, is damaged, or is of another model.
        """
        if missing := {MODEL, ENCODING} - files.keys():
            raise DataError(f"NAS-Bench-301 needs the file {min(missing)}")
        self.codes = _codes(files[ENCODING])
        self.graph = onnx_graph.read(files[MODEL])
        groups = [self.coded(group) for group in nb301.groups()]
        self._network = LookupNetwork(self.graph, groups, most=EPOCHS[-1])
        if (outputs := self._network.outputs) != 2:
            raise DataError(f"{MODEL} has {outputs} outputs, not accuracy and seconds")

    def coded(self, categories: NDArray[np.int32]) -> NDArray[np.int32]:
        """Number categories [B, 34] as the network does, int32 [B, 34]."""
        columns = np.arange(categories.shape[1])
        coded: NDArray[np.int32] = self.codes[columns, categories]
        return coded

    def __call__(
        self, edges: nb301.Edges, epochs: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict B trainings.

        Args:
            edges: [B, 28], see `nb301`.
            epochs: [B].

        Returns:
            Errors on the validation set [B], as fractions in [0, 1], and seconds since
            the start [B] as the network has them.
        """
        answer = self._network(nb301.options(edges), epochs)
        return np.clip(1 - answer[:, 0] / 100, 0, 1), answer[:, 1]


def _codes(content: bytes) -> NDArray[np.int32]:
    """Read which number each option of each column has; [34, 11].

    Raises:
        DataError: The file is no JSON, or of other columns.
    """
    try:
        published = json.loads(content)
        codes = np.zeros((len(nb301.COLUMNS), 11), dtype=np.int32)
        for row, column in enumerate(nb301.COLUMNS):
            numbers = published.pop(f"{_PREFIX}{column}")
            names = nb301.choices(column)
            if sorted(numbers.values()) != list(range(len(names))) or numbers["#na#"]:
                raise DataError(f"{ENCODING} numbers {column} by {numbers}")
            codes[row, : len(names)] = [numbers[name] for name in names]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{ENCODING} is not the encoding of NAS-Bench-301: {error!r:.80}"
        ) from error
    if published:
        raise DataError(f"{ENCODING} has {min(published):.80}, which is not known")
    return codes
