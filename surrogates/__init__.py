"""Tables of trained networks, and models fitted to them. Knows rows, not networks."""

from surrogates.table import DataError, Split, Table, Training

__all__ = ["DataError", "Split", "Table", "Training"]
