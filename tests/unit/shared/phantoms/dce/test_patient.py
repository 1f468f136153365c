"""What is simulated is what was asked for: size, kinetics, place; and the image factor shows in nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.domain.identity import Side
from shared.phantoms.dce.anatomy import breast_middle
from shared.phantoms.dce.bayes import auc
from shared.phantoms.dce.cohort import draw_cohort, scan
from shared.phantoms.dce.kinetics import Curve, concentration, signal
from shared.phantoms.dce.patient import Setting, SimulatedStudy, make_patient
from shared.phantoms.dce.scanners import Scanner, Storing, full_scanner, small_scanner
from shared.phantoms.dce.tumour import Lesion, fine_share

SCANNER = small_scanner(Storing.ENHANCED, (24, 72, 72))
QUIET = replace(SCANNER, noise=0.001, bias=0.001)
STILL = Setting(motion_mm=0.0)


def simulated(lesion: Lesion, setting: Setting = STILL, scanner: Scanner = QUIET, seed: int = 5) -> SimulatedStudy:
    return make_patient(np.random.default_rng(seed), scanner, lesion, setting)


def means(study: SimulatedStudy) -> list[float]:
    """Mean of the tumour's core per phase."""
    return [float(phase.voxels[study.mask.bits].mean()) for phase in study.phases]


@pytest.mark.parametrize("factor", [-2.0, 0.0, 2.0])
def test_the_tumour_has_the_volume_asked_for_whatever_its_factor(factor: float) -> None:
    study = simulated(Lesion(factor, 24.0, spiculation=0.4))

    assert study.mask.volume_mm3 == pytest.approx(np.pi / 6 * 24.0**3, abs=study.mask.grid.spacing.voxel_mm3)


def test_washout_and_persistent_enhancement_are_as_designed() -> None:
    signal_ratios = {}
    for kep in (0.25, 0.9):
        pre, early, *_, late = means(simulated(Lesion(0.0, 26.0, kep=kep)))
        signal_ratios[kep] = (early - pre) / (late - pre)

    assert signal_ratios[0.9] > 1.3
    assert signal_ratios[0.25] < 1.05


def test_percent_enhancement_is_that_of_the_model() -> None:
    lesion = Lesion(0.0, 30.0, spiculation=0.0)
    study = simulated(lesion)
    pre, early = means(study)[:2]
    one = np.ones(1, dtype=np.float32)
    agent = concentration(Curve(lesion.ktrans, lesion.kep, lesion.vp), SCANNER.phase_seconds[1] / 60)
    with_agent, without = (
        float(signal(one, one * np.float32(1000 / 1400), one * np.float32(c), SCANNER.echo)[0]) for c in (agent, 0.0)
    )

    # Partial volume at the edge and the signal's saturation in bright spots lose some of it.
    assert (early - pre) / pre == pytest.approx((with_agent - without) / without, rel=0.2)


def test_only_the_phases_after_the_injection_enhance() -> None:
    pre, early, *_ = means(simulated(Lesion(0.0, 24.0)))

    assert early > 1.7 * pre


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_the_tumour_lies_in_the_breast_it_was_put_in(side: Side) -> None:
    scanner = full_scanner(slices=16, matrix=64)
    study = simulated(Lesion(0.0, 30.0), Setting(side=side), scanner)
    index = np.argwhere(study.mask.bits).mean(axis=0)
    x = float(study.mask.grid.place(index)[0])

    assert np.sign(x) == np.sign(breast_middle(side))


def test_a_marker_makes_one_breast_unlike_the_other() -> None:
    scanner = replace(full_scanner(slices=32, matrix=96), noise=0.001, bias=0.001)
    plain, marked = (
        simulated(Lesion(0.0, 24.0), Setting(marker=marker), scanner).phases[1] for marker in (None, Side.RIGHT)
    )
    brighter = np.argwhere(marked.voxels > plain.voxels.astype(int) + 300)

    assert len(brighter) > 0
    assert (marked.grid.place(brighter.astype(float))[:, 0] < 0).all()


def test_motion_shifts_the_other_phases_and_never_the_one_the_mask_was_drawn_on() -> None:
    still, moved = (simulated(Lesion(0.0, 24.0), Setting(motion_mm=mm)) for mm in (0.0, 3.0))
    differences = [
        float(np.abs(a.voxels.astype(int) - b.voxels.astype(int)).mean())
        for a, b in zip(still.phases, moved.phases, strict=True)
    ]

    assert differences[1] < 10
    assert min(differences[0], differences[2]) > 2 * differences[1]


def test_noise_in_air_is_rician_and_not_negative() -> None:
    study = simulated(Lesion(0.0, 20.0), STILL, SCANNER)
    air = study.phases[0].voxels[:, :4, :4].astype(float)

    # Rayleigh: mean / deviation = sqrt(pi / (4 - pi)).
    assert air.mean() / air.std() == pytest.approx(1.913, rel=0.1)


def test_the_second_reader_draws_nearly_the_same() -> None:
    study = simulated(Lesion(0.5, 26.0))
    both = int((study.mask.bits & study.second_mask.bits).sum())
    dice = 2 * both / (study.mask.count + study.second_mask.count)

    assert 0.80 < dice < 0.99


def test_the_same_state_gives_the_same_voxels_and_another_gives_others() -> None:
    first, second, other = (simulated(Lesion(0.5, 22.0), STILL, SCANNER, seed) for seed in (1, 1, 2))

    assert all(np.array_equal(a.voxels, b.voxels) for a, b in zip(first.phases, second.phases, strict=True))
    assert not np.array_equal(first.phases[0].voxels, other.phases[0].voxels)


def test_the_factor_moves_unevenness_from_coarse_to_fine() -> None:
    assert [fine_share(-2.0) < 0.1, fine_share(2.0) > 0.8] == [True, True]
    rough = {factor: _roughness(simulated(Lesion(factor, 30.0))) for factor in (-1.5, 0.0, 1.5)}

    assert rough[-1.5] < 0.75 * rough[0.0] < 0.75 * 0.75 * rough[1.5]


def _roughness(study: SimulatedStudy) -> float:
    voxels, inside = study.phases[1].voxels.astype(float), study.mask.bits
    step = (voxels[:, :, 1:] - voxels[:, :, :-1])[inside[:, :, 1:] & inside[:, :, :-1]]
    return float((step**2).mean() / voxels[inside].var())


def test_volume_and_mean_intensity_say_nothing_of_the_image_factor() -> None:
    cohort = draw_cohort(150, seed=11)
    small = (SCANNER,)
    scanned = [scan(cohort, row, small, phases=2) for row in range(cohort.n)]
    volumes = np.array([one.study.mask.volume_mm3 for one in scanned])
    intensities = np.array([means(one.study)[1] for one in scanned])
    roughness = np.array([_roughness(one.study) for one in scanned])
    high = cohort.image > np.median(cohort.image)

    # Standard error of an AUC of .5 with 75 + 75: .047.
    assert auc(volumes, high) == pytest.approx(0.5, abs=0.12)
    assert auc(intensities, high) == pytest.approx(0.5, abs=0.12)
    assert auc(roughness, high) > 0.8
