"""Networks: what training any of them shares; a room each for those of papers 000 (``resnet3d``) and 003 (``swin``).

in: arrays with labels, the training rows of a fold. out: a trained network, its ONNX graph with a heatmap as second
output, what a narrower arithmetic changes. never: a file, a study, a slide, the rows of a held-out patient.
"""
