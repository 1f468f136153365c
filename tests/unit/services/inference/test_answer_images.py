"""From a claim to an answer with what is stored beside it: bundles, one study at a time, what breaks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from services.inference.adapters import bundles
from services.inference.adapters.bundles import WarmModels
from services.inference.adapters.one_at_a_time import OneAtATime
from services.inference.adapters.studies import StoredArtefacts, StoredStudies
from services.inference.handlers.answer_images import AnswerImages
from services.inference.handlers.run_case import Pace, RunCase
from shared.bundles.catalog import Catalog
from shared.bundles.errors import BundleRefusedError
from shared.bundles.runtimes.port import RuntimeChoice
from shared.domain.case import Claim, PinnedBundle, Pins
from shared.domain.errors import ConflictError, NotFoundError, OutOfResourcesError
from shared.domain.images import (
    Artefact,
    ArtefactKind,
    AutomaticRegion,
    ImagingPolicy,
    PinnedRegion,
    RegionOrigin,
    RegionProposed,
)
from shared.domain.prediction import Prediction
from shared.imaging.artefacts import decode_heatmap, decode_region, encode_region
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.models import Model
from shared.storage.blobs import LocalBlobs
from shared.testing.cases import some_pins
from shared.testing.images import EngineDouble, ImageModelDouble, a_network_model, some_images
from tests.image_bundle import BUNDLE, KEYS, image_bundle

CASE = "c" * 32


@dataclass(frozen=True)
class Opened:
    """Opens doubles, and refuses what it is told to."""

    models: Mapping[str, Model]
    refused: frozenset[str] = frozenset()

    def open(self, bundle_id: str, digest: str) -> Model:
        if bundle_id in self.refused:
            raise BundleRefusedError(bundle_id, "it was altered", "install it again")
        return next(one for one in self.models.values() if one.reference.bundle_id == bundle_id)


@dataclass
class Study:
    """Images, or why there are none, and how often they were read."""

    images: BreastImages | ImageTrouble = field(default_factory=some_images)
    reads: int = 0
    error: Exception | None = None

    def read(self, pins: Pins) -> BreastImages | ImageTrouble:
        self.reads += 1
        if self.error:
            raise self.error
        return self.images


@dataclass
class Turns:
    """Counts how often somebody had the turn."""

    taken: int = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self.taken += 1
        yield


MODELS: Mapping[str, Model] = {
    "clinical_dlr": a_network_model(),
    "clinical": ImageModelDouble(0.4, None, "ln_pcr-clinical-double"),
}


def claim_of(models: Mapping[str, Model] = MODELS, **changes: Any) -> Claim:
    bundles = [PinnedBundle(name, model.reference) for name, model in models.items()]
    first = bundles[0]
    pins = some_pins(
        variant=first.variant, bundle_id=first.bundle.bundle_id, bundle_digest=first.bundle.digest,
        others=tuple(bundles[1:]), imaging=ImagingPolicy(),
    )  # fmt: skip
    return Claim(CASE, 1, 30.0, "ln_pcr", replace(pins, **changes), "token")


def handler(root: Path, study: Study | None = None, **changes: Any) -> AnswerImages:
    made = AnswerImages(Opened(MODELS), study or Study(), StoredArtefacts(root), EngineDouble, Turns(), lambda: None)
    return replace(made, **changes)


def test_the_answer_names_region_and_heatmap_as_they_were_stored(tmp_path: Path) -> None:
    answer = handler(tmp_path)(claim_of(), LnPcr())
    assert isinstance(answer, Prediction)
    region, heatmap = answer.artefacts

    blobs = LocalBlobs(tmp_path)
    assert (region.kind, heatmap.kind) == (ArtefactKind.REGION, ArtefactKind.HEATMAP)
    assert (decode_region(blobs.read(region.blob_uri)).bits == some_images().region.mask.bits).all()
    assert decode_heatmap(blobs.read(heatmap.blob_uri)).voxels.max() == 1.0
    assert CASE in region.blob_uri


def test_a_refused_bundle_falls_back_to_the_next_and_reads_no_image_for_it(tmp_path: Path) -> None:
    study = Study()
    models = Opened(MODELS, frozenset({"ln_pcr-clinical-dlr-double"}))
    answer = handler(tmp_path, study, models=models)(claim_of(), LnPcr())

    assert isinstance(answer, Prediction)
    assert (answer.variant, study.reads) == ("clinical", 0)
    assert "refused its bundle ln_pcr-clinical-dlr-double" in answer.variant_reason


def test_where_every_bundle_is_refused_that_is_a_failure_with_the_remedy(tmp_path: Path) -> None:
    every = frozenset(one.reference.bundle_id for one in MODELS.values())
    answer = handler(tmp_path, models=Opened(MODELS, every))(claim_of(), LnPcr())

    assert isinstance(answer, str)
    assert answer.endswith("it was altered; install it again")


def test_a_case_whose_bundles_measure_nothing_waits_for_no_study(tmp_path: Path) -> None:
    turns, study = Turns(), Study()
    only = {"clinical": MODELS["clinical"]}
    answer = handler(tmp_path, study, alone=turns)(claim_of(only), LnPcr())

    assert isinstance(answer, Prediction)
    assert (turns.taken, study.reads, answer.artefacts) == (0, 0, ())


def test_a_study_has_its_turn_and_lets_go_at_its_end_even_where_it_broke(tmp_path: Path) -> None:
    turns, ends = Turns(), []
    handler(tmp_path, alone=turns, let_go=lambda: ends.append("end"))(claim_of(), LnPcr())
    broken = Study(error=ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        handler(tmp_path, broken, alone=turns, let_go=lambda: ends.append("end"))(claim_of(), LnPcr())

    assert (turns.taken, len(ends)) == (2, 2)


def test_only_a_large_network_is_let_go_and_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = image_bundle(tmp_path)
    models = WarmModels(lambda: Catalog.load([folder], KEYS, RuntimeChoice(threads=1)))
    digest = Catalog.load([folder], KEYS).installed[0].reference.digest
    first = models.open(BUNDLE, digest)
    models.let_go()
    assert models.open(BUNDLE, digest) is first

    monkeypatch.setattr(bundles, "LARGE_NETWORK", 10)
    models.let_go()
    assert models.open(BUNDLE, digest) is not first


def test_a_network_is_not_loaded_before_somebody_needs_it(tmp_path: Path) -> None:
    models = WarmModels(lambda: Catalog.load([image_bundle(tmp_path)], KEYS, RuntimeChoice(threads=1)))
    models.warm_up()

    assert models._warm == {}


def test_a_proposed_region_is_stored_and_named_in_the_proposal(tmp_path: Path) -> None:
    found = some_images()
    automatic = replace(found, region=replace(found.region, origin=RegionOrigin.AUTOMATIC))
    asks = ImagingPolicy(AutomaticRegion.CONFIRM)
    answer = handler(tmp_path, Study(automatic))(claim_of(imaging=asks), LnPcr())

    assert isinstance(answer, RegionProposed)
    assert decode_region(LocalBlobs(tmp_path).read(answer.artefact.blob_uri)).count == 192


def test_no_room_for_what_was_drawn_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "artefacts").write_text("in the way")

    with pytest.raises(OutOfResourcesError):
        handler(tmp_path)(claim_of(), LnPcr())


def run(answer_images: Callable[..., Any], claim: Claim) -> Any:
    """Let a worker answer this claim; return what it would report."""
    worker = RunCase(
        None, Opened(MODELS), {"ln_pcr": LnPcr()}, "worker", Pace(1, 1, 1, 1),  # type: ignore[arg-type]  # no ledger
        lambda: 0.0, lambda _: None, lambda: "request", answer_images, lambda *_: "no slide is expected here",
    )  # fmt: skip
    return worker._answer(claim)


def test_a_reader_that_breaks_is_a_failure_that_quotes_nothing(tmp_path: Path) -> None:
    broken = handler(tmp_path, Study(error=ValueError("PatientName=DOE^JANE")))

    assert run(broken, claim_of()) == "measuring the images broke (ValueError)"


def test_an_image_that_is_gone_is_a_failure_that_says_so(tmp_path: Path) -> None:
    gone = handler(tmp_path, Study(error=NotFoundError("blob", "0123")))

    assert run(gone, claim_of()) == "the images could not be measured: no blob 0123"


def test_a_claim_pinned_without_a_policy_is_answered_from_facts_alone(tmp_path: Path) -> None:
    only = {"clinical": MODELS["clinical"]}
    answer = run(handler(tmp_path), claim_of(only, imaging=None))

    assert isinstance(answer, Prediction)
    assert (answer.variant_reason, answer.variants) == ("", ())


TROUBLE = ImageTrouble(ImageProblem.NO_DYNAMIC_SERIES, "No dynamic series.")


def stored_pins(root: Path) -> Pins:
    uri, _ = LocalBlobs(root).put(b"DICM")
    return some_pins(instances=tuple(replace(one, blob_uri=uri) for one in some_pins().instances))


def test_the_reader_gets_places_in_the_store_the_policy_and_the_confirmed_region(tmp_path: Path) -> None:
    given: list[Any] = []

    def read(*asked: Any) -> ImageTrouble:
        given.append(asked)
        return TROUBLE

    studies = StoredStudies(LocalBlobs(tmp_path), read)
    mask = some_images().region.mask
    artefact = StoredArtefacts(tmp_path).put(CASE, ArtefactKind.REGION, encode_region(mask))
    pins = replace(
        stored_pins(tmp_path),
        region=PinnedRegion(artefact, "dr-test", ""),
        imaging=ImagingPolicy(AutomaticRegion.CONFIRM),
    )
    assert studies.read(pins) is TROUBLE

    ((objects, automatic, confirmed, side),) = given
    assert [one.path.read_bytes() for one in objects] == [b"DICM", b"DICM"]
    assert (automatic, side) == (AutomaticRegion.CONFIRM, pins.side)
    assert (confirmed.bits == mask.bits).all()


def test_another_region_than_the_confirmed_one_is_never_used(tmp_path: Path) -> None:
    uri, _ = LocalBlobs(tmp_path).put(encode_region(some_images().region.mask))
    pins = replace(
        stored_pins(tmp_path), region=PinnedRegion(Artefact(ArtefactKind.REGION, uri, "0" * 64), "dr-test", "")
    )

    with pytest.raises(ConflictError, match="not the one that a person confirmed"):
        StoredStudies(LocalBlobs(tmp_path), lambda *_: TROUBLE).read(pins)


def test_a_second_study_waits_and_a_killed_holder_frees_the_turn(tmp_path: Path) -> None:
    lock = OneAtATime(tmp_path / "turn")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        with lock():
            os.write(write_end, b"x")
            signal.pause()
    assert os.read(read_end, 1) == b"x"
    had = threading.Event()

    def wait() -> None:
        with lock():
            had.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not had.wait(0.2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert had.wait(10)
    waiter.join()


def test_a_stopped_holder_is_not_waited_for_and_a_slow_one_is(tmp_path: Path) -> None:
    lock = OneAtATime(tmp_path / "turn", silent_s=1.5)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        with lock():
            os.write(write_end, b"x")
            signal.pause()
    assert os.read(read_end, 1) == b"x"
    had = threading.Event()

    def wait() -> None:
        with lock():
            had.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    try:
        assert not had.wait(2.5)  # it beats: longer than a silent one would be waited for
        os.kill(child, signal.SIGSTOP)
        assert had.wait(20)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    waiter.join()
