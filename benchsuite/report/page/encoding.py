"""JSON that can stand inside HTML, with six significant digits."""

import json
import math
from collections.abc import Iterable

from benchsuite.results import round_to_six

_SIGNS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def encode(data: object) -> str:
    r"""Write JSON in which no sign means anything to HTML.

    Everything beyond ASCII is escaped too, so U+2028, U+2029 and half surrogates are.

    Raises:
        ValueError: A figure is not finite; see `figure`.

    Example:
        >>> print(encode(["</script>", 1]))
        ["\u003c/script\u003e",1]
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.translate(_SIGNS)


def figure(value: float) -> float | str | None:
    """Keep six digits; nan becomes None, and infinity a word, as JSON has neither.

    Example:
        >>> figure(0.08393333333), figure(2e5), figure(math.nan), figure(-math.inf)
        (0.0839333, 200000, None, '-inf')
    """
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    rounded = round_to_six(value)
    return int(rounded) if rounded.is_integer() else rounded


def figures(values: Iterable[float]) -> list[float | str | None]:
    """Write a column of figures; see `figure`."""
    return [figure(float(value)) for value in values]
