"""A logistic model as an ONNX graph in double precision."""

from __future__ import annotations

from collections.abc import Sequence

OPSET = 17
IR_VERSION = 8


def logistic_graph(name: str, intercept: float, coefficients: Sequence[float]) -> bytes:
    """Return a graph ``features`` [rows, columns] -> ``probability`` [rows, 1], float64; the same bytes every time."""
    import onnx
    from onnx import TensorProto, helper

    columns = len(coefficients)
    weights = helper.make_tensor("weights", TensorProto.DOUBLE, [columns, 1], list(coefficients))
    bias = helper.make_tensor("bias", TensorProto.DOUBLE, [1], [intercept])
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["weighted"]),
            helper.make_node("Add", ["weighted", "bias"], ["log_odds"]),
            helper.make_node("Sigmoid", ["log_odds"], ["probability"]),
        ],
        name,
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["rows", columns])],
        [helper.make_tensor_value_info("probability", TensorProto.DOUBLE, ["rows", 1])],
        [weights, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="oncorelay")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
