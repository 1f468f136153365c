"""The richest variant that can answer is the result; the others stand beside it, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shared.bundles.catalog import installed_catalog
from shared.domain.case import PinnedBundle, Pins
from shared.domain.errors import InvalidInputError
from shared.domain.images import (
    Artefact,
    ArtefactKind,
    AutomaticRegion,
    ImagingPolicy,
    PinnedRegion,
    RegionOrigin,
    RegionProposed,
)
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.predictors.contract import ImagePredictor, RadiomicsEngine
from shared.predictors.imaging import ImagingContract
from shared.predictors.ln_pcr.clinical import features
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.models import ImageModel, Model
from shared.testing.cases import some_pins
from shared.testing.images import FEATURES, SCORE, SEEN, EngineDouble, ImageModelDouble, a_network_model, some_images

CLINICAL: Model = installed_catalog().open("ln_pcr-clinical-published")
NO_SERIES = ImageTrouble(ImageProblem.NO_DYNAMIC_SERIES, "No dynamic series in this study (2 series, both T2).")
RAD_SCORE = 0.1 + (2.0 - 1.0) / 2 + (0.5 - 1.0) / 2


def every() -> dict[str, Model]:
    return {"clinical_dlr": a_network_model(), "clinical_radiomics": ImageModelDouble(0.65), "clinical": CLINICAL}


def pins_of(models: Mapping[str, Model], **changes: Any) -> Pins:
    bundles = [PinnedBundle(name, model.reference) for name, model in models.items()]
    first = bundles[0]
    pins = some_pins(
        variant=first.variant, bundle_id=first.bundle.bundle_id, bundle_digest=first.bundle.digest,
        bundle_version=first.bundle.version, others=tuple(bundles[1:]), imaging=ImagingPolicy(),
    )  # fmt: skip
    return replace(pins, **changes)


def ask(
    models: Mapping[str, Model] | None = None, images: Any = None, engine: RadiomicsEngine | None = None, *,
    opened: Mapping[str, Model] | None = None, no_engine: bool = False, **pins: Any,
) -> Any:  # fmt: skip
    models = every() if models is None else models
    engine = None if no_engine else engine or EngineDouble()
    pinned = pins_of(models, **pins)
    return LnPcr().answer_images(pinned, opened or models, images or some_images(), engine)


def answered(*args: Any, **options: Any) -> Prediction:
    answer = ask(*args, **options).answer
    assert isinstance(answer, Prediction)
    return answer


def flags(answer: Prediction, code: str) -> list[str]:
    return [flag.text for flag in answer.flags if flag.code == code]


def test_the_doubles_and_the_predictor_are_what_the_contract_asks_for() -> None:
    assert isinstance(a_network_model(), ImageModel)
    assert isinstance(LnPcr(), ImagePredictor)


def test_with_everything_there_the_network_variant_is_the_result_and_the_others_are_kept() -> None:
    found = ask()
    answer = found.answer

    assert (answer.variant, answer.probability) == ("clinical_dlr", 0.7)
    assert answer.variant_reason == "Clinical-DLR: all inputs are there"
    assert [(one.variant, one.probability) for one in answer.variants[:2]] == [
        ("clinical_dlr", 0.7), ("clinical_radiomics", 0.65),
    ]  # fmt: skip
    assert answer.variants[2].probability == CLINICAL.score(features({"er": "positive", "her2": "low", "t": "2"}))
    assert answer.bundle == a_network_model().reference
    assert found.region is not None
    assert (answer.runtime, answer.precision) == ("double, network network-double 1", "float64, network float32")


def test_the_graph_gets_the_clinical_columns_the_rad_score_and_the_networks_probability() -> None:
    model = a_network_model()
    answered({"clinical_dlr": model})

    ((classifier, row),) = model.rows
    assert classifier == "logistic"
    assert row["rad_score"] == pytest.approx(RAD_SCORE)
    assert row["dl_prob"] == 0.81
    assert (row["er_positive"], row["her2_low"], row["t_2"], row["t_3"]) == (1.0, 1.0, 1.0, 0.0)


def test_what_two_variants_need_is_measured_once() -> None:
    engine = EngineDouble()
    answered(engine=engine)

    assert engine.asked == [frozenset(FEATURES)]


def test_without_a_network_bundle_radiomics_answers_and_says_so() -> None:
    answer = answered({"clinical_radiomics": ImageModelDouble(0.65), "clinical": CLINICAL})

    assert answer.variant_reason == "Clinical-Radiomics: no network bundle is installed"
    assert answer.variants[0].why_not == "no network bundle is installed"
    assert [one.name for one in answer.measured if one.name in ("rad_score", "dl_prob")] == ["rad_score"]


def test_images_that_cannot_be_measured_fall_back_to_the_clinic_with_the_reason() -> None:
    found = ask(images=NO_SERIES)
    answer = found.answer

    assert answer.variant == "clinical"
    assert answer.variant_reason == "Clinical: No dynamic series in this study (2 series, both T2)"
    assert flags(answer, "images_not_measured") == [
        "The images were not measured: No dynamic series in this study (2 series, both T2)."
    ]
    assert (answer.images, answer.measured, found.region, found.heatmap) == (None, (), None, None)


def test_a_bundle_that_measures_images_cannot_be_asked_by_hand() -> None:
    levels = {"er": "positive", "her2": "0", "t": "3"}

    with pytest.raises(InvalidInputError, match="ask a bundle of the clinical variant"):
        LnPcr().answer_levels(levels, a_network_model())
    assert LnPcr().answer_levels(levels, ImageModelDouble(0.4, None)).variant == "clinical"


def test_without_the_engine_the_clinic_answers_and_the_region_is_still_shown() -> None:
    found = ask(no_engine=True)

    assert found.answer.variant_reason == "Clinical: radiomics is not installed on the worker that answers"
    assert found.answer.images.region.voxels == 192
    assert {one.name for one in found.answer.measured} == {
        "volume", "longest_diameter", "median_enhancement", "median_ser",
    }  # fmt: skip
    assert found.region is not None
    assert found.heatmap is None


def test_a_region_the_engine_cannot_measure_falls_back_with_its_reason() -> None:
    answer = answered(engine=EngineDouble(trouble="is one voxel thick"))

    assert answer.variant == "clinical"
    assert "is one voxel thick" in answer.variant_reason


def test_a_feature_without_a_value_is_no_number() -> None:
    engine = EngineDouble(numbers={**FEATURES, "exponential_glcm_MCC": float("nan")})

    assert answered(engine=engine).variant_reason == "Clinical: exponential_glcm_MCC has no value in this region"


def test_a_bundle_the_worker_refused_falls_back_with_its_name() -> None:
    opened = {name: model for name, model in every().items() if name != "clinical_dlr"}
    answer = answered(opened=opened)

    assert answer.variant == "clinical_radiomics"
    assert answer.variant_reason.endswith("refused its bundle ln_pcr-clinical-dlr-double")


def test_where_no_bundle_measures_images_that_is_the_reason_and_no_flag_is_raised() -> None:
    answer = answered({"clinical": CLINICAL}, NO_SERIES)

    assert answer.variant_reason == "Clinical: no bundle that measures images is installed"
    assert flags(answer, "images_not_measured") == []


def test_without_any_variant_that_can_answer_the_question_is_not_analysed() -> None:
    answer = ask({"clinical_dlr": a_network_model()}, NO_SERIES).answer

    assert isinstance(answer, NotAnalysed)
    assert answer.reason is NotAnalysedReason.UNUSABLE_INPUT
    assert "No dynamic series" in answer.text


def test_a_mask_on_the_other_side_ends_the_question() -> None:
    trouble = ImageTrouble(ImageProblem.SIDE_CONFLICT, "The region lies in the right breast, the cancer in the left.")
    answer = ask(images=trouble).answer

    assert isinstance(answer, NotAnalysed)
    assert (answer.reason, answer.text) == (NotAnalysedReason.SIDE_CONFLICT, trouble.text)


def test_the_forest_answers_where_the_site_asks_for_it() -> None:
    model = a_network_model()
    answer = answered({"clinical_dlr": model}, imaging=ImagingPolicy(classifier="forest"))

    assert (model.rows[0][0], answer.variants[0].classifier) == ("forest", "forest")
    assert flags(answer, "classifier") == []


def test_a_bundle_without_a_forest_answers_by_logistic_regression_and_says_so() -> None:
    answer = answered({"clinical": CLINICAL}, imaging=ImagingPolicy(classifier="forest"))

    assert answer.variants[2].classifier == "logistic"
    assert "asks for the classifier forest" in flags(answer, "classifier")[0]


def test_variants_far_apart_are_flagged() -> None:
    models = {"clinical_dlr": a_network_model(0.9), "clinical_radiomics": ImageModelDouble(0.3)}

    (text,) = flags(answered(models), "variants_disagree")
    assert text.startswith("clinical_radiomics says 0.300, clinical_dlr 0.900")


def test_every_number_is_stated_with_unit_and_how_it_was_measured() -> None:
    found = {one.name: one for one in answered().measured}

    assert (found["volume"].value, found["volume"].unit) == (384.0, "mm3")
    assert found["exponential_glcm_MCC"].method == (
        "engine-double 1, preset A, 32 bins, z-score x 100, shift 300, 1x1x1 mm"
    )
    assert found["rad_score"].value == pytest.approx(RAD_SCORE)
    assert (found["dl_prob"].value, found["dl_prob"].unit) == (0.81, "1")
    assert found["dl_prob"].method.startswith("network double, network-double 1, float32, ln_pcr-clinical-dlr-double")
    assert 0 <= found["heat_inside"].value <= 1
    assert found["training_distance"].value == pytest.approx(abs(RAD_SCORE))


def test_which_images_were_measured_and_why_stands_in_the_answer() -> None:
    basis = answered().images

    assert basis is not None
    assert [(one.number, one.role, one.seconds) for one in basis.phases] == [
        (1, "pre", None), (2, "early", 118.0), (3, "late", 410.0),
    ]  # fmt: skip
    assert basis.region is not None
    assert (basis.region.origin, basis.region.voxels, basis.region.volume_mm3) == (RegionOrigin.SEG, 192, 384.0)
    assert basis.rejected[0].reason == "diffusion"


def test_the_heat_lies_around_the_region_in_the_patient() -> None:
    found = ask()
    heat, mask = found.heatmap, found.region
    peak = heat.grid.place(np.array(np.unravel_index(heat.voxels.argmax(), heat.voxels.shape), dtype=np.float64))
    places = mask.grid.place(np.argwhere(mask.bits).astype(np.float64))

    assert (float(heat.voxels.max()), float(heat.voxels.min())) == (1.0, 0.0)
    assert (peak >= places.min(axis=0) - 5).all()
    assert (peak <= places.max(axis=0) + 5).all()


def test_what_the_model_has_not_seen_is_said() -> None:
    narrow = replace(SEEN, ranges=(replace(SEEN.ranges[0], high=200.0),), manufacturers=("GE MEDICAL SYSTEMS",))
    model = a_network_model(imaging=ImagingContract(SCORE, None, narrow))
    texts = flags(answered({"clinical_dlr": model}), "outside_training")

    assert any("volume mm3 is 384" in text for text in texts)
    assert any("scanner of SIEMENS" in text for text in texts)


def test_another_engine_than_the_one_in_training_is_said() -> None:
    texts = flags(answered(engine=EngineDouble(version="engine-double 2")), "other_engine")

    assert texts == ["Features are measured with engine-double 2; the model was trained with engine-double 1."]


FAR = replace(SEEN, mean=(-9.0,))


@pytest.mark.parametrize(("limit", "refused"), [(0.0, False), (5.0, True), (20.0, False)])
def test_beyond_the_sites_distance_the_question_is_not_analysed_else_it_is_said(limit: float, refused: bool) -> None:
    models = {"clinical_dlr": a_network_model(imaging=ImagingContract(SCORE, None, FAR)), "clinical": CLINICAL}
    answer = ask(models, imaging=ImagingPolicy(refuse_distance=limit)).answer

    if refused:
        assert answer.reason is NotAnalysedReason.OUT_OF_DISTRIBUTION
        assert "this site answers up to 5" in answer.text
    else:
        assert any("seen: distance 9." in text for text in flags(answer, "outside_training"))


AUTOMATIC = some_images(region=replace(some_images().region, origin=RegionOrigin.AUTOMATIC, author=""))
CONFIRM = ImagingPolicy(AutomaticRegion.CONFIRM)


def test_an_automatic_region_waits_for_a_person_where_the_site_says_so() -> None:
    found = ask(images=AUTOMATIC, imaging=CONFIRM)

    assert isinstance(found.answer, RegionProposed)
    assert found.answer.text == (
        "an automatic region of 0.38 cm3, longest diameter 10 mm, slices 4 to 7 of 10, 42 mm to the left of the "
        "scanner's middle"
    )
    assert found.answer.region.voxels == 192
    assert found.region is not None


def test_a_region_somebody_drew_waits_for_nobody() -> None:
    assert isinstance(ask(imaging=CONFIRM).answer, Prediction)


def test_no_person_is_asked_where_no_bundle_needs_the_region() -> None:
    assert isinstance(ask({"clinical": CLINICAL}, AUTOMATIC, imaging=CONFIRM).answer, Prediction)


def test_a_confirmed_region_bears_the_name_of_who_confirmed_it() -> None:
    region = PinnedRegion(Artefact(ArtefactKind.REGION, "file:///x", "a" * 64), "dr-test", "functional tumour volume")
    basis = answered(images=AUTOMATIC, imaging=CONFIRM, region=region).images

    assert basis is not None
    assert basis.region is not None
    assert (basis.region.origin, basis.region.author) == (RegionOrigin.PERSON, "dr-test")


def test_her2_negative_is_read_as_low_too_with_the_same_numbers_of_the_images() -> None:
    inputs = tuple(replace(one, value="negative") if one.name == "her2" else one for one in some_pins().inputs)
    model = a_network_model()
    answer = answered({"clinical_dlr": model}, inputs=inputs)

    assert [one.label for one in answer.alternatives] == ["her2=low"]
    assert [row["dl_prob"] for _, row in model.rows] == [0.81, 0.81]
