"""How many seeds it takes to see a difference.

Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd edition, 1988.
"""

import math


def seeds_needed(
    difference: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Count the common seeds that a paired two-sided t test needs.

    Args:
        difference: Mean paired difference of errors, if it is what it seems.
        deviation: Standard deviation of the paired differences, of the same unit.
        alpha: How often strategies that are equal may be called different.
        power: How often that difference is to be found.

    Returns:
        The least number with that power, two or more; None if no number will do, since
        there is no difference, or if a figure is not finite.

    Raises:
        ValueError: `deviation` is below 0, or `alpha` or `power` not between 0 and 1.

    Example:
        >>> seeds_needed(0.5, 1.0), seeds_needed(0.0, 1.0)
        (34, None)
    """
    if deviation < 0 or not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError(
            f"a deviation of 0 or more, alpha and power between 0 and 1, not"
            f" {deviation}, {alpha}, {power}"
        )
    if not math.isfinite(difference) or not math.isfinite(deviation) or not difference:
        return None
    if not deviation:
        return 2
    effect = abs(difference) / deviation
    few, enough = 1, 2
    while _power(enough, effect, alpha) < power:
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        if _power(middle, effect, alpha) < power:
            few = middle
        else:
            enough = middle
    return enough


def _power(n: int, effect: float, alpha: float) -> float:
    """How often the t test of n differences finds an effect, in deviations."""
    from scipy.special import nctdtr, stdtrit  # longer to import than all the rest

    bound, shift = stdtrit(n - 1, 1 - alpha / 2), effect * math.sqrt(n)
    return float(1 - nctdtr(n - 1, shift, bound) + nctdtr(n - 1, shift, -bound))
