"""A slide from its file to an answer: real jail, real readers, a network of three numbers, ledger and exclusions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.inference.adapters import slides
from services.inference.adapters.slide_artefacts import SlideArtefacts
from services.inference.adapters.slides import PinnedSlides, Reader
from services.inference.handlers.answer_slides import AnswerSlides
from services.inference.handlers.measure_slide import measure
from services.model_factory.handlers.patches.cutting import begin_cutting
from shared.bundles.catalog import Catalog
from shared.bundles.model import OnnxModel
from shared.bundles.runtimes.port import RuntimeChoice
from shared.domain.case import Claim, PinnedInstance, Pins
from shared.domain.errors import ForbiddenError, OutOfResourcesError, UnavailableError
from shared.domain.images import ArtefactKind
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction
from shared.domain.slides import Cropping, Exclusion, PinnedSlide, Point, Resolution, ResolutionSource, SlidePolicy
from shared.pathology.patch_bytes import decode_patches
from shared.pathology.patches import scaled
from shared.pathology.trouble import SlideTrouble
from shared.phantoms.slides.glass import Glass
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.slide import Plan, SimulatedSlide, make_slide
from shared.phantoms.slides.writing import tiff_bytes
from shared.phantoms.slides.wsm import slide_objects
from shared.predictors.her2.predictor import Her2
from shared.predictors.models import Model
from shared.predictors.slides import PatchLooks
from shared.slides.opening import opened as readers_of
from shared.storage.blobs import LocalBlobs
from shared.testing.cases import START
from shared.testing.slides import a_slide, slide_pins
from tests.slide_bundle import BUNDLE, KEYS, slide_bundle

pytestmark = pytest.mark.integration

CASE = "c" * 32
SIDE = 1024


@dataclass
class Models:
    """One bundle, and how often its network was asked."""

    model: OnnxModel
    looked: int = 0

    def open(self, bundle_id: str, digest: str) -> Model:
        return self.model


@dataclass
class Turns:
    """Counts whose turn it was."""

    taken: int = 0
    let_go: int = 0

    @contextmanager
    def alone(self) -> Iterator[None]:
        self.taken += 1
        yield

    def done(self) -> None:
        self.let_go += 1


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    bundles, _ = slide_bundle(tmp_path_factory.mktemp("bundle"))
    opened = Catalog.load([bundles], KEYS, RuntimeChoice(threads=1)).open(BUNDLE)
    assert isinstance(opened, OnnxModel)
    return opened


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


@pytest.fixture(scope="module")
def picture() -> SimulatedSlide:
    """A simulated slide of a quarter of a square millimetre."""
    return make_slide(np.random.default_rng(1), SCANNERS[0], Plan(side_px=SIDE))


@pytest.fixture(scope="module")
def content(picture: SimulatedSlide) -> bytes:
    """The same as a file."""
    return tiff_bytes(picture)


@dataclass
class Site:
    """Folders, a worker, and the pins of one slide."""

    root: Path
    model: OnnxModel
    reader: Reader
    turns: Turns = field(default_factory=Turns)

    def __post_init__(self) -> None:
        for name in ("scanner", "blobs"):
            (self.root / name).mkdir()
        self.blobs = LocalBlobs(self.root / "blobs")
        self.slides = PinnedSlides((self.root / "scanner",), self.blobs, self.root / "reading", self.reader)
        self.answer = AnswerSlides(
            Models(self.model), self.slides, SlideArtefacts(self.blobs), self.turns.alone, self.turns.done
        )

    def pins(self, content: bytes, policy: SlidePolicy | None = None, **changes: Any) -> Pins:
        path = self.root / "scanner" / "one.tiff"
        path.write_bytes(content)
        digest, um = hashlib.sha256(content).hexdigest(), SCANNERS[0].microns_per_pixel
        about = {
            "width": SIDE,
            "height": SIDE,
            "digest": digest,
            "resolution": Resolution(um, um, ResolutionSource.TIFF),
        }
        slide = PinnedSlide(a_slide(**(about | changes)), policy or SlidePolicy(least_tumour_patches=1))
        file = PinnedInstance("2.25.7", "", "2.25.8", digest, "6" * 64, path.as_uri())
        return replace(slide_pins(slide), instances=(file,), bundle_digest=self.model.reference.digest)

    def ask(self, pins: Pins) -> Any:
        return self.answer(Claim(CASE, 1, 30.0, "her2", pins), Her2())


@pytest.fixture
def site(tmp_path: Path, model: OnnxModel, reader: Reader) -> Site:
    return Site(tmp_path, model, reader)


def test_a_slide_is_read_judged_and_answered_with_patches_and_overview_beside_it(site: Site, content: bytes) -> None:
    answer = site.ask(site.pins(content))

    assert isinstance(answer, Prediction)
    assert answer.slide is not None
    assert answer.slide.croppings[0].patches > 10
    assert [one.kind for one in answer.artefacts] == [ArtefactKind.PATCHES, ArtefactKind.OVERVIEW]
    table = decode_patches(site.blobs.read(answer.artefacts[0].blob_uri))
    assert len(table) == answer.slide.croppings[0].patches
    assert table.heat.max() <= 1
    assert Image.open(site.blobs.open(answer.artefacts[1].blob_uri)).mode == "RGB"
    assert {one.kind for one in answer.slide.quality} == {"tissue", "blur", "pen", "fold"}
    assert answer.slide.stain.method == "vahadane"
    assert "network onnxruntime" in answer.runtime
    assert (site.turns.taken, site.turns.let_go) == (1, 1)


def test_the_same_slide_gives_the_same_answer_and_the_same_bytes(site: Site, content: bytes) -> None:
    assert site.ask(site.pins(content)) == site.ask(site.pins(content))


def test_the_network_is_given_the_very_patches_it_was_trained_on(site: Site, content: bytes) -> None:
    """Serving reads in the jail, training beside it: tissue, background, stains and preparation must be the same."""
    asked: list[NDArray[np.float32]] = []

    class Watched:
        slides = site.model.slides

        def look_at(self, patches: NDArray[np.float32]) -> PatchLooks:
            asked.append(patches)
            return site.model.look_at(patches)

    pins, contract = site.pins(content), site.model.slides
    assert pins.slide is not None
    assert contract is not None
    with site.slides.opened(pins) as session:
        served = measure(session, pins.slide, Watched(), lambda _: None)  # type: ignore[arg-type]  # all it needs
    reader = readers_of([site.root / "scanner" / "one.tiff"])
    assert not isinstance(reader, SlideTrouble)
    assert not isinstance(served, SlideTrouble)
    cut = begin_cutting(reader, SCANNERS[0].microns_per_pixel, contract.patches)
    learned = cut.patches(cut.grid(Cropping.MICROMETRES))
    reader.close()

    assert np.array_equal(served.slide.tables[0].index, learned.index)
    assert np.array_equal(served.slide.tables[0].tissue, learned.tissue)
    assert np.array_equal(served.slide.stain.vectors, cut.fit.vectors)
    assert np.array_equal(np.concatenate(asked), np.stack([scaled(one, contract.patches) for one in learned.pixels]))


def test_both_ways_of_cutting_are_run_where_the_site_asks(site: Site, content: bytes) -> None:
    answer = site.ask(site.pins(content, SlidePolicy(sensitivity=True, least_tumour_patches=1)))

    assert [one.cropping for one in answer.slide.croppings] == [Cropping.MICROMETRES, Cropping.PAPER]
    assert [one.kind for one in answer.artefacts].count(ArtefactKind.PATCHES) == 2


def test_patches_too_small_to_tell_blur_say_so_and_are_not_called_blurred(site: Site, content: bytes) -> None:
    """Eq. 1 cuts a slide of a megapixel into patches of 17 pixels."""
    answer = site.ask(site.pins(content, SlidePolicy(Cropping.PAPER, least_tumour_patches=1)))
    rows = {one.kind: one for one in answer.slide.quality}

    assert (rows["blur"].checked, rows["blur"].patches) == (False, 0)
    assert "17 pixels" in rows["blur"].text


def test_patches_of_an_earlier_answer_are_aggregated_without_slide_network_or_turn(
    site: Site, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = site.pins(content)
    before = site.ask(pins)
    (site.root / "scanner" / "one.tiff").unlink()
    monkeypatch.setattr(OnnxModel, "look_at", lambda *_: pytest.fail("the network ran"))
    assert pins.slide is not None
    half = Exclusion((Point(0, 0), Point(SIDE / 2, 0), Point(SIDE / 2, SIDE), Point(0, SIDE)), "dr", "in situ", START)
    kept = replace(pins.slide, patches=before.artefacts)
    same = site.ask(replace(pins, slide=kept))
    fewer = site.ask(replace(pins, slide=replace(kept, exclusions=(half,))))

    assert same == before
    assert fewer.slide.croppings[0].patches < before.slide.croppings[0].patches
    assert fewer.artefacts == before.artefacts
    assert site.turns.taken == 1


def test_a_dicom_pyramid_is_put_together_from_the_blob_store_and_nothing_of_it_is_left(
    site: Site, content: bytes, picture: SimulatedSlide
) -> None:
    um = SCANNERS[0].microns_per_pixel
    files = []
    for one in slide_objects(pyramid(picture.pixels), SCANNERS[0], Glass()):
        stream = BytesIO()
        one.save_as(stream, enforce_file_format=True)
        segment = site.blobs.root / f"{one.InstanceNumber}.segment"
        segment.write_bytes(b"before" + stream.getvalue() + b"behind")
        uri = f"{segment.as_uri()}?offset=6&length={len(stream.getvalue())}"
        files.append(PinnedInstance(one.SOPInstanceUID, one.SOPClassUID, one.SeriesInstanceUID, "c", "i", uri))
    files.reverse()  # the widest level last
    pins = site.pins(content, resolution=Resolution(um, um, ResolutionSource.DICOM))
    answer = site.ask(replace(pins, instances=tuple(files)))

    assert isinstance(answer, Prediction)
    assert list((site.root / "reading").iterdir()) == []


def test_a_dicom_pyramid_in_the_scanners_folder_is_read_there_and_a_replaced_file_of_it_refused(
    site: Site, content: bytes, picture: SimulatedSlide
) -> None:
    um, files = SCANNERS[0].microns_per_pixel, []
    for one in slide_objects(pyramid(picture.pixels), SCANNERS[0], Glass()):
        path = site.root / "scanner" / f"{one.InstanceNumber}.dcm"
        one.save_as(path, enforce_file_format=True)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files.append(PinnedInstance(one.SOPInstanceUID, "", one.SeriesInstanceUID, digest, "i", path.as_uri()))
    pins = site.pins(content, resolution=Resolution(um, um, ResolutionSource.DICOM))
    pins = replace(pins, instances=tuple(files))

    assert isinstance(site.ask(pins), Prediction)
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(UnavailableError):
        site.ask(pins)


def test_no_room_to_put_a_dicom_pyramid_together_is_temporary(
    site: Site, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = site.blobs.root / "1.segment"
    segment.write_bytes(content)
    stored = PinnedInstance("2.25.7", "1.2.840.10008.5.1.4.1.1.77.1.6", "2.25.8", "c", "i", segment.as_uri())
    left = site.root / "reading" / "slide-of-a-worker-that-was-killed"
    left.mkdir(parents=True)
    monkeypatch.setattr(slides, "_LEAST_FREE", 1 << 60)

    with pytest.raises(OutOfResourcesError, match="disk"):
        site.ask(replace(site.pins(content), instances=(stored,)))
    assert list((site.root / "reading").iterdir()) == []


def test_patches_that_are_gone_have_the_slide_read_again(site: Site, content: bytes) -> None:
    pins = site.pins(content)
    before = site.ask(pins)
    for one in before.artefacts:
        site.blobs.path(one.blob_uri).unlink()
    assert pins.slide is not None

    assert site.ask(replace(pins, slide=replace(pins.slide, patches=before.artefacts))) == before


def test_a_slide_replaced_since_it_was_pinned_is_not_read(site: Site, content: bytes) -> None:
    pins = site.pins(content)
    (site.root / "scanner" / "one.tiff").write_bytes(content + b"more")

    with pytest.raises(UnavailableError, match="replaced") as told:
        site.ask(pins)
    assert "one.tiff" not in str(told.value)


def test_a_slide_that_is_gone_can_be_asked_again(site: Site, content: bytes) -> None:
    pins = site.pins(content)
    (site.root / "scanner" / "one.tiff").unlink()

    with pytest.raises(UnavailableError, match="not there") as told:
        site.ask(pins)
    assert "one.tiff" not in str(told.value)


def test_nothing_outside_the_folders_of_slides_is_opened(site: Site, content: bytes) -> None:
    pins = site.pins(content)
    outside = site.root / "elsewhere.tiff"
    outside.write_bytes(content)
    (site.root / "scanner" / "link.tiff").symlink_to(outside)
    for place in (outside, site.root / "scanner" / "link.tiff", site.root / "scanner" / ".." / "elsewhere.tiff"):
        moved = replace(pins.instances[0], blob_uri=f"file://{place}")
        with pytest.raises(ForbiddenError):
            site.ask(replace(pins, instances=(moved,)))


def test_bytes_that_are_no_slide_are_a_coded_reason(site: Site) -> None:
    answer = site.ask(site.pins(os.urandom(4096)))

    assert isinstance(answer, NotAnalysed)
    assert answer.reason is NotAnalysedReason.UNREADABLE_SLIDE


def test_a_slide_too_coarse_for_the_bundle_is_not_even_opened(site: Site, content: bytes) -> None:
    coarse = site.pins(content, resolution=Resolution(1.5, 1.5, ResolutionSource.TIFF))
    (site.root / "scanner" / "one.tiff").unlink()
    answer = site.ask(coarse)

    assert isinstance(answer, NotAnalysed)
    assert answer.reason is NotAnalysedReason.RESOLUTION_TOO_LOW


def test_a_full_disk_while_artefacts_are_written_is_temporary(site: Site, content: bytes) -> None:
    (site.blobs.root / "artefacts").write_text("in the way")

    with pytest.raises(OutOfResourcesError):
        site.ask(site.pins(content))
