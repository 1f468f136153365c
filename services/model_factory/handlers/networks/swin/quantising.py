"""The graph with weights in eight bits and activations scaled while it runs (ONNX Runtime's dynamic quantisation)."""

from __future__ import annotations

import tempfile
from pathlib import Path


def eight_bit(graph: bytes) -> bytes:
    """Return the graph with its matrix products in int8; convolutions, norms and softmax stay float32.

    Weights are scaled per channel. The graph serves as ``int8`` only where the gate admits it (``gate.py``).
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory(prefix="eight-bit-") as folder:
        wide, narrow = Path(folder) / "wide.onnx", Path(folder) / "narrow.onnx"
        wide.write_bytes(graph)
        quantize_dynamic(wide, narrow, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)
        return narrow.read_bytes()
