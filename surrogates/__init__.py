"""Tables of trained networks, and models fitted to them. Knows rows, not networks."""

from surrogates.fitted import Fitted, Origin
from surrogates.model import MODELS, Draw, Model, Prediction
from surrogates.table import DataError, Split, Table, Training

__all__ = [
    "MODELS",
    "DataError",
    "Draw",
    "Fitted",
    "Model",
    "Origin",
    "Prediction",
    "Split",
    "Table",
    "Training",
]


def __getattr__(name: str) -> type[Model]:
    """Load a model of `MODELS` when it is first asked for: `surrogates.LightGBM`."""
    if name not in MODELS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return MODELS[name]
