"""The curve from around the tumour to its core: every mean at its place, nothing joined that was not seen."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.slide_answers import GradientPoint
from shared.pictures.caption import Caption
from shared.pictures.gradient import FEW, gradient_rows, gradient_scene
from shared.pictures.pdf import to_pdf
from shared.pictures.scene import Area, Curve, Dot, Ring, Scene, Words
from shared.pictures.svg import to_svg

WHAT = "probability of the class"
CAPTION = Caption("A slide", ("Patient 1",), "DEMONSTRATION", ("Confirm.",))
POINTS = tuple(
    GradientPoint(-500.0 + 200 * step, mean, patches)
    for step, (mean, patches) in enumerate(((0.1, 40), (0.3, 4), (0.6, 90), (0.2, 12), (0.9, 300)))
)


def drawn(points: tuple[GradientPoint, ...] = POINTS) -> Scene:
    return gradient_scene(points, CAPTION, WHAT)


def marks(scene: Scene) -> list[Dot | Ring]:
    return sorted((part for part in scene.parts if isinstance(part, Dot | Ring)), key=lambda part: part.x)


def test_every_mean_stands_at_its_distance_and_height_on_a_whole_axis() -> None:
    scene = drawn()
    labels = {part.text: part.y - 3 for part in scene.parts if isinstance(part, Words)}
    zero, one = labels["0.0"], labels["1.0"]
    assert [(zero - part.y) / (zero - one) for part in marks(scene)] == pytest.approx([row.mean for row in POINTS])
    steps = [other.x - part.x for part, other in pairwise(marks(scene))]
    assert steps == pytest.approx([steps[0]] * 4)


def test_few_patches_are_a_hollow_mark() -> None:
    assert [isinstance(part, Ring) for part in marks(drawn())] == [row.patches < FEW for row in POINTS]


def test_nothing_is_joined_across_a_distance_without_patches() -> None:
    def joins(points: tuple[GradientPoint, ...]) -> int:
        return sum(isinstance(part, Curve) for part in drawn(points).parts)

    assert joins(POINTS) == 4
    assert joins((*POINTS[:2], *POINTS[3:])) == 2


def test_each_bar_is_as_high_as_its_patches_and_names_them() -> None:
    scene = drawn()
    bars = [part for part in scene.parts if isinstance(part, Area)]
    heights = [part.points[0][1] - part.points[1][1] for part in bars]
    assert [height / max(heights) for height in heights] == pytest.approx([row.patches / 300 for row in POINTS])
    assert {str(row.patches) for row in POINTS} <= {part.text for part in scene.parts if isinstance(part, Words)}


def test_the_picture_says_in_words_what_it_shows() -> None:
    scene = drawn()
    assert scene.description.startswith("DEMONSTRATION A slide: mean probability of the class")
    assert gradient_rows(POINTS) in scene.description
    assert gradient_rows(POINTS).startswith("500 um outside: 0.100 (40 patches); 300 um outside: 0.300 (4 patches)")
    assert scene.description in to_svg(scene)


def test_the_order_of_the_points_does_not_matter_and_the_bytes_are_the_same_every_time() -> None:
    assert to_pdf(drawn()) == to_pdf(drawn(tuple(reversed(POINTS))))


@given(
    first=st.integers(-15, 14),
    rows=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 10**6)), min_size=1, max_size=30),
    step=st.sampled_from([200.0, 256.0, 515.0]),
)
def test_no_two_texts_touch_and_none_leaves_the_page(first: int, rows: list[tuple[float, int]], step: float) -> None:
    kept = rows[: int(3000 / step) - min(first, 0)]
    points = tuple(GradientPoint((first + place + 0.5) * step, *row) for place, row in enumerate(kept))
    scene = drawn(points)
    texts = [part for part in scene.parts if isinstance(part, Words)]
    for one in texts:
        assert one.left >= 0
        assert one.left + one.width <= scene.width, one.text
    for one, other in combinations(texts, 2):
        beside = one.left + one.width <= other.left or other.left + other.width <= one.left
        upper, lower = sorted((one, other), key=lambda text: text.y)
        apart = lower.y - 0.75 * lower.size >= upper.y + 0.22 * upper.size  # ascent and descent of Helvetica
        assert beside or apart, (one.text, other.text)
