"""ONNX graphs of small networks: read without a library, evaluated with NumPy.

Only operators that published surrogates use are known. Where a graph treats its first
axis as a batch, it may be given more rows than the one row it was exported with.

The format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (numbers of fields
below are from there).
"""

import math
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogates.onnx_operators import OPERATORS, TYPES
from surrogates.protobuf import FLOAT, fields, varint
from surrogates.table import DataError

Array = NDArray[Any]
_WHAT = "the bytes of the ONNX model"


class Node(NamedTuple):
    """One operation.

    Attributes:
        op: Name of the operator.
        inputs: Names of what it reads.
        output: Name of what it makes.
        attributes: By name.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Graph:
    """A network.

    Attributes:
        inputs: Shape of each input, without those that are constants.
        outputs: Names of the outputs.
        constants: Weights and constants by name.
        nodes: Operations; each reads only what is above it.
    """

    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]

    def needed(
        self, wanted: Collection[str], given: Collection[str] = ()
    ) -> tuple[Node, ...]:
        """List the nodes that make `wanted` from `given`, the inputs and constants."""
        missing, chosen = set(wanted) - set(given), []
        for node in reversed(self.nodes):
            if node.output in missing:
                chosen.append(node)
                missing.discard(node.output)
                missing |= set(node.inputs) - set(given)
        return tuple(reversed(chosen))

    def __call__(self, given: Mapping[str, Array]) -> tuple[Array, ...]:
        """Evaluate the outputs for inputs by name.

        Raises:
            DataError: An operation does not fit what it is given.
        """
        values = run(self.needed(self.outputs, given), {**self.constants, **given})
        return tuple(values[name] for name in self.outputs)


def run(nodes: Sequence[Node], values: Mapping[str, Array]) -> dict[str, Array]:
    """Evaluate nodes in order; what was there, and what they made, by name.

    Raises:
        DataError: An operation does not fit what it is given.
    """
    known = dict(values)
    for node in nodes:
        try:
            read = [known[name] for name in node.inputs]
            known[node.output] = OPERATORS[node.op](node.attributes, *read)
        except (LookupError, TypeError, ValueError) as error:
            reason = " ".join(f"{error}".split())
            raise DataError(
                f"{node.op} of the ONNX model, which makes {node.output!r}, cannot be"
                f" evaluated: {reason:.100}"
            ) from error
    return known


def read(content: bytes) -> Graph:
    """Read a model of one graph.

    Raises:
        DataError: It is none, is cut off, keeps weights elsewhere, or has an operator
            that is not known here.
    """
    graph = _last(content, 7)
    if not isinstance(graph, bytes):
        raise DataError("this is no ONNX model: it has no graph")
    constants: dict[str, Array] = {}
    inputs: dict[str, tuple[int, ...]] = {}
    nodes, outputs = [], []
    for number, _, value in fields(graph, _WHAT):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            nodes.append(_node(value))
        elif number == 5:
            name, array = _tensor(value)
            constants[name] = array
        elif number == 11:
            name, shape = _described(value)
            inputs[name] = shape
        elif number == 12:
            outputs.append(_described(value)[0])
    for node in nodes:
        if node.op == "Constant":
            constants[node.output] = np.asarray(node.attributes.get("value"))
    rest = tuple(node for node in nodes if node.op != "Constant")
    inputs = {name: shape for name, shape in inputs.items() if name not in constants}
    _check_order(inputs, outputs, constants, rest)
    return Graph(inputs, tuple(outputs), constants, rest)


def _check_order(
    inputs: Collection[str],
    outputs: Collection[str],
    constants: Collection[str],
    nodes: Sequence[Node],
) -> None:
    """Refuse operators that are not known, and what is read before it is made."""
    known = {*inputs, *constants}
    for node in nodes:
        if node.op not in OPERATORS:
            raise DataError(
                f"the ONNX model has the operator {node.op:.40}; known are"
                f" {', '.join(OPERATORS)}"
            )
        if missing := [name for name in node.inputs if name not in known]:
            raise DataError(
                f"{node.op} of the ONNX model reads {missing[0]!r:.60}, which nothing"
                " above it makes"
            )
        known.add(node.output)
    if missing := [name for name in outputs if name not in known]:
        raise DataError(
            f"nothing in the ONNX model makes its output {missing[0]!r:.60}"
        )


def _last(message: bytes, number: int) -> int | bytes | None:
    """Find the last field of a number, which is the one that counts."""
    found = None
    for field, _, value in fields(message, _WHAT):
        if field == number:
            found = value
    return found


def _text(value: int | bytes | None) -> str:
    if not isinstance(value, bytes):
        raise DataError(f"{_WHAT} have a number where a name stands")
    return value.decode(errors="replace")


def _node(message: bytes) -> Node:
    """Read a NodeProto."""
    inputs, outputs, op = [], [], ""
    attributes: dict[str, Any] = {}
    for number, _, value in fields(message, _WHAT):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            op = _text(value)
        elif number == 5 and isinstance(value, bytes):
            attributes.update([_attribute(value)])
    if len(outputs) != 1:
        raise DataError(f"{op:.40} of the ONNX model makes {len(outputs)} results")
    return Node(op, tuple(inputs), outputs[0], attributes)


def _attribute(message: bytes) -> tuple[str, Any]:
    """Read an AttributeProto: a name with a number, a tensor or numbers."""
    name, found, many = "", None, []
    for number, kind, value in fields(message, _WHAT):
        if number == 1:
            name = _text(value)
        elif number == 2 and kind == FLOAT and isinstance(value, bytes):
            (found,) = struct.unpack("<f", value)
        elif number == 3:
            found = _signed(value)
        elif number == 5 and isinstance(value, bytes):
            found = _tensor(value)[1]
        elif number == 8:
            many += _numbers(value)
    return name, tuple(many) if many else found


def _signed(value: int | bytes) -> int:
    """Read an int64, which protobuf writes as if it had no sign."""
    if not isinstance(value, int):
        raise DataError(f"{_WHAT} have bytes where a number stands")
    return value - (1 << 64) if value >> 63 else value


def _numbers(value: int | bytes) -> list[int]:
    """Read one of several int64, or all of them in one field."""
    if isinstance(value, int):
        return [_signed(value)]
    numbers, place = [], 0
    while place < len(value):
        number, place = varint(value, place, _WHAT)
        numbers.append(_signed(number))
    return numbers


def _tensor(message: bytes) -> tuple[str, Array]:
    """Read a TensorProto with its values inside: as raw bytes, or packed."""
    name, shape, kind, content = "", list[int](), 0, b""
    packed: list[int] | None = None
    for number, _, value in fields(message, _WHAT):
        if number == 1:
            shape += _numbers(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number in (5, 7):  # int32_data, int64_data
            packed = [*(packed or ()), *_numbers(value)]
        elif number in (4, 9, 10) and isinstance(value, bytes):  # floats, raw, doubles
            content += value
        elif number == 8:
            name = _text(value)
        elif number in (13, 14) and value:
            raise DataError("the ONNX model keeps its weights in another file")
    if kind not in TYPES:
        raise DataError(f"{name!r:.60} of the ONNX model has numbers of kind {kind}")
    dtype = np.dtype(TYPES[kind])
    flat = (
        np.array(packed, dtype)
        if packed
        else np.frombuffer(
            content[: len(content) // dtype.itemsize * dtype.itemsize], dtype
        )
    )
    if min(shape, default=0) < 0 or flat.size != math.prod(shape):
        raise DataError(
            f"{name!r:.60} of the ONNX model has {flat.size} numbers, not the shape"
            f" {tuple(shape)}"
        )
    return name, flat.reshape(shape)


def _described(message: bytes) -> tuple[str, tuple[int, ...]]:
    """Read name and shape of a ValueInfoProto; -1 stands for any length."""
    name, shape = "", []
    for number, _, value in fields(message, _WHAT):
        if number == 1:
            name = _text(value)
        elif number == 2 and isinstance(value, bytes):
            tensor = _last(value, 1)
            dims = _last(tensor, 2) if isinstance(tensor, bytes) else b""
            for _, _, dim in fields(dims if isinstance(dims, bytes) else b"", _WHAT):
                size = _last(dim, 1) if isinstance(dim, bytes) else None
                shape.append(size if isinstance(size, int) else -1)
    return name, tuple(shape)
