"""Operators of ONNX graphs, of those that published surrogates use, in NumPy.

https://onnx.ai/onnx/operators
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TYPES = {1: "<f4", 6: "<i4", 7: "<i8", 9: "|b1", 11: "<f8"}
"""Numbers that a tensor may have, by TensorProto.DataType."""

_SELU = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017


def _gather(about: Mapping[str, Any], data: Array, index: Array) -> Array:
    return data.take(index, axis=about.get("axis", 0))  # IndexError beyond the end


def _gemm(
    about: Mapping[str, Any], a: Array, b: Array, c: Array | None = None
) -> Array:
    a = a.T if about.get("transA") else a
    b = b.T if about.get("transB") else b
    product: Array = a @ b
    if about.get("alpha", 1.0) != 1:
        product *= np.float32(about["alpha"])
    if c is not None:
        product += c if about.get("beta", 1.0) == 1 else c * np.float32(about["beta"])
    return product


def _selu(about: Mapping[str, Any], x: Array) -> Array:
    alpha, gamma = about.get("alpha", _SELU[0]), about.get("gamma", _SELU[1])
    low = np.minimum(x, 0)
    np.exp(low, out=low)
    low -= 1
    low *= x.dtype.type(alpha)
    low += np.maximum(x, 0)
    low *= x.dtype.type(gamma)
    return low


def _sigmoid(_: Mapping[str, Any], x: Array) -> Array:
    half = np.tanh(x / 2)  # which does not overflow
    half += 1
    half /= 2
    return half


def _unsqueeze(about: Mapping[str, Any], x: Array, axes: Array | None = None) -> Array:
    where = about["axes"] if axes is None else axes.tolist()
    return np.expand_dims(x, tuple(where))


def _cast(about: Mapping[str, Any], x: Array) -> Array:
    return x.astype(TYPES[about["to"]], copy=False)


def _filled(about: Mapping[str, Any], shape: Array) -> Array:
    value = about.get("value", np.zeros(1, dtype=np.float32))
    return np.full(tuple(shape.tolist()), value[0], value.dtype)


OPERATORS: Mapping[str, Callable[..., Array]] = {
    "Add": lambda _, a, b: a + b,
    "Cast": _cast,
    "Concat": lambda about, *parts: np.concatenate(parts, axis=about["axis"]),
    "Constant": lambda about: about["value"],
    "ConstantOfShape": _filled,
    "Div": lambda _, a, b: a / b,
    "Gather": _gather,
    "Gemm": _gemm,
    "Mul": lambda _, a, b: a * b,
    "Selu": _selu,
    "Shape": lambda _, x: np.array(x.shape, dtype=np.int64),
    "Sigmoid": _sigmoid,
    "Sub": lambda _, a, b: a - b,
    "Unsqueeze": _unsqueeze,
}
"""By name: attributes and inputs -> output. Div is not for integers."""
