"""A Bundle taken apart."""

from __future__ import annotations

from typing import Any

import pytest

from services.lab_consumer.handlers.bundle import unpack
from services.lab_consumer.handlers.submission import Submission
from shared.codes import loinc
from shared.fhir.reading.refusal import MalformedError
from shared.testing.fhir_resources import ER, bundle, observation, patient


def entries(tree: dict[str, Any]) -> tuple[Any, ...]:
    return unpack(tree, "", 100).entries


def test_entries_keep_their_order_and_place() -> None:
    first, second = entries(bundle("batch", patient(), observation("er", ER, loinc.POSITIVE)))

    assert (first.source, second.source) == ("Patient/p1", "Observation/er")
    assert second.place == "Bundle.entry[1].resource"


def test_a_put_gives_its_id_to_a_resource_without_one() -> None:
    tree = bundle("batch", patient())
    del tree["entry"][0]["resource"]["id"]
    tree["entry"][0]["request"] = {"method": "PUT", "url": "Patient/p7"}

    assert entries(tree)[0].source == "Patient/p7"


def test_a_put_that_names_another_id_is_refused() -> None:
    tree = bundle("batch", patient())
    tree["entry"][0]["request"] = {"method": "PUT", "url": "Patient/p7"}

    assert isinstance(entries(tree)[0], MalformedError)


@pytest.mark.parametrize("method", ["GET", "PATCH", "HEAD"])
def test_reading_through_a_bundle_is_refused(method: str) -> None:
    tree = bundle("batch", patient())
    tree["entry"][0]["request"]["method"] = method

    assert entries(tree)[0].element == "Bundle.entry[0].request.method"


def test_one_bad_entry_does_not_hide_the_others() -> None:
    tree = bundle("batch", patient())
    tree["entry"].insert(0, "nonsense")

    bad, good = entries(tree)
    assert isinstance(bad, MalformedError)
    assert isinstance(good, Submission)


def test_only_a_transaction_is_atomic_and_only_a_history_runs_backwards() -> None:
    kinds = {kind: unpack(bundle(kind), "", 1) for kind in ("transaction", "batch", "history", "collection")}

    assert [kind for kind, row in kinds.items() if row.atomic] == ["transaction"]
    assert [kind for kind, row in kinds.items() if row.newest_first] == ["history"]
