"""One catalogue: named alike, documented, and with labels that nothing from outside can widen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shared.observability import metrics
from shared.observability.families import OTHER, CounterFamily, Label
from shared.observability.metrics import CATALOGUE, PREFIXES

README = Path(metrics.__file__).with_name("README.md").read_text()
UNITS = (
    "_total",
    "_seconds",
    "_bytes",
    "_messages",
    "_connections",
    "_wishes",
    "_studies",
    "_slides",
    "_cases",
    "_attempts",
    "_deliveries",
    "_notices",
    "_rows",
)


def test_every_metric_is_explained_in_the_readme_and_the_readme_explains_no_other() -> None:
    explained = re.findall(r"^\| `(oncorelay_\w+)` \|", README, re.MULTILINE)

    assert sorted(explained) == sorted(one.name for one in CATALOGUE)


def test_the_readme_names_the_labels_of_every_metric() -> None:
    for one in CATALOGUE:
        (row,) = re.findall(rf"^\| `{one.name}` \|(.*)$", README, re.MULTILINE)
        assert [f"`{label.name}`" in row for label in one.labels] == [True] * len(one.labels), one.name


def test_every_name_says_what_is_counted_in_which_unit() -> None:
    assert [one.name for one in CATALOGUE if not one.name.endswith(UNITS)] == []


def test_every_metric_is_shown_by_some_process() -> None:
    shown = tuple(prefix for prefixes in PREFIXES.values() for prefix in prefixes)

    assert [one.name for one in CATALOGUE if not one.name.startswith(shown)] == []


def test_a_value_from_outside_never_becomes_a_label() -> None:
    metrics.OBJECTS_REFUSED.add(cause="DOE^JANE")
    metrics.RPC_SECONDS.observe(0.1, method="/evil/DoeJane", code="OK")
    text = metrics.exposition("dicom_listener", "")[0] + metrics.exposition("results.serve", "")[0]

    assert b"DOE" not in text
    assert b"DoeJane" not in text
    assert f'cause="{OTHER}"'.encode() in text


def test_only_configured_labels_take_new_values() -> None:
    with pytest.raises(ValueError, match="fixed"):
        metrics.CAUSE.allow(["anything"])
    metrics.SINK.allow(["pacs"])
    assert metrics.SINK.value("pacs") == "pacs"


def test_what_has_not_happened_yet_stands_at_nought() -> None:
    metrics.start("inference")

    assert b'oncorelay_inference_orders_total{outcome="worker_died"} 0.0' in metrics.exposition("inference", "")[0]


def test_a_counter_with_a_closed_label_counts_what_it_knows() -> None:
    one = CounterFamily("oncorelay_test_total", "Of this test.", (Label("kind", frozenset({"a"})),))
    one.add(kind="a")
    one.add(kind="b")

    (family,) = [found for found in REGISTRY.collect() if found.name == "oncorelay_test"]
    assert {sample.labels["kind"]: sample.value for sample in family.samples if sample.name.endswith("_total")} == {
        "a": 1.0, OTHER: 1.0,
    }  # fmt: skip
