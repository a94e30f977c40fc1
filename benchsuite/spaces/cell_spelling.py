"""Cells of labelled vertices as NAS-Bench-101's files spell them.

'adjacency;labels': the n x n digits of the adjacency matrix, row by row, and the n
labels from 'input' to 'output', joined by commas, e.g. '010001000;input,OP,output'.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Cell(NamedTuple):
    """A cell as it is spelled.

    Attributes:
        edges: The strict upper triangle of the adjacency matrix, row by row.
        labels: Operations of the vertices between input and output.
    """

    edges: tuple[int, ...]
    labels: tuple[str, ...]

    @property
    def vertices(self) -> int:
        """Number of vertices, input and output included."""
        return len(self.labels) + 2


def spell(edges: Sequence[int], labels: Iterable[str]) -> str:
    """Spell a cell.

    Example:
        >>> spell((1, 0, 1), ["maxpool3x3"])
        '010001000;input,maxpool3x3,output'
    """
    names = ("input", *labels, "output")
    digits = "".join(map(str, edges))
    rows, start = [], 0
    for v in range(len(names)):
        stop = start + len(names) - v - 1
        rows.append("0" * (v + 1) + digits[start:stop])
        start = stop
    return f"{''.join(rows)};{','.join(names)}"


def read(text: str, name: str, fewest: int, most: int) -> Cell:
    """Invert `spell`.

    Args:
        text: The spelling.
        name: Of the space, for messages.
        fewest: Vertices at least.
        most: Vertices at most.

    Raises:
        ValueError: It does not spell a cell of so many vertices; the message names the
            first place that is wrong and what would be right there.

    Example:
        >>> read("010001000;input,maxpool3x3,output", "nb101", 2, 7)
        Cell(edges=(1, 0, 1), labels=('maxpool3x3',))
    """
    digits, semicolon, labels = text.partition(";")
    if not semicolon:
        raise ValueError(
            f"a cell of {name} is spelled 'adjacency;labels', as in"
            f" '0100;input,output'; {text!r} has no ';'"
        )
    names = labels.split(",")
    n = len(names)
    if not fewest <= n <= most:
        number = f"{most}" if fewest == most else f"{fewest} to {most}"
        raise ValueError(
            f"a cell of {name} has {number} vertices, their labels joined by commas;"
            f" {labels!r} has {n}"
        )
    for vertex, label in ((0, "input"), (n - 1, "output")):
        if names[vertex] != label:
            raise ValueError(
                f"vertex {vertex} of a cell of {name} is {label!r}, not"
                f" {names[vertex]!r}"
            )
    if len(digits) != n * n:
        raise ValueError(
            f"a cell of {name} with {n} vertices has {n * n} digits of adjacency, row"
            f" by row; {digits!r} has {len(digits)}"
        )
    rows = [(v, digits[v * n : v * n + n]) for v in range(n)]
    upper = "".join([row[v + 1 :] for v, row in rows])
    lower = "".join([row[: v + 1] for v, row in rows])
    if upper.strip("01") or lower.strip("0"):
        raise ValueError(_wrong_edge(digits, n, name))
    return Cell(tuple(map(int, upper)), tuple(names[1:-1]))


def _wrong_edge(digits: str, n: int, name: str) -> str:
    """Say which digit of an adjacency matrix is the first that cannot be there."""
    for place, digit in enumerate(digits):
        source, target = divmod(place, n)
        allowed = ("0", "1") if source < target else ("0",)
        if digit not in allowed:
            break
    reason = "" if source < target else ": edges lead to later vertices"
    return (
        f"edge {source}->{target} of a cell of {name} is {' or '.join(allowed)}, not"
        f" {digit!r}{reason}"
    )
