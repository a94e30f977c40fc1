"""How well scores rank architectures: what an estimator is measured by.

Precision@K, BestRank@K and N@K after Ning et al., "Evaluating Efficient Performance
Estimators of Neural Architectures", NeurIPS 2021, https://arxiv.org/abs/2008.03064, and
"A Generic Graph-based Neural Architecture Encoding Scheme" (GATES), ECCV 2020,
https://arxiv.org/abs/2004.01899. Sparse Kendall after Siems et al. (NAS-Bench-301),
https://arxiv.org/abs/2008.09777.

Scores that are nan or infinite rank last, as equals. Where equal scores leave open
which K architectures are the best, a figure is the mean over all ways to break the tie,
in closed form.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau, rankdata

Array = NDArray[np.float64]
METRICS = (
    *("pearson", "spearman", "kendall", "sparse_kendall", "r2", "mae"),
    *("precision_at_k", "best_rank_at_k", "regret_at_k", "n_at_k"),
)
"""Names of the figures, in the order of tables."""
LOWER_IS_BETTER = frozenset({"mae", "best_rank_at_k", "regret_at_k", "n_at_k"})
OF_ACCURACIES = frozenset({"sparse_kendall", "r2", "mae"})
"""Defined for scores that are accuracies only."""


class Figures(NamedTuple):
    """All figures of one estimator on B architectures.

    Attributes:
        values: By name of `METRICS`; nan where there is none.
        reasons: Why, for each that is nan.
        unjudged: How many scores were nan or infinite.
    """

    values: Mapping[str, float]
    reasons: Mapping[str, str]
    unjudged: int


def measure(
    scores: ArrayLike, truth: ArrayLike, *, k: int = 10, predicts: bool = True
) -> Figures:
    """Compute every figure.

    Args:
        scores: [B], higher is better.
        truth: [B] accuracies in [0, 1], all known.
        k: How many architectures are chosen by their scores.
        predicts: Whether scores are accuracies too.

    Raises:
        ValueError: The arrays do not fit together, or a truth is not finite.
    """
    given, true = _pair(scores, truth)
    values = {
        "pearson": pearson(given, true),
        "spearman": spearman(given, true),
        "kendall": kendall(given, true),
        "sparse_kendall": sparse_kendall(given, true),
        "r2": r2(given, true),
        "mae": mae(given, true),
        "precision_at_k": precision_at_k(given, true, k),
        "best_rank_at_k": best_rank_at_k(given, true, k),
        "regret_at_k": regret_at_k(given, true, k),
        "n_at_k": n_at_k(given, true, k),
    }
    if not predicts:
        values |= dict.fromkeys(OF_ACCURACIES, math.nan)
    reasons = {
        name: _reason(name, given, true, k, predicts)
        for name, value in values.items()
        if math.isnan(value)
    }
    return Figures(values, reasons, int((~np.isfinite(given)).sum()))


def among_best(truth: ArrayLike, share: float = 0.1) -> NDArray[np.bool_]:
    """Tell which architectures are within the best share, [B]; ties are all in.

    Example:
        >>> among_best([0.9, 0.8, 0.95, 0.7, 0.95], 0.4).tolist()
        [False, False, True, False, True]
    """
    true = np.asarray(truth, dtype=np.float64)
    if not len(true):
        return np.zeros(0, dtype=bool)
    count = max(1, math.ceil(share * len(true) - 1e-9))
    return np.asarray(true >= np.partition(true, -count)[-count])


def pearson(scores: ArrayLike, truth: ArrayLike) -> float:
    """Pearson's r of the architectures that were judged; nan if one side is constant.

    Example:
        >>> round(pearson([1, 2, 4], [1, 2, 3]), 6)
        0.981981
    """
    given, true = _judged(*_pair(scores, truth))
    return _correlation(given, true)


def spearman(scores: ArrayLike, truth: ArrayLike) -> float:
    """Spearman's rho: Pearson's r of ranks, of which equals share the mean.

    Example:
        >>> round(spearman([1, 3, 2, 5, 4], [1, 2, 3, 4, 5]), 6)
        0.8
    """
    given, true = _pair(scores, truth)
    if not len(given):
        return math.nan
    return _correlation(rankdata(_last(given)), rankdata(true))


def kendall(scores: ArrayLike, truth: ArrayLike) -> float:
    """Kendall's tau-b, which allows for ties on either side.

    Example:
        >>> round(kendall([1, 3, 2, 5, 4], [1, 2, 3, 4, 5]), 6)
        0.6
    """
    given, true = _pair(scores, truth)
    if len(given) < 2 or _constant(_last(given)) or _constant(true):
        return math.nan
    # of ranks, which scores of any size and -inf have alike
    return float(kendalltau(rankdata(_last(given)), rankdata(true)).statistic)


def sparse_kendall(scores: ArrayLike, truth: ArrayLike) -> float:
    """Kendall's tau-b of predicted accuracies that are rounded to .1 %.

    What differs by less cannot be told apart by another training either.

    Example:
        >>> round(sparse_kendall([0.9301, 0.9304, 0.932], [1, 2, 3]), 6)
        0.816497
    """
    given, true = _pair(scores, truth)
    return kendall(np.round(100 * given, 1), true)


def r2(scores: ArrayLike, truth: ArrayLike) -> float:
    """Share of the truth's variance that predictions explain, of those judged.

    Example:
        >>> r2([0.5, 0.75, 1.0], [0.5, 0.75, 1.0]), r2([0.75] * 3, [0.5, 0.75, 1.0])
        (1.0, 0.0)
    """
    given, true = _judged(*_pair(scores, truth))
    if len(true) < 2 or _constant(true):
        return math.nan
    return float(1 - ((given - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def mae(scores: ArrayLike, truth: ArrayLike) -> float:
    """Mean absolute difference, of those judged.

    Example:
        >>> mae([0.25, 0.5], [0.5, 1.0])
        0.375
    """
    given, true = _judged(*_pair(scores, truth))
    return float(np.abs(given - true).mean()) if len(true) else math.nan


def precision_at_k(
    scores: ArrayLike, truth: ArrayLike, k: int, top: int | None = None
) -> float:
    """Share of the truly best `top` (K if not given) among the K of highest scores.

    Example:
        >>> precision_at_k([5, 4, 3, 2, 1], [5, 1, 4, 3, 2], k=2)
        0.5
    """
    given, true = _pair(scores, truth)
    top = k if top is None else top
    if max(k, top) >= len(true):
        return math.nan
    return float(_chosen(_last(given), k) @ _chosen(true, top) / top)


def n_at_k(scores: ArrayLike, truth: ArrayLike, k: int) -> float:
    """True rank, from 1, of the best of the K architectures of highest scores.

    Example:
        >>> n_at_k([3, 5, 4, 1], [0.9, 0.8, 0.7, 0.95], k=2)
        3.0
    """
    given, true = _pair(scores, truth)
    return _expected_least(_last(given), rankdata(-true, "min"), k)


def best_rank_at_k(scores: ArrayLike, truth: ArrayLike, k: int) -> float:
    """`n_at_k` as a share of all architectures, in (0, 1].

    Example:
        >>> best_rank_at_k([3, 5, 4, 1], [0.9, 0.8, 0.7, 0.95], k=2)
        0.75
    """
    return n_at_k(scores, truth, k) / max(1, len(np.asarray(truth)))


def regret_at_k(scores: ArrayLike, truth: ArrayLike, k: int) -> float:
    """What is lost if only the K of highest scores are trained: 0 if the best is there.

    Example:
        >>> round(regret_at_k([3, 5, 4, 1], [0.9, 0.8, 0.7, 0.95], k=2), 6)
        0.15
    """
    given, true = _pair(scores, truth)
    if not len(true):
        return math.nan
    return _expected_least(_last(given), true.max() - true, k)


def _pair(scores: ArrayLike, truth: ArrayLike) -> tuple[Array, Array]:
    given = np.asarray(scores, dtype=np.float64)
    true = np.asarray(truth, dtype=np.float64)
    if given.ndim != 1 or given.shape != true.shape:
        raise ValueError(f"scores are {given.shape} and truth {true.shape}, not [B]")
    if not np.isfinite(true).all():
        raise ValueError("the truth must be known of every architecture")
    return given, true


def _last(scores: Array) -> Array:
    """Put what could not be judged last."""
    return np.where(np.isfinite(scores), scores, -np.inf)


def _judged(scores: Array, truth: Array) -> tuple[Array, Array]:
    """Leave out what could not be judged."""
    there = np.isfinite(scores)
    return scores[there], truth[there]


def _constant(values: Array) -> bool:
    return bool((values == values[0]).all())


def _correlation(a: Array, b: Array) -> float:
    if len(a) < 2 or _constant(a) or _constant(b):
        return math.nan
    a, b = (x / np.abs(x).max() for x in (a, b))  # squares of scores may overflow
    a, b = a - a.mean(), b - b.mean()
    norm = math.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / norm, -1, 1)) if norm else math.nan


def _chosen(values: Array, k: int) -> Array:
    """Probability [B] of being among the K highest, ties broken at random; K < B."""
    least = np.partition(values, -k)[-k]
    sure, tied = values > least, values == least
    chance: Array = sure + tied * ((k - sure.sum()) / tied.sum())
    return chance


def _expected_least(values: Array, figures: ArrayLike, k: int) -> float:
    """Mean of the least figure of the K highest values, ties broken at random.

    Of m tied ones, r are chosen, all sets alike. In ascending order the i-th is the
    least chosen with the probability C(m - 1 - i, r - 1) / C(m, r).
    """
    wanted = np.asarray(figures, dtype=np.float64)
    if k >= len(values):
        return math.nan
    least = np.partition(values, -k)[-k]
    sure = wanted[values > least].min(initial=np.inf)
    tied = np.sort(wanted[values == least])
    m, r = len(tied), k - int((values > least).sum())
    i = np.arange(m - 1)
    ratios = np.maximum(m - r - i, 0) / (m - 1 - i)
    chances = r / m * np.cumprod(np.append(1.0, ratios))
    return float(chances @ np.minimum(tied, sure))


def _reason(name: str, scores: Array, truth: Array, k: int, predicts: bool) -> str:
    """Say why a figure is nan."""
    if not predicts and name in OF_ACCURACIES:
        return "scores are no accuracies"
    if name.endswith("_at_k"):
        return f"{len(truth)} architectures are too few to choose {k} from"
    if len(truth) < 2 or not np.isfinite(scores).any():
        return "fewer than two architectures were judged"
    if _constant(truth):
        return "all true accuracies are equal"
    return "all scores are equal"
