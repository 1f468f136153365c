"""The network of paper 003: a Swin Transformer that tells three kinds of patches apart, and its graph for serving.

in: patches as ``shared/pathology/patches.py`` prepares them, with labels and patients; weights a user has. out: a
trained network, its ONNX graph with heat, what a narrower arithmetic changes. never: a slide, a held-out patient.
"""
