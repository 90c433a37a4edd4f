"""Networks as ONNX models, written as onnxruntime reads them (onnx.proto3, operator set 18).

Contributed operators are those of onnxruntime's docs/ContribOperators.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from deskward.integrations.embeddings.protobuf import content, single, whole

Array = npt.NDArray[Any]

IR_VERSION = 8
OPERATORS = 18
CONTRIBUTED = "com.microsoft"
TYPES = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2, np.dtype(np.int64): 7}
FLOAT, INT, INTS = 1, 2, 7


class Graph:
    """Nodes and weights, one after the other."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []
        self._made = 0

    def weight(self, array: Array) -> str:
        """Add an array; returns its name."""
        name = f"w{len(self._weights)}"
        dims = b"".join(whole(1, size) for size in array.shape)
        kind = whole(2, TYPES[array.dtype])
        raw = content(9, np.ascontiguousarray(array).tobytes())
        self._weights.append(dims + kind + content(8, name) + raw)
        return name

    def node(
        self,
        operator: str,
        *inputs: str,
        outputs: int = 1,
        contributed: bool = False,
        **attributes: int | float,
    ) -> list[str]:
        """Add an operation on what was named before; returns the names of its outputs."""
        names = [f"t{self._made + number}" for number in range(outputs)]
        self._made += outputs
        self._nodes.append(
            b"".join(content(1, name) for name in inputs)
            + b"".join(content(2, name) for name in names)
            + content(4, operator)
            + b"".join(content(5, _attribute(*pair)) for pair in attributes.items())
            + (content(7, CONTRIBUTED) if contributed else b"")
        )
        return names

    def model(self, given: str, width: int | None, result: str, results: int) -> bytes:
        """The whole as an ONNX model.

        Args:
            given: The name of its input, of texts by tokens.
            width: How many 32-bit floats each token has there; None for one whole number.
            result: The name of its output, texts by tokens by 32-bit floats.
            results: How many of these each token has.
        """
        graph = b"".join(content(1, node) for node in self._nodes) + content(2, "deskward")
        graph += b"".join(content(5, weight) for weight in self._weights)
        graph += content(11, _value(given, width)) + content(12, _value(result, results))
        sets = content(8, whole(2, OPERATORS))
        sets += content(8, content(1, CONTRIBUTED) + whole(2, 1))
        return whole(1, IR_VERSION) + content(7, graph) + sets


def _attribute(name: str, value: int | float) -> bytes:
    if isinstance(value, float):
        return content(1, name) + single(2, value) + whole(20, FLOAT)
    # A negative number has the ten bytes of its two's complement.
    return content(1, name) + whole(3, value % 2**64) + whole(20, INT)


def _value(name: str, width: int | None) -> bytes:
    dims = [content(2, "texts"), content(2, "tokens")]
    if width is not None:
        dims.append(whole(1, width))
    kind = TYPES[np.dtype(np.int64 if width is None else np.float32)]
    tensor = whole(1, kind) + content(2, b"".join(content(1, dim) for dim in dims))
    return content(1, name) + content(2, content(1, tensor))
