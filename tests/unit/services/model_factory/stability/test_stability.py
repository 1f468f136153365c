from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from services.model_factory.app.stability import report_stability
from services.model_factory.handlers.stability.alterations import alterations
from services.model_factory.handlers.stability.assessing import FeatureStability, assessed
from services.model_factory.handlers.stability.measuring import AlteredFeatures, altered_features
from shared.domain.images import RegionOrigin
from shared.imaging.dynamic import DynamicChoice
from shared.imaging.region import BreastImages, Region
from shared.imaging.volume import Mask, Volume
from shared.phantoms.dce.cohort import draw_cohort
from shared.phantoms.dce.writing import write_cohort
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.engine import required_engine
from tests.mri import ball
from tests.unit.services.model_factory.training.small import Quiet

SETTINGS = RadiomicsSettings()
MEAN, VOLUME = "original_firstorder_Mean", "original_shape_VoxelVolume"


def images(*, late: bool = False, second: bool = False) -> BreastImages:
    volume, mask = ball()
    region = Region(mask, RegionOrigin.SEG, "drawn")
    later = Volume(volume.voxels * 2, volume.grid) if late else None
    other = Mask(np.roll(mask.bits, 1, axis=2), mask.grid) if second else None
    return BreastImages(DynamicChoice((), "the only one"), volume, region, late=later, second_reader=other)


def test_region_bins_and_voxels_are_altered_one_at_a_time() -> None:
    made = list(alterations(images(), SETTINGS))

    assert (made[0].name, made[0].kind) == ("as_it_is", "as it is")
    assert {one.kind for one in made[1:]} == {"region", "bins", "resampling"}
    assert len({one.name for one in made}) == len(made)
    for one in made[1:]:
        changed = [(one.mask.bits != made[0].mask.bits).any(), one.settings != SETTINGS, one.image is not made[0].image]
        assert sum(map(bool, changed)) == 1, one.name


def test_a_late_phase_and_a_second_reader_are_used_where_there_are_any() -> None:
    made = {one.name: one for one in alterations(images(late=True, second=True), SETTINGS)}

    assert (made["late_phase"].kind, made["second_reader"].kind) == ("phase", "reader")
    assert made["late_phase"].image.voxels.mean() > made["as_it_is"].image.voxels.mean()


def test_bins_of_a_width_are_altered_by_their_width_and_nothing_is_resampled_that_was_not() -> None:
    settings = RadiomicsSettings(bin_width=20.0, bin_count=None, resampled_mm=None)

    names = [one.name for one in alterations(images(), settings)]

    assert {"bin_width_times_0.5", "bin_width_times_2"} <= set(names)
    assert not any("voxels_times" in name for name in names)


def test_an_alteration_that_leaves_nothing_measurable_has_no_value() -> None:
    volume, mask = ball()
    bits = np.zeros_like(mask.bits)
    bits[8:10, 8:11, 8:11] = True
    small = BreastImages(DynamicChoice((), ""), volume, Region(Mask(bits, mask.grid), RegionOrigin.SEG, "drawn"))

    found = {one.alteration: one.values for one in altered_features(small, required_engine(), SETTINGS, (MEAN,))}

    assert math.isfinite(found["as_it_is"][0])
    assert math.isfinite(found["grown_by_1_voxels"][0])
    assert "grown_by_-1_voxels" not in found or math.isnan(found["grown_by_-1_voxels"][0])


def patient(plain: float, altered: float) -> tuple[AlteredFeatures, ...]:
    return (
        AlteredFeatures("as_it_is", "as it is", (plain, plain)),
        AlteredFeatures("grown", "region", (altered, -plain)),
    )


def rows(altered: list[float], event: list[bool]) -> list[FeatureStability]:
    patients = [patient(float(place), value) for place, value in enumerate(altered)]
    return list(assessed(("a", "b"), patients, np.array(event)))


def test_agreement_is_one_where_nothing_changes_and_low_where_a_feature_turns_round() -> None:
    same, turned = rows([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [False] * 3 + [True] * 3)

    assert same.agreement is not None
    assert (same.agreement.value, same.stable, same.auc) == (1.0, True, 1.0)
    assert same.change is not None
    assert same.change.value == 0.0
    assert turned.agreement is not None
    assert (turned.agreement.value < 0, turned.stable) == (True, False)
    assert turned.change is not None
    assert turned.change.value == -1.0


def test_a_feature_that_is_low_where_the_event_happens_is_turned_before_its_auc_is_compared() -> None:
    found, _ = rows([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [True] * 3 + [False] * 3)

    assert found.auc == 1.0


def test_patients_without_a_value_are_left_out_and_counted_and_too_few_give_no_icc() -> None:
    some, _ = rows([0.0, 1.0, math.nan, 3.0, 4.0, 5.0], [False] * 3 + [True] * 3)
    few, _ = rows([0.0, 1.0, math.nan], [False, True, True])

    assert some.patients == 5
    assert (few.patients, few.agreement, few.auc) == (2, None, None)


def test_a_cohort_with_images_becomes_a_report(tmp_path: Path) -> None:
    manifest = write_cohort(draw_cohort(3, 5), tmp_path / "cohort", phases=3, one_done=lambda: None)

    text = report_stability(manifest, tmp_path / "out", (MEAN, VOLUME), None, 2, Quiet())

    tree = json.loads((tmp_path / "out" / "stability.json").read_text())
    assert text == (tmp_path / "out" / "stability.txt").read_text()
    assert "Stability of 2 features, ln-pcr-simulated" in text
    assert {row["kind"] for row in tree["rows"]} >= {"region", "bins", "resampling", "phase", "reader", "automatic"}
    bins = [row for row in tree["rows"] if row["kind"] == "bins"]
    assert all(row["stable"] for row in bins), "neither the mean nor the volume knows bins"


def test_the_text_counts_where_there_are_too_many_features_to_name(tmp_path: Path) -> None:
    from services.model_factory.formats.stability_report import StabilityReport, stability_text

    many = [FeatureStability(f"f{n}", "grown", "region", 9, None, None, None, None) for n in range(40)]

    left = (("no_region", 2),)
    text = stability_text(StabilityReport("ours", "axillary_pcr", "engine 1", "0" * 64, 9, left, tuple(many)))

    assert "grown (region; 9 patients): 0 of 40 stable" in text
    assert "not measured, no region: 2" in text
    assert "f17" not in text
