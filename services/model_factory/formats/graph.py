"""Logistic and proportional hazards models as ONNX graphs in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

OPSET = 17
IR_VERSION = 8


def logistic_graph(name: str, intercept: float, coefficients: Sequence[float]) -> bytes:
    """Return a graph ``features`` [rows, columns] -> ``probability`` [rows, 1], float64; the same bytes every time."""
    from onnx import TensorProto, helper

    columns = len(coefficients)
    weights = helper.make_tensor("weights", TensorProto.DOUBLE, [columns, 1], list(coefficients))
    bias = helper.make_tensor("bias", TensorProto.DOUBLE, [1], [intercept])
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "bias"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["probability"]),
    ]
    return _serialised(name, nodes, [weights, bias], columns, 1)


def cox_graph(
    name: str, log_hazard_ratios: Sequence[float], centres: Sequence[float], baselines: Sequence[float]
) -> bytes:
    """Return a graph ``features`` [rows, columns] -> ``probability`` [rows, horizons], float64, always the same bytes.

    1 - exp(-H0(t) exp((features - centres) · log hazard ratios)); the features come uncentred. ``baselines`` are the
    baseline cumulative hazards of the horizons that are given, nearest first (``Survival`` in the manifest).
    """
    from onnx import TensorProto, helper

    columns, horizons = len(log_hazard_ratios), len(baselines)
    constants = [
        helper.make_tensor("centres", TensorProto.DOUBLE, [columns], list(centres)),
        helper.make_tensor("weights", TensorProto.DOUBLE, [columns, 1], list(log_hazard_ratios)),
        helper.make_tensor("baselines", TensorProto.DOUBLE, [1, horizons], list(baselines)),
        helper.make_tensor("one", TensorProto.DOUBLE, [1], [1.0]),
    ]
    nodes = [
        helper.make_node("Sub", ["features", "centres"], ["centred"]),
        helper.make_node("MatMul", ["centred", "weights"], ["log_ratio"]),
        helper.make_node("Exp", ["log_ratio"], ["ratio"]),
        helper.make_node("MatMul", ["ratio", "baselines"], ["cumulative_hazard"]),
        helper.make_node("Neg", ["cumulative_hazard"], ["log_survival"]),
        helper.make_node("Exp", ["log_survival"], ["survival"]),
        helper.make_node("Sub", ["one", "survival"], ["probability"]),
    ]
    return _serialised(name, nodes, constants, columns, horizons)


def _serialised(name: str, nodes: list[Any], constants: list[Any], columns: int, outputs: int) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["rows", columns])],
        [helper.make_tensor_value_info("probability", TensorProto.DOUBLE, ["rows", outputs])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="oncorelay")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
