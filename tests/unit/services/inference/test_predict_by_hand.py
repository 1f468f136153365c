"""The command line's question, and how its answer reads."""

from __future__ import annotations

import json

import pytest

from services.inference.adapters.bundles import WarmModels
from services.inference.formats.predictions import render_text, to_json
from services.inference.handlers.predict_by_hand import predict_from_command_line
from shared.bundles.catalog import Catalog, installed_catalog
from shared.domain.errors import InvalidInputError, NotFoundError

BUNDLE = "ln_pcr-clinical-published"
LEVELS = {"er": "positive", "her2": "0", "t": "3"}


def test_the_answer_is_one_line_of_json_with_event_complement_and_flags() -> None:
    tree = json.loads(json.dumps(to_json(predict_from_command_line(BUNDLE, LEVELS))))

    assert tree["positive_class"] == "axillary_pcr"
    assert tree["complement_class"] == "residual_nodal_disease"
    assert tree["probability"] + tree["complement"] == 1.0
    assert {"demonstration", "no_interval"} <= {flag["code"] for flag in tree["flags"]}
    assert tree["inputs"] == LEVELS


def test_the_text_names_both_probabilities_and_the_reading_under_low() -> None:
    text = render_text(predict_from_command_line(BUNDLE, {**LEVELS, "her2": "negative"}))

    assert "axillary_pcr: Pathologic complete response" in text
    assert "residual_nodal_disease: Residual nodal disease" in text
    assert "axillary_pcr if her2=low" in text
    assert "! Demonstration" in text


def test_an_answer_by_hand_says_that_nobody_checked_whether_the_model_applies() -> None:
    prediction = predict_from_command_line(BUNDLE, LEVELS)

    assert "was not checked" in prediction.flags[-1].text


def test_an_impossible_level_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(InvalidInputError, match="her2: must be one of 0, low, 3, negative; got '2'"):
        predict_from_command_line(BUNDLE, {**LEVELS, "her2": "2"})


def test_an_unknown_bundle_is_named() -> None:
    with pytest.raises(NotFoundError, match="no installed bundle nothing"):
        predict_from_command_line("nothing", LEVELS)


def test_a_warm_model_is_loaded_once() -> None:
    models = WarmModels(installed_catalog)
    digest = installed_catalog().find(BUNDLE).reference.digest

    assert models.open(BUNDLE, digest) is models.open(BUNDLE, digest)


def test_a_bundle_installed_later_is_found_without_a_restart() -> None:
    catalogs = iter([Catalog.load([], installed_catalog().keys), installed_catalog()])
    models = WarmModels(lambda: next(catalogs))
    digest = installed_catalog().find(BUNDLE).reference.digest

    assert models.open(BUNDLE, digest).reference.digest == digest
