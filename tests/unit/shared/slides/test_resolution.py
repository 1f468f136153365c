"""The metadata gate lets a resolution pass that everything agrees on, and guesses none."""

from __future__ import annotations

import math

import pytest

from shared.domain.slides import PyramidLevel, ReadBy, Resolution, ResolutionSource, Scanner
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.port import SlideDescription, StatedResolution
from shared.slides.resolution import OperatorsValue, gated

OPERATOR = OperatorsValue(0.25, "Dr. A. Example")


def _stating(*um: float, power: float | None = None, anisotropy: float = 0.0) -> SlideDescription:
    stated = tuple(
        StatedResolution(one, one * (1 + anisotropy), ResolutionSource.VENDOR, f"key {number}")
        for number, one in enumerate(um)
    )
    level = PyramidLevel(1000, 800, 1.0)
    return SlideDescription("x", 1000, 800, (level,), stated, power, Scanner(), ReadBy("x"), False, ())


def _problem(found: Resolution | SlideTrouble) -> SlideProblem | None:
    return found.problem if isinstance(found, SlideTrouble) else None


def test_what_two_keys_agree_on_passes_and_the_first_is_taken() -> None:
    found = gated(_stating(0.25, 0.251, power=40.0))
    assert found == Resolution(0.25, 0.25, ResolutionSource.VENDOR, objective_power=40.0)


@pytest.mark.parametrize("um", [0.00499, 0.0999, 254.0, math.inf, math.nan])
def test_no_scanner_has_such_a_resolution(um: float) -> None:
    assert _problem(gated(_stating(um))) is SlideProblem.RESOLUTION_IMPLAUSIBLE


@pytest.mark.parametrize(("um", "coarsest"), [(28.97, 2.0), (2.1, 2.0), (2.1, 5.0), (1.1, 1.0)])
def test_a_coarse_slide_is_too_low_and_no_person_makes_it_finer(um: float, coarsest: float) -> None:
    found = gated(_stating(um), operator=OPERATOR, coarsest_um=coarsest)
    assert _problem(found) is SlideProblem.RESOLUTION_TOO_LOW


def test_a_coarse_level_of_a_fine_scan_is_too_low_and_not_at_odds_with_its_objective() -> None:
    assert _problem(gated(_stating(8.0, power=40.0))) is SlideProblem.RESOLUTION_TOO_LOW


@pytest.mark.parametrize(("anisotropy", "passes"), [(0.0499, True), (0.0501, False), (-0.06, False)])
def test_pixels_are_almost_square(anisotropy: float, passes: bool) -> None:
    found = gated(_stating(0.5, anisotropy=anisotropy))
    assert _problem(found) is (None if passes else SlideProblem.RESOLUTION_IMPLAUSIBLE)


@pytest.mark.parametrize(("other", "passes"), [(0.52, True), (0.53, False), (0.25, False), (0.00499, False)])
def test_statements_that_contradict_each_other_are_refused(other: float, passes: bool) -> None:
    found = gated(_stating(0.5, other))
    assert _problem(found) is (None if passes else SlideProblem.RESOLUTION_IMPLAUSIBLE)


@pytest.mark.parametrize(
    ("um", "power", "passes"),
    [
        (0.2525, 40.0, True), (0.499, 20.0, True), (0.234, 20.0, True), (0.22, 20.0, True), (1.0, 10.0, True),
        (0.5, 40.0, False), (1.0, 20.0, False), (0.15, 20.0, False), (0.25, 5.0, False),
    ],
)  # fmt: skip
def test_resolution_and_objective_go_together(um: float, power: float, passes: bool) -> None:
    found = gated(_stating(um, power=power))
    assert _problem(found) is (None if passes else SlideProblem.RESOLUTION_IMPLAUSIBLE)


def test_nothing_stated_is_unknown_and_never_guessed_from_the_objective() -> None:
    assert _problem(gated(_stating(power=40.0))) is SlideProblem.RESOLUTION_UNKNOWN


@pytest.mark.parametrize("stated", [(), (0.00499,), (0.5, 0.25)])
def test_a_person_is_asked_where_the_file_states_nothing_usable(stated: tuple[float, ...]) -> None:
    found = gated(_stating(*stated), operator=OPERATOR)
    assert found == Resolution(0.25, 0.25, ResolutionSource.OPERATOR, "Dr. A. Example")


def test_a_person_does_not_overrule_a_file_that_is_sound() -> None:
    found = gated(_stating(0.5), operator=OPERATOR)
    assert isinstance(found, Resolution)
    assert (found.x, found.source, found.stated_by) == (0.5, ResolutionSource.VENDOR, "")


@pytest.mark.parametrize(
    "operator", [OperatorsValue(0.25, " "), OperatorsValue(0.00499, "A"), OperatorsValue(250.0, "A")]
)
def test_a_value_without_a_name_or_sense_is_not_taken(operator: OperatorsValue) -> None:
    assert _problem(gated(_stating(), operator=operator)) in {
        SlideProblem.RESOLUTION_UNKNOWN, SlideProblem.RESOLUTION_IMPLAUSIBLE,
    }  # fmt: skip


def test_a_persons_value_is_held_against_the_objective_and_the_coarsest_too() -> None:
    assert _problem(gated(_stating(power=40.0), operator=OperatorsValue(0.5, "A"))) is (
        SlideProblem.RESOLUTION_IMPLAUSIBLE
    )
    assert _problem(gated(_stating(), operator=OperatorsValue(1.5, "A"), coarsest_um=1.0)) is (
        SlideProblem.RESOLUTION_TOO_LOW
    )
