"""The network of paper 000: its shape, its training, what it looked at, and its graph for serving.

in: crops with labels, the training rows of a fold (``shared/imaging/crops.py`` cuts them). out: a trained network, its
ONNX graph with a heatmap as second output, measured drift. never: a file, a study, the rows of a held-out patient.
"""
