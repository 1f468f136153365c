"""Bad images from files to the answer: each is refused or handled, with a reason a radiologist understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from shared.dicom.breast_mri import read_breast_images
from shared.domain.case import PinnedBundle
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, ImagingPolicy, RegionOrigin, RegionProposed
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask, Spacing, Volume
from shared.phantoms.dce.other_series import other_objects
from shared.phantoms.dce.patient import SimulatedStudy, make_patient
from shared.phantoms.dce.scanners import Scanner, Storing, small_scanner
from shared.phantoms.dce.segmentation import segmentation_object
from shared.phantoms.dce.tumour import Lesion
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.models import Model
from shared.testing.cases import a_study, an_instance, some_pins
from shared.testing.dynamic_study import LABEL, objects_of, simulated_study, stored
from shared.testing.images import EngineDouble, ImageModelDouble, a_network_model

SECRET = "WHOSE^NAME"
MODELS: dict[str, Model] = {
    "clinical_dlr": a_network_model(),
    "clinical": ImageModelDouble(0.4, None, "ln_pcr-clinical-double"),
}
Objects = list[Dataset]


@dataclass(frozen=True)
class Bad:
    """One study that is not as it should be, and what becomes of it."""

    change: Callable[[Objects], object] = lambda _: None
    """Of the objects; a list it returns takes their place."""
    problem: ImageProblem | None = None
    """None: it is measured all the same."""
    says: str = ""
    """A part of the sentence, or of a remark where it is measured."""
    study: Callable[[], SimulatedStudy] = field(default=simulated_study)
    mask: Callable[[SimulatedStudy], Mask] | None = None
    """Drawn by somebody, and sent with the study."""
    redrawn: Callable[[Dataset], object] = lambda _: None
    side: Side | None = Side.LEFT


def _phase(objects: Objects, number: int) -> Objects:
    return [one for one in objects if one.TemporalPositionIdentifier == number]


def _without(*numbers: int) -> Callable[[Objects], Objects]:
    return lambda objects: [one for one in objects if one.TemporalPositionIdentifier not in numbers]


def _set(**values: Any) -> Callable[[Objects], None]:
    def change(objects: Objects) -> None:
        for one in objects:
            for name, value in values.items():
                setattr(one, name, value)

    return change


def _elsewhere(objects: Objects) -> None:
    for one in _phase(objects, 1):
        x, y, z = one.ImagePositionPatient
        one.ImagePositionPatient = [x, float(y) + 4.0, z]


def _twice(objects: Objects) -> None:
    for one in _phase(objects, 4):
        one.ContrastBolusStartTime = "095800"


def _compressed(syntax: str) -> Callable[[Objects], None]:
    def change(objects: Objects) -> None:
        for one in objects:
            one.compress(syntax, generate_instance_uid=False)

    return change


def _implicit(objects: Objects) -> None:
    for one in objects:
        one.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian


def _silicone(objects: Objects) -> Objects:
    others = other_objects(simulated_study(), LABEL)
    last = max(int(one.SeriesNumber) for one in others)
    for one in others:
        if one.SeriesNumber == last:
            one.SeriesDescription = f"SILICONE ONLY {SECRET}"
    return [*objects, *others]


def _small(count: int) -> Callable[[SimulatedStudy], Mask]:
    def mask(study: SimulatedStudy) -> Mask:
        bits = np.zeros(study.mask.grid.shape, dtype=np.bool_)
        bits[tuple(np.argwhere(study.mask.bits)[:count].T)] = True
        return Mask(bits, study.mask.grid)

    return mask


def _in_the_air(study: SimulatedStudy) -> Mask:
    bits = np.zeros(study.mask.grid.shape, dtype=np.bool_)
    bits[2:8, 0:4, 0:4] = True
    return Mask(bits, study.mask.grid)


def _erased(drawn: Dataset) -> None:
    drawn.PixelData = bytes(len(drawn.PixelData))


def _of_another_frame(drawn: Dataset) -> None:
    drawn.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.66"


def _of_other_dimensions(drawn: Dataset) -> None:
    """Place the mask by the images it was drawn on alone, and give it half as many rows."""
    del drawn.FrameOfReferenceUID
    for group in drawn.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence
    drawn.Rows = drawn.Rows // 2


def _both_breasts() -> SimulatedStudy:
    """Return a study whose right half is the mirror image of its left one."""
    spacing = Spacing(6.0, 5.0, 5.0)
    seconds = (-60.0, 90.0, 180.0, 270.0, 360.0)
    scanner = Scanner(
        "Philips Medical Systems", 3.0, Storing.TEMPORAL_POSITIONS, (24, 40, 68), spacing, seconds, bilateral=True
    )
    one = make_patient(np.random.default_rng(1), scanner, Lesion(0.0, 28.0))
    mirrored = (np.maximum(phase.voxels, phase.voxels[:, :, ::-1]) for phase in one.phases)
    return replace(one, phases=tuple(Volume(voxels, one.mask.grid) for voxels in mirrored))


def _both_drawn(study: SimulatedStudy) -> Mask:
    return Mask(study.mask.bits | study.mask.bits[:, :, ::-1], study.mask.grid)


def _enhanced() -> SimulatedStudy:
    return simulated_study(Storing.ENHANCED)


def _two_thousand_slices() -> SimulatedStudy:
    return simulated_study(scanner=small_scanner(Storing.ENHANCED, (400, 32, 32)))


BAD: dict[str, Bad] = {
    "no phase before contrast": Bad(_without(1), ImageProblem.NO_PRE_CONTRAST, "no phase before contrast"),
    "no phase before contrast, and a mask": Bad(
        _without(1), says="there is no phase without contrast", mask=lambda study: study.mask
    ),
    "the measured phase short": Bad(_without(2), ImageProblem.PHASE_MISSING, "declares more phases than there are"),
    "a late phase short": Bad(_without(5), says="phases"),
    "phases of different geometry": Bad(_elsewhere, ImageProblem.GEOMETRY_DIFFERS, "lie at different places"),
    "two injections": Bad(_twice, ImageProblem.TWO_INJECTIONS, "Two injections of contrast"),
    "tumours in both breasts": Bad(
        problem=ImageProblem.BILATERAL, says="Both breasts enhance like a tumour", study=_both_breasts, side=None
    ),
    "tumours in both breasts, one asked about": Bad(study=_both_breasts, says="further plausible"),
    "one region drawn over tumours in both breasts": Bad(
        problem=ImageProblem.BILATERAL, says="over both breasts", study=_both_breasts, mask=_both_drawn
    ),
    "the same, and nothing says which breast": Bad(
        problem=ImageProblem.BILATERAL, says="over both breasts", study=_both_breasts, mask=_both_drawn, side=None
    ),
    "a mask of another frame of reference": Bad(
        problem=ImageProblem.REGION_OF_ANOTHER_STUDY, says="belongs to another study",
        mask=lambda study: study.mask, redrawn=_of_another_frame,
    ),
    "a mask of other dimensions": Bad(
        problem=ImageProblem.REGION_OF_ANOTHER_STUDY, says="has other dimensions than the image it was drawn on",
        mask=lambda study: study.mask, redrawn=_of_other_dimensions,
    ),
    "an empty mask": Bad(
        problem=ImageProblem.EMPTY_REGION, says="is empty", mask=lambda study: study.mask, redrawn=_erased
    ),
    "a mask of three voxels": Bad(problem=ImageProblem.REGION_TOO_SMALL, says="has 3 voxels", mask=_small(3)),
    "a mask outside the body": Bad(problem=ImageProblem.REGION_OUTSIDE, says="in the air", mask=_in_the_air),
    "a header that names the other side": Bad(
        _set(Laterality="R"), ImageProblem.SIDE_CONFLICT, "nothing is measured on the wrong side"
    ),
    "a mask whose object names the other side": Bad(
        problem=ImageProblem.SIDE_CONFLICT, says="nothing is measured on the wrong side",
        mask=lambda study: study.mask, redrawn=lambda drawn: setattr(drawn, "Laterality", "R"),
    ),
    "silicone": Bad(_silicone, ImageProblem.IMPLANT, "silicone or an implant"),
    "JPEG-LS": Bad(_compressed(JPEGLSLossless)),
    "RLE": Bad(_compressed(RLELossless)),
    "implicit VR": Bad(_implicit),
    "enhanced multi-frame": Bad(study=_enhanced),
    "two thousand slices": Bad(study=_two_thousand_slices),
    "CT": Bad(_set(Modality="CT"), ImageProblem.WRONG_MODALITY, "no MR images (CT)"),
    "PET": Bad(_set(Modality="PT"), ImageProblem.WRONG_MODALITY, "no MR images (PET)"),
}  # fmt: skip
"""The list of bad input, and what of it is handled all the same."""


def _objects(bad: Bad) -> Objects:
    study = bad.study()
    objects = list(objects_of(study))
    drawn = [segmentation_object(study, LABEL, objects, bad.mask(study))] if bad.mask else []
    for one in drawn:
        bad.redrawn(one)
    changed = bad.change(objects)
    found = [*(changed if isinstance(changed, list) else objects), *drawn]
    for one in found:
        one.PatientName, one.PatientID, one.ReferringPhysicianName = SECRET, SECRET, SECRET
        one.SeriesDescription = f"{one.get('SeriesDescription', '')} {SECRET}".strip()
    return found


def _asked(
    bad: Bad, folder: Path, policy: AutomaticRegion = AutomaticRegion.USE
) -> tuple[BreastImages | ImageTrouble, Prediction | NotAnalysed | RegionProposed]:
    """Read the study and ask the predictor, as a worker does."""
    images = read_breast_images(stored(_objects(bad), folder), automatic=policy, confirmed=None, side=bad.side)
    first, second = (PinnedBundle(name, model.reference) for name, model in MODELS.items())
    pins = some_pins(
        variant=first.variant, bundle_id=first.bundle.bundle_id, bundle_digest=first.bundle.digest, others=(second,),
        imaging=ImagingPolicy(policy), side=bad.side,
    )  # fmt: skip
    return images, LnPcr().answer_images(pins, MODELS, images, EngineDouble()).answer


def _is_a_sentence(text: str) -> bool:
    """Tell whether a radiologist can read it: a sentence without identifiers, names of code, or quoted headers."""
    return bool(re.fullmatch(r"[A-Z0-9].*\.", text)) and not re.search(
        r"\d+(\.\d+){3,}|[a-z]_[a-z]|Error|None|[{}<>]", text
    )


@pytest.mark.parametrize("name", BAD)
def test_bad_images_are_refused_or_handled_and_the_answer_says_so(name: str, tmp_path: Path) -> None:
    bad = BAD[name]
    images, answer = _asked(bad, tmp_path)

    assert SECRET not in repr(answer)
    assert SECRET not in repr(images)
    if bad.problem is None:
        assert isinstance(answer, Prediction)
        assert (answer.variant, "images_not_measured" in {one.code for one in answer.flags}) == ("clinical_dlr", False)
        assert answer.images is not None
        assert bad.says in " ".join((answer.images.why, *answer.images.remarks))
        return
    assert isinstance(images, ImageTrouble)
    assert (images.problem, _is_a_sentence(images.text)) == (bad.problem, True), images.text
    assert bad.says in images.text
    if bad.problem is ImageProblem.SIDE_CONFLICT:
        assert isinstance(answer, NotAnalysed)
        assert (answer.reason, answer.text) == (NotAnalysedReason.SIDE_CONFLICT, images.text)
        return
    # No variant that needs the images answers: the clinical one does, and says why in words.
    assert isinstance(answer, Prediction)
    assert answer.variant == "clinical"
    assert images.text.rstrip(".") in answer.variant_reason
    assert [one.text for one in answer.flags if one.code == "images_not_measured"] == [
        f"The images were not measured: {images.text}"
    ]
    assert [one.probability for one in answer.variants if one.variant != "clinical"] == [None, None]


def test_the_breast_that_is_asked_about_is_the_one_that_is_measured(tmp_path: Path) -> None:
    for side, sign in ((Side.LEFT, 1), (Side.RIGHT, -1)):
        images, _ = _asked(replace(BAD["tumours in both breasts, one asked about"], side=side), tmp_path / side)
        assert isinstance(images, BreastImages)
        assert images.region.origin is RegionOrigin.AUTOMATIC
        places = images.region.mask.grid.place(np.argwhere(images.region.mask.bits).astype(np.float64))
        assert (sign * places[:, 0] > 0).all()


def test_a_mask_of_another_systems_algorithm_is_confirmed_or_left_out_as_ours_would_be(tmp_path: Path) -> None:
    def by_algorithm(drawn: Dataset) -> None:
        drawn.SegmentSequence[0].SegmentAlgorithmType = "AUTOMATIC"

    bad = Bad(mask=lambda study: study.mask, redrawn=by_algorithm)
    for policy in AutomaticRegion:
        images, answer = _asked(bad, tmp_path / policy, policy)
        if policy is AutomaticRegion.NEVER:
            assert isinstance(images, ImageTrouble)
            assert isinstance(answer, Prediction)
            assert "drawn by an algorithm" in answer.variant_reason
        else:
            assert isinstance(images, BreastImages)
            assert images.region.origin is RegionOrigin.SEG
            assert isinstance(answer, RegionProposed if policy is AutomaticRegion.CONFIRM else Prediction)


@pytest.mark.parametrize("modality", ["CT", "PT", "MG", "US"])
def test_a_study_of_another_modality_is_not_asked_about(modality: str) -> None:
    study = a_study(instances=(an_instance(1, modality=modality),))
    assert LnPcr().not_applicable(study) == "no MR images"
