"""A graph while it is being written, node by node: the same weights give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.bundles.runtimes.port import CROP, HEAT, PROBABILITY

OPSET = 17
IR_VERSION = 8
BATCH = "n"


@dataclass(slots=True)
class Parts:
    """A graph while it is being written."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        from onnx import helper

        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def copied(self, name: str) -> str:
        """Add a constant with the values of another; return its name."""
        from onnx import TensorProto

        copy = TensorProto()
        copy.CopyFrom(next(one for one in self.constants if one.name == name))
        copy.name = f"{name}.back"
        self.constants.append(copy)
        return str(copy.name)

    def serialised(
        self, name: str, crop: tuple[int, ...], probability: tuple[int, ...], heat: tuple[int, ...]
    ) -> bytes:
        """Return the graph ``crop`` -> ``probability`` and ``heat``, float32 all; the shapes are without the batch."""
        import onnx
        from onnx import TensorProto, helper

        made = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(CROP, TensorProto.FLOAT, [BATCH, *crop])],
            [
                helper.make_tensor_value_info(PROBABILITY, TensorProto.FLOAT, [BATCH, *probability]),
                helper.make_tensor_value_info(HEAT, TensorProto.FLOAT, [BATCH, *heat]),
            ],
            self.constants,
        )
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="oncorelay")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
