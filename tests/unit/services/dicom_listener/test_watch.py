"""When an association counts as having brought all it had."""

from __future__ import annotations

import pytest

from services.dicom_listener.handlers.watch import StudyWatch, Watched


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def watch(ticks: Ticks) -> StudyWatch:
    return StudyWatch(ticks)


def _only(watch: StudyWatch) -> Watched:
    (watched,) = watch.watched()
    return watched


def _bring(watch: StudyWatch, association: int, *, released: bool = True) -> None:
    watch.opened(association, "PACS")
    watch.arrived(association, "1.2")
    watch.ended(association, released=released)


def test_a_study_is_open_while_an_association_brings_it(watch: StudyWatch) -> None:
    watch.opened(1, "PACS")
    watch.arrived(1, "1.2")

    assert _only(watch) == Watched("1.2", "PACS", open=True, clean=True, silent_s=0.0)


def test_an_association_that_brought_nothing_is_not_watched(watch: StudyWatch) -> None:
    watch.opened(1, "PACS")
    watch.ended(1, released=True)

    assert watch.watched() == ()


def test_silence_counts_from_the_end_of_the_association(watch: StudyWatch, ticks: Ticks) -> None:
    watch.opened(1, "PACS")
    watch.arrived(1, "1.2")
    ticks.now += 30
    watch.ended(1, released=True)
    ticks.now += 2

    assert _only(watch).silent_s == 2.0


def test_a_cut_association_spoils_the_evidence(watch: StudyWatch) -> None:
    _bring(watch, 1, released=False)

    assert not _only(watch).clean


def test_a_refused_object_spoils_the_evidence(watch: StudyWatch) -> None:
    watch.opened(1, "PACS")
    watch.refused(1)
    watch.arrived(1, "1.2")
    watch.ended(1, released=True)

    assert not _only(watch).clean


def test_a_later_association_in_order_restores_the_evidence(watch: StudyWatch, ticks: Ticks) -> None:
    _bring(watch, 1, released=False)
    ticks.now += 1
    _bring(watch, 2)

    assert _only(watch).clean


def test_an_association_that_was_open_during_the_cut_does_not(watch: StudyWatch, ticks: Ticks) -> None:
    watch.opened(2, "PACS")
    watch.arrived(2, "1.2")
    ticks.now += 1
    _bring(watch, 1, released=False)
    watch.ended(2, released=True)

    assert not _only(watch).clean


def test_a_resumed_study_is_not_clean(watch: StudyWatch) -> None:
    watch.resume("1.2", "PACS")

    assert not _only(watch).clean


def test_settling_ends_the_watch(watch: StudyWatch) -> None:
    _bring(watch, 1)

    assert watch.settle(_only(watch))
    assert watch.watched() == ()


def test_a_study_that_grew_while_it_was_judged_is_not_settled(watch: StudyWatch, ticks: Ticks) -> None:
    _bring(watch, 1)
    ticks.now += 5
    seen = _only(watch)
    _bring(watch, 2)

    assert not watch.settle(seen)
    assert len(watch.watched()) == 1


def test_a_study_put_back_keeps_its_evidence_and_waits_anew(watch: StudyWatch, ticks: Ticks) -> None:
    _bring(watch, 1)
    ticks.now += 5
    judged = _only(watch)
    watch.settle(judged)

    watch.put_back(judged)

    assert (_only(watch).clean, _only(watch).silent_s) == (True, 0)


def test_a_study_that_grew_before_it_was_put_back_is_watched_as_it_is_now(watch: StudyWatch) -> None:
    _bring(watch, 1)
    judged = _only(watch)
    watch.settle(judged)
    watch.opened(2, "PACS")
    watch.arrived(2, "1.2")

    watch.put_back(judged)

    assert _only(watch).open


def test_an_association_that_began_after_a_cut_one_heals_it_in_whatever_order_they_are_heard(
    watch: StudyWatch, ticks: Ticks
) -> None:
    watch.opened(1, "PACS", at=10.0)
    watch.opened(2, "PACS", at=20.0)
    watch.arrived(2, "1.2", at=21.0)
    watch.arrived(1, "1.2", at=11.0)
    watch.ended(2, released=True, at=22.0)
    watch.ended(1, released=False, at=12.0)

    assert _only(watch) == Watched("1.2", "PACS", open=False, clean=True, silent_s=ticks() - 22.0)


def test_an_association_that_began_before_the_cut_heals_nothing(watch: StudyWatch) -> None:
    watch.opened(1, "PACS", at=10.0)
    watch.opened(2, "PACS", at=11.0)
    watch.arrived(1, "1.2", at=12.0)
    watch.arrived(2, "1.2", at=12.0)
    watch.ended(1, released=False, at=13.0)
    watch.ended(2, released=True, at=14.0)

    assert not _only(watch).clean
