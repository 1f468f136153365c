"""A bundle with a Cox model: the graph, the printed numbers and the golden outputs must be the same model."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.model_factory.formats.graph import cox_graph
from services.model_factory.handlers.seal_bundle import seal
from shared.bundles.catalog import Catalog
from shared.bundles.errors import BundleRefusedError
from shared.bundles.keys import TrustedKeys
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.risks import risk
from shared.predictors.hazards.values import model_values
from shared.predictors.models import HazardsModel, Model
from shared.testing.cox_model import GOLDEN_ROWS, lung_draft, lung_hazards, lung_inputs

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = TrustedKeys((("test.pem", KEY.public_key()),))
HAZARDS = lung_hazards()
RATIOS = [one.log_hazard_ratio for one in HAZARDS.columns]
CENTRES = [one.centre for one in HAZARDS.columns]
GRAPH = cox_graph("lung-test", RATIOS, CENTRES, [one.baseline_cumulative_hazard or 0.0 for one in HAZARDS.given])
Edit = Callable[[dict[str, Any]], None]


def nothing(_: dict[str, Any]) -> None:
    """Leave the draft as it is."""


def opened(folder: Path, edit: Edit = nothing, graph: bytes = GRAPH, *, ten_years: bool = True) -> Model:
    draft = lung_draft(ten_years=ten_years)
    edit(draft)
    (folder / draft["id"]).mkdir()
    for name, content in seal(draft, {"model.onnx": graph}, KEY.sign).items():
        (folder / draft["id"] / name).write_bytes(content)
    catalog = Catalog.load([folder], OURS)
    assert not catalog.problems
    return catalog.open("lung-test")


def test_a_cox_bundle_answers_for_both_horizons_and_shows_its_inputs_and_numbers(tmp_path: Path) -> None:
    model = opened(tmp_path)

    assert isinstance(model, HazardsModel)
    assert model.inputs == lung_inputs()
    assert model.hazards == HAZARDS
    features = columns(HAZARDS, model_values(model.inputs, GOLDEN_ROWS[0]))
    assert model.scores(features) == pytest.approx([risk(HAZARDS, one, features) for one in HAZARDS.given], abs=1e-14)
    assert model.score(features) == model.scores(features)[0]


def test_a_refused_horizon_has_no_output_and_keeps_its_reason(tmp_path: Path) -> None:
    graph = cox_graph("lung-test", RATIOS, CENTRES, [0.11])

    model = opened(tmp_path, graph=graph, ten_years=False)

    assert isinstance(model, HazardsModel)
    assert model.hazards
    assert [one.refused for one in model.hazards.horizons] == [
        "",
        "3 patients were still followed at 10 years; 10 are needed",
    ]
    assert len(model.scores(columns(model.hazards, model_values(model.inputs, GOLDEN_ROWS[0])))) == 1


@given(row=st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_the_graph_is_the_formula(row: list[float]) -> None:
    session = onnxruntime.InferenceSession(GRAPH, providers=["CPUExecutionProvider"])

    served = session.run(["probability"], {"features": np.array([row, CENTRES])})[0]

    lp = math.fsum(b * (x - c) for b, x, c in zip(RATIOS, row, CENTRES, strict=True))
    assert served.shape == (2, 2)
    assert served[0] == pytest.approx([1 - math.exp(-h * math.exp(lp)) for h in (0.11, 0.24)], abs=1e-13)
    assert served[1] == pytest.approx([1 - math.exp(-h) for h in (0.11, 0.24)], abs=1e-14)


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert cox_graph("lung-test", RATIOS, CENTRES, [0.11, 0.24]) == GRAPH


def test_a_graph_that_gives_another_second_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match="golden input endocrine_therapy_received=yes"):
        opened(tmp_path, graph=cox_graph("lung-test", RATIOS, CENTRES, [0.11, 0.25]))


def test_printed_numbers_that_are_not_the_graph_are_refused(tmp_path: Path) -> None:
    def other_ratio(draft: dict[str, Any]) -> None:
        draft["survival"]["terms"][2]["log_hazard_ratio"] = 0.52

    with pytest.raises(BundleRefusedError, match="printed Cox model and its graph disagree"):
        opened(tmp_path, other_ratio)


def test_a_golden_input_that_makes_other_features_is_refused(tmp_path: Path) -> None:
    def other_transform(draft: dict[str, Any]) -> None:
        draft["survival"]["terms"][2]["transform"] = "identity"

    with pytest.raises(BundleRefusedError, match="makes other features"):
        opened(tmp_path, other_transform)


def test_a_golden_input_outside_the_range_is_refused(tmp_path: Path) -> None:
    def narrow(draft: dict[str, Any]) -> None:
        draft["inputs"][1]["range"]["high"] = 11.0

    with pytest.raises(BundleRefusedError, match="outside the range the model has seen"):
        opened(tmp_path, narrow)


def _edit(*path: str | int, value: object) -> Edit:
    def change(draft: dict[str, Any]) -> None:
        place: Any = draft
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_edit("survival", "terms", 0, "feature", value="other"), "not the features"),
        (_edit("survival", "terms", 0, "input", value="age"), "which is no input"),
        (_edit("survival", "terms", 0, "transform", value="identity"), "does not fit its input"),
        (_edit("survival", "terms", 1, "transform", value="indicator"), "does not fit its input"),
        (_edit("survival", "terms", 0, "level", value="maybe"), "asks for the level 'maybe'"),
        (_edit("survival", "terms", 2, "input", value="hscrp"), "more than one column"),
        (_edit("survival", "horizons", 1, "years", value=5), "each later"),
        (_edit("survival", "horizons", 1, "baseline_cumulative_hazard", value=0.1), "falls"),
        (_edit("survival", "horizons", 0, "covariance", value=((1.0,),)), "not 6 x 6"),
        (_edit("survival", "horizons", 0, "refused", value="both"), "either a baseline"),
        (_edit("golden", 0, "outputs", value=()), "every output"),
        (_edit("golden", 0, "outputs", value=(0.5, 0.6)), "two probabilities"),
        (_edit("output", "favourable", value=True), "not favourable"),
        (_edit("inputs", 2, "range", "detection_limit", value=0.0), "limit of detection"),
        (_edit("inputs", 2, "range", "detection_limit", value=1e6), "limit of detection"),
    ],
)  # fmt: skip
def test_a_cox_model_that_does_not_fit_its_manifest_is_refused(edit: Edit, said: str) -> None:
    draft = lung_draft()
    edit(draft)

    with pytest.raises(ValidationError, match=said):
        seal(draft, {"model.onnx": GRAPH}, KEY.sign)


def test_a_model_that_answers_at_no_horizon_is_refused() -> None:
    draft = lung_draft(ten_years=False)
    draft["survival"]["horizons"] = draft["survival"]["horizons"][1:]

    with pytest.raises(ValidationError, match="no probability at any horizon"):
        seal(draft, {"model.onnx": GRAPH}, KEY.sign)
