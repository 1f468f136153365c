"""The published model against the paper's own numbers."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from services.model_factory.app import build_published, signing_key
from services.model_factory.handlers.published_ln_pcr import COUNTS, ODDS_RATIOS, mean_non_pcr, published_model
from shared.bundles.catalog import SHIPPED_BUNDLES, Catalog, installed_catalog
from shared.bundles.keys import TrustedKeys
from shared.domain.errors import InvalidInputError
from shared.predictors.ln_pcr.clinical import FEATURES, LEVELS, features

ROOT = Path(__file__).resolve().parents[4]
PAPER: dict[str, Any] = json.loads((ROOT / "tests/data/paper_000.json").read_text())
MODEL = published_model()
BUNDLE = "ln_pcr-clinical-published"
ROWS = [dict(zip(LEVELS, row, strict=True)) for row in product(*LEVELS.values())]


def test_the_odds_ratios_are_those_of_table_3() -> None:
    assert dict(ODDS_RATIOS) == PAPER["table_3_multivariable"]
    assert tuple(ODDS_RATIOS) == FEATURES


def test_the_marginals_are_both_columns_of_table_2() -> None:
    assert {name: dict(levels) for name, levels in COUNTS.items()} == {
        name: {level: sum(columns) for level, columns in levels.items()} for name, levels in PAPER["table_2"].items()
    }


@pytest.mark.parametrize("feature", FEATURES)
def test_table_3_models_the_216_without_pcr_because_table_2_gives_its_univariable_ratios_that_way(feature: str) -> None:
    name, _, level = feature.partition("_")
    reference = {"er": "negative", "her2": "0", "t": "1"}[name]
    (pcr, non_pcr), (pcr_0, non_pcr_0) = (PAPER["table_2"][name][one] for one in (level, reference))

    assert round(non_pcr * pcr_0 / (pcr * non_pcr_0), 2) == pytest.approx(
        PAPER["table_3_univariable"][feature], abs=0.011
    )


def test_the_mean_of_p_non_pcr_over_the_product_of_the_marginals_is_216_of_447() -> None:
    assert mean_non_pcr(MODEL) == pytest.approx(216 / 447, abs=1e-12)


def test_the_intercept_is_the_one_another_solver_finds() -> None:
    assert pytest.approx(PAPER["intercept"]["value"], abs=1e-12) == MODEL.intercept


def test_a_level_changes_the_odds_of_non_pcr_by_its_printed_ratio() -> None:
    base = {"er": "negative", "her2": "0", "t": "1"}
    odds = {row: math.exp(MODEL.log_odds({**base, **dict([row])})) for row in (("er", "positive"), ("her2", "3"))}
    reference = math.exp(MODEL.log_odds(base))

    assert odds["er", "positive"] / reference == pytest.approx(2.61, rel=1e-12)
    assert odds["her2", "3"] / reference == pytest.approx(0.48, rel=1e-12)


@pytest.mark.parametrize("levels", ROWS)
def test_the_shipped_graph_gives_p_pcr_in_double_precision(levels: dict[str, str]) -> None:
    served = installed_catalog().open(BUNDLE).score(features(levels))

    assert served == pytest.approx(MODEL.pcr(levels), abs=1e-14)
    assert served + MODEL.non_pcr(levels) == pytest.approx(1.0, abs=1e-14)


def test_the_shipped_bundle_is_what_the_builder_builds_apart_from_the_signature(tmp_path: Path) -> None:
    built = build_published(tmp_path, signing_key(None))

    for name in ("bundle.json", "card.md", "model.onnx"):
        assert (built / name).read_bytes() == (SHIPPED_BUNDLES / BUNDLE / name).read_bytes(), name


def test_a_built_bundle_is_served_under_the_key_written_beside_it(tmp_path: Path) -> None:
    key = signing_key(None)
    build_published(tmp_path, key)
    catalog = Catalog.load([tmp_path], TrustedKeys((("new.pem", key.public_key()),)))

    assert catalog.open(BUNDLE).outcome.positive_class == "axillary_pcr"
    assert (tmp_path / f"{BUNDLE}.pem").read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_no_private_key_is_left_behind(tmp_path: Path) -> None:
    build_published(tmp_path, signing_key(None))

    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()]


def test_a_bundle_is_never_changed_in_place(tmp_path: Path) -> None:
    build_published(tmp_path, signing_key(None))

    with pytest.raises(InvalidInputError, match="exists already"):
        build_published(tmp_path, signing_key(None))


def test_a_private_key_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("x")
    file.chmod(0o644)

    with pytest.raises(InvalidInputError, match="make it 0600"):
        signing_key(file)


def test_the_shipped_bundle_stays_far_below_15_mb() -> None:
    assert sum(path.stat().st_size for path in (SHIPPED_BUNDLES / BUNDLE).iterdir()) < 100_000
