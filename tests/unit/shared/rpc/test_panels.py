"""A panel as it travels to results."""

from __future__ import annotations

from shared.domain.study import Study
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.types.v1 import types_pb2 as types
from shared.testing.cases import a_study
from shared.testing.panels import a_panel, taken_back


def test_a_panel_and_the_word_that_it_is_gone_arrive_as_they_left() -> None:
    for panel in (a_panel(), taken_back()):
        assert from_message(to_message(panel, types.Study), Study) == panel


def test_a_study_arrives_without_a_panel() -> None:
    assert from_message(to_message(a_study(), types.Study), Study).panel is None
