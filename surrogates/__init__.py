"""Tables of trained networks, and models fitted to them. Knows rows, not networks."""

from surrogates.table import DataError, Table

__all__ = ["DataError", "Table"]
