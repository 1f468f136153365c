"""A random forest as an ONNX graph; its probabilities are asserted to be those of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.formats.graph import IR_VERSION

OPSET = {"": 17, "ai.onnx.ml": 3}


def forest_graph(name: str, forest: Any, columns: int) -> bytes:
    """Return a graph ``features`` [rows, columns] float32 -> ``probability`` [rows, 1] float32 of the class True."""
    import onnx
    from onnx import TensorProto, helper
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    model = convert_sklearn(
        forest, name, [("features", FloatTensorType([None, columns]))], target_opset=OPSET,
        options={id(forest): {"zipmap": False, "output_class_labels": False}},
    )  # fmt: skip
    graph = model.graph
    both = graph.output[1].name
    del graph.output[:]
    place = helper.make_tensor("positive", TensorProto.INT64, [1], [list(forest.classes_).index(True)])
    graph.initializer.append(place)
    limits = [helper.make_tensor(end, TensorProto.FLOAT, [], [value]) for end, value in (("zero", 0.0), ("one", 1.0))]
    graph.initializer.extend(limits)
    graph.node.append(helper.make_node("Gather", [both, "positive"], ["summed"], axis=1))
    # In single precision the mean over the trees may come out at 1.0000001.
    graph.node.append(helper.make_node("Clip", ["summed", "zero", "one"], ["probability"]))
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", 1]))
    model.ir_version, model.producer_name, model.producer_version = IR_VERSION, "oncorelay", ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def asked(graph: bytes, x: NDArray[np.float64], kind: type[np.float32] | type[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities a graph gives for the rows of ``x`` in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(["probability"], {"features": x.astype(kind)})[0]
    return np.asarray(found[:, 0], dtype=np.float64)
