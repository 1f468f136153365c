"""Cohort sheets in; ONNX graphs, cards and reports out."""
