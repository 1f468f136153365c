"""CIFAR-100 as its authors distribute it (Krizhevsky 2009): binary or Python version, read without unpickling code."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError

CLASSES, SIDE = 100, 32
_ROW = 2 + 3 * SIDE * SIDE
"""Coarse label, fine label, then red, green and blue, row by row."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPictures:
    """Small pictures with a class each."""

    pixels: NDArray[np.uint8]
    """(n, 3, 32, 32)."""
    labels: NDArray[np.int64]
    """The fine label, 0 to 99."""
    sha256: str
    """Of the file (hex)."""


def read_cifar100(content: bytes) -> LabelledPictures:
    """Return the pictures of ``train.bin`` or of the pickled ``train``.

    Raises:
        InvalidInputError: If it is neither, or a label is out of range.
    """
    pixels, labels = _pickled(content) if content[:1] == b"\x80" else _binary(content)
    if not len(labels) or labels.min() < 0 or labels.max() >= CLASSES or pixels.shape != (len(labels), 3, SIDE, SIDE):
        raise InvalidInputError("cifar", f"is not {CLASSES} classes of {SIDE} x {SIDE} pictures")
    return LabelledPictures(pixels, labels, hashlib.sha256(content).hexdigest())


def _binary(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if len(content) % _ROW:
        raise InvalidInputError("cifar", f"is no binary version: its size is not a multiple of {_ROW} bytes")
    rows = np.frombuffer(content, dtype=np.uint8).reshape(-1, _ROW)
    return rows[:, 2:].reshape(-1, 3, SIDE, SIDE), rows[:, 1].astype(np.int64)


def _pickled(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        tree: Any = _Careful(io.BytesIO(content), encoding="bytes").load()
        labels = np.array(tree[b"fine_labels"], dtype=np.int64)
        return np.array(tree[b"data"], dtype=np.uint8).reshape(-1, 3, SIDE, SIDE), labels
    except Exception as error:  # a damaged pickle raises almost anything
        raise InvalidInputError("cifar", "is no Python version of CIFAR-100") from error


class _Careful(pickle.Unpickler):
    """Knows what an array of numpy needs, and nothing else: a pickle may name any function to be called."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Return what an array is rebuilt by."""
        known: dict[str, Callable[..., Any]] = {
            "_reconstruct": np.empty(0).__reduce__()[0],  # type: ignore[dict-item]
            "ndarray": np.ndarray,
            "dtype": np.dtype,
        }
        if module.split(".", maxsplit=1)[0] != "numpy" or name not in known:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return known[name]
