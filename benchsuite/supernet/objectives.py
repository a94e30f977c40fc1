"""What a search descends, and what it judges by: functions of a network and a batch."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from benchsuite.supernet.search import Batch

Network = Callable[[Tensor], Tensor]


def cross_entropy(network: Network, batch: Batch) -> Tensor:
    """The loss of classification."""
    images, labels = batch
    return F.cross_entropy(network(images), labels)


def error_rate(network: Network, batch: Batch) -> Tensor:
    """The fraction of the batch that is misclassified."""
    images, labels = batch
    return (network(images).argmax(-1) != labels).float().mean()


def expected_error(network: Network, batch: Batch) -> Tensor:
    """What a relaxed table returns is the error already."""
    return network(batch[0])
