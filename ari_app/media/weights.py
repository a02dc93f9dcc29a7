"""Reads the constants of an ONNX file: just enough of protocol buffers and of ONNX for that, nothing is run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[np.float32]]
Field = tuple[int, int | memoryview]

# Field numbers of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
MODEL_GRAPH: Final = 7
GRAPH_NODE: Final = 1
NODE_OUTPUT, NODE_OPERATION, NODE_ATTRIBUTE = 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 1, 5, 6
TENSOR_DIMENSIONS, TENSOR_TYPE, TENSOR_RAW = 1, 2, 9
FLOAT: Final = 1


def read_weights(file: Path, branch: str) -> Weights:
    """The float constants within the conditional `branch` of the model, by the last part of their names."""
    found: Weights = {}
    for number, value in _fields(memoryview(file.read_bytes())):
        if number == MODEL_GRAPH and isinstance(value, memoryview):
            _collect(value, branch, False, found)
    return found


def _collect(graph: memoryview, branch: str, inside: bool, found: Weights) -> None:
    for node in _parts(graph, GRAPH_NODE):
        output = next((bytes(each).decode() for each in _parts(node, NODE_OUTPUT)), "")
        for attribute in _parts(node, NODE_ATTRIBUTE):
            name = next((bytes(each).decode() for each in _parts(attribute, ATTRIBUTE_NAME)), "")
            for tensor in _parts(attribute, ATTRIBUTE_TENSOR):
                array = _tensor(tensor) if inside else None
                if array is not None:
                    found[output.rpartition("__")[2]] = array
            for inner in _parts(attribute, ATTRIBUTE_GRAPH):
                if inside or name == branch:
                    _collect(inner, branch, True, found)


def _tensor(tensor: memoryview) -> npt.NDArray[np.float32] | None:
    shape: list[int] = []
    kind, raw = 0, memoryview(b"")
    for number, value in _fields(tensor):
        if number == TENSOR_DIMENSIONS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif number == TENSOR_RAW and isinstance(value, memoryview):
            raw = value
    return np.frombuffer(raw, "<f4").reshape(shape) if kind == FLOAT and len(raw) else None


def _parts(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(message):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[Field]:
    """Field numbers and values of a message: whole numbers, and bytes of everything else."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                value, at = _varint(message, at)
                yield key >> 3, value
            case 2:
                size, at = _varint(message, at)
                yield key >> 3, message[at : at + size]
                at += size
            case 1 | 5 as width:
                at += 8 if width == 1 else 4
            case other:
                raise ValueError(f"not an ONNX file: wire type {other}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def _packed(message: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
    return values
