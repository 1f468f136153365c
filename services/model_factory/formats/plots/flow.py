"""Flow diagram: who was in the sheet, who left and why, who stayed, and what they were used for."""

from __future__ import annotations

from collections.abc import Iterator

from services.model_factory.handlers.cohort.facts import CohortFacts
from shared.pictures.scene import Frame, Line, Part, Scene, Words, wrapped

_WIDTH, _BOX, _HIGH, _STEP = 560.0, 250.0, 38.0, 78.0
_SIDE = 300.0


def flow_scene(cohort: CohortFacts, learned: int, learned_events: int) -> Scene:
    """Return the diagram from the sheet to the patients the model learned from."""
    boxes = [(f"{one.remaining} {one.label if not n else 'remain'}", f"{one.events} with the event", one)
             for n, one in enumerate(cohort.flow)]  # fmt: skip
    parts: list[Part] = []
    y = 10.0
    for number, (head, below, one) in enumerate(boxes):
        if number:
            parts += _leaving(y - (_STEP - _HIGH), f"{one.excluded} left: {one.label}")
        parts += _box(10.0, y, head, below)
        y += _STEP
    parts += _arrow(y - (_STEP - _HIGH))
    parts += _box(10.0, y, f"{learned} to learn from", f"{learned_events} with {cohort.event_display.lower()}")
    others = cohort.patients - learned
    if others:
        held = cohort.events - learned_events
        parts += [Line(260, y + _HIGH / 2, _SIDE, y + _HIGH / 2, 1.0)]
        parts += _box(_SIDE, y, f"{others} held out", f"{held} with the event")
    said = "; ".join(f"{head}, {below}" for head, below, _ in boxes)
    description = f"Flow of patients: {said}; {learned} to learn from, {learned_events} events; {others} held out."
    return Scene(_WIDTH, y + _HIGH + 12, "Flow of patients", description, tuple(parts))


def _box(x: float, y: float, head: str, below: str) -> Iterator[Part]:
    yield Frame(x, y, _BOX, _HIGH, 1.0)
    yield Words(x + _BOX / 2, y + 16, head, 10.0, "middle", bold=True)
    yield Words(x + _BOX / 2, y + 30, below, 9.0, "middle")


def _arrow(y: float) -> Iterator[Part]:
    x, end = 10.0 + _BOX / 2, y + _STEP - _HIGH
    yield Line(x, y, x, end, 1.0)
    yield Line(x - 4, end - 6, x, end, 1.0)
    yield Line(x + 4, end - 6, x, end, 1.0)


def _leaving(y: float, text: str) -> Iterator[Part]:
    yield from _arrow(y)
    middle = y + (_STEP - _HIGH) / 2
    yield Line(10.0 + _BOX / 2, middle, 170.0, middle, 1.0)
    for number, line in enumerate(wrapped(text, 9.0, _WIDTH - 190)[:2]):
        yield Words(176.0, middle + 3 + 11 * number, line, 9.0)
