"""A slide in a scanner's folder and everything it goes through, put together in this process: two jails, a worker, and
the sink that writes every form.

The network has the full width of Swin-T and random weights, with the head biased so that some patches are tumour: what
is computed does not depend on what was learned.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from services.inference.adapters.slide_artefacts import SlideArtefacts
from services.inference.adapters.slides import PinnedSlides, Reader
from services.inference.handlers.answer_slides import AnswerSlides
from shared.bundles.catalog import Catalog
from shared.bundles.model import OnnxModel
from shared.bundles.runtimes.port import Engine, Precision, RuntimeChoice
from shared.domain.case import Claim, PinnedInstance
from shared.domain.prediction import Prediction
from shared.domain.slides import Cropping, PinnedSlide, Resolution, ResolutionSource, SlidePolicy
from shared.jail.slides import JailedSlides
from shared.pathology.trouble import SlideTrouble
from shared.phantoms.slides.large import slide_of_pixels
from shared.predictors.her2.predictor import Her2
from shared.predictors.models import Model
from shared.storage.blobs import LocalBlobs
from shared.testing.slides import a_slide, slide_pins
from tests.slide_bundle import BUNDLE, KEYS, Network, slide_bundle

Image.MAX_IMAGE_PIXELS = None
CASE = "case-whole-slide"
NEVER = 1.0
"""max |difference| a bundle may state for bfloat16: with random weights there is nothing to hold it against."""


@dataclass(frozen=True)
class Opened:
    """One bundle, opened before anything is timed."""

    model: Model

    def open(self, _name: str, _digest: str) -> Model:
        """Return it."""
        return self.model


def swin_t() -> Network:
    """Return Swin-T with random weights."""
    from services.model_factory.handlers.networks.swin.architecture import SwinArchitecture
    from services.model_factory.handlers.networks.swin.graph import swin_graph
    from services.model_factory.handlers.networks.swin.looking import probabilities
    from services.model_factory.handlers.networks.swin.network import new_swin
    from services.model_factory.handlers.networks.trained import parameter_count

    network = new_swin(SwinArchitecture(), 1)
    network.head.weight.data *= 4.0
    network.head.bias.data[2] = 0.4
    patch = np.random.default_rng(1).standard_normal(network.architecture.input_shape, dtype=np.float32)
    said = tuple(float(one) for one in probabilities(network, patch[None])[0])
    cells, name = network.architecture.heat_cells, network.architecture.name
    return Network(swin_graph(network), patch, said, cells, parameter_count(network), name)


def bundle(folder: Path, network: Network | None = None) -> None:
    """Write the bundle; it admits bfloat16."""

    def edit(manifest: dict[str, Any]) -> None:
        manifest["slides"] |= {"side_um": 256.0, "background_variance": 50.0, "least_tissue": 0.25}
        faster = {"precision": "bfloat16", "graph": "patches.onnx", "largest_difference": NEVER, "n": 8}
        manifest["slides"]["precisions"] = [faster]

    slide_bundle(folder, edit, network or swin_t())


@dataclass(frozen=True)
class WholeSlide:
    """The slide, and who answers."""

    root: Path
    model: OnnxModel

    @classmethod
    def stored(cls, root: Path, engine: Engine, precision: Precision, threads: int = 0) -> WholeSlide:
        """Open what ``bundle`` wrote below ``root``."""
        choice = RuntimeChoice(engine, precision, threads)
        model = Catalog.load([root / "bundles"], KEYS, choice).open(BUNDLE)
        assert isinstance(model, OnnxModel)
        return cls(root, model)

    @property
    def slide(self) -> Path:
        """Return where the slide lies."""
        return self.root / "scanner" / "slide.tiff"

    def scan(self, pixels: int, tissue: float = 0.25) -> None:
        """Simulate a slide of so many pixels."""
        self.slide.parent.mkdir(exist_ok=True)
        slide_of_pixels(pixels, self.slide, tissue=tissue)

    def answer(self, cropping: Cropping = Cropping.PAPER) -> Prediction:
        """From the complete file to an answer with its artefacts: digest, description, patches, aggregation."""
        digest = hashlib.file_digest(self.slide.open("rb"), "sha256").hexdigest()
        with ExitStack() as stack:
            described = JailedSlides(children=1)
            stack.callback(described.close)
            said = described.describe([self.slide])
            assert not isinstance(said, SlideTrouble), said
            um = said.stated[0].x
            at = Resolution(um, um, ResolutionSource.TIFF)
            slide = a_slide(width=said.width, height=said.height, digest=digest, resolution=at, levels=said.levels)
            pins = replace(
                slide_pins(PinnedSlide(slide, SlidePolicy(cropping))), bundle_digest=self.model.reference.digest,
                instances=(PinnedInstance("2.25.7", "", "2.25.8", digest, "6" * 64, self.slide.as_uri()),),
            )  # fmt: skip
            reader = Reader()
            stack.callback(reader.close)
            answer = self._answerer(reader)(Claim(CASE, 1, 60.0, "her2", pins), Her2())
        assert isinstance(answer, Prediction), answer
        return answer

    def _answerer(self, reader: Reader) -> AnswerSlides:
        blobs = LocalBlobs(self.root / "blobs")
        slides = PinnedSlides((self.slide.parent,), blobs, self.root / "reading", reader)
        return AnswerSlides(Opened(self.model), slides, SlideArtefacts(blobs), nullcontext, lambda: None)


def said(answer: Prediction) -> str:
    """Return what a note says of an answer."""
    slide = answer.slide
    assert slide is not None
    one = slide.croppings[0]
    return f"{one.patches} patches of {one.side_px} pixels, {one.tumour_patches} of them tumour; {answer.runtime}"
