"""A study that one process stores and another answers, with a network of full width in its memory."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.domain.prediction import Prediction
from shared.imaging.region import BreastImages
from shared.radiomics.engine import installed_engine
from tests.bench.ln_pcr.whole_study import PREDICTOR, WholeStudy, opened_models

_KEPT, _GRAPH = "study.pickle", "full.onnx"


def store(folder: Path, matrix: int) -> None:
    """Simulate and store the study, without its region; export a network of full width."""
    from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
    from services.model_factory.handlers.networks.resnet3d.graph import network_graph
    from services.model_factory.handlers.networks.resnet3d.network import new_network

    whole = WholeStudy.simulated(folder, matrix=matrix)
    instances = tuple(
        one for one in whole.pins.instances if not one.sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.66")
    )
    (folder / _KEPT).write_bytes(pickle.dumps((whole.blobs, whole.study, whole.pins, whole.about, instances)))
    network = new_network(Architecture(), 1)
    network.eval()
    (folder / _GRAPH).write_bytes(network_graph(network))


def answer(folder: Path) -> None:
    """Answer it as a worker does, and run the network of full width while the images are held."""
    import onnxruntime

    blobs, study, pins, about, instances = pickle.loads((folder / _KEPT).read_bytes())
    opened = opened_models(folder / "bundles", folder / "keys")
    whole = WholeStudy(blobs, study, replace(pins, instances=instances), opened, about)
    session = onnxruntime.InferenceSession(folder / _GRAPH, providers=["CPUExecutionProvider"])
    images = whole.answerer().images.read(whole.pins)
    if not isinstance(images, BreastImages):
        raise TypeError(images.text)
    found = PREDICTOR.answer_images(whole.pins, opened.models, images, installed_engine())
    session.run(None, {"crop": np.zeros((1, 1, 64, 64, 64), np.float32)})
    if not isinstance(found.answer, Prediction):
        raise TypeError("no answer")
