"""Patches are judged by kind, and by patient where it comes to how sure the number is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.metrics import roc_curve as their_curve

from services.model_factory.handlers.patches.judging import judge_patches, roc_curve
from shared.pathology.patch_table import NON_TUMOUR, POSITIVE


def drawn(seed: int = 1) -> tuple[NDArray[np.int64], NDArray[np.float32], list[str]]:
    """Twenty patients of thirty patches, whose patches err together."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(20), 30)
    labels = np.where(np.arange(600) % 3 == 0, NON_TUMOUR, 1 + patient % 2).astype(np.int64)
    odds = rng.normal(size=(600, 3)) + np.eye(3)[labels] + 1.5 * rng.normal(size=(20, 3))[patient]
    return (
        labels,
        (np.exp(odds) / np.exp(odds).sum(1, keepdims=True)).astype(np.float32),
        [f"p{one}" for one in patient],
    )


def test_numbers_are_those_of_sklearn_and_carry_their_class_and_unit() -> None:
    labels, said, patients = drawn()

    found = judge_patches(labels, said, patients, np.random.default_rng(1), 200)

    tumour = labels != NON_TUMOUR
    her2, kind = found.metrics
    assert her2.estimate.value == pytest.approx(roc_auc_score(labels[tumour] == POSITIVE, said[tumour, POSITIVE]))
    assert kind.estimate.value == pytest.approx(roc_auc_score(tumour, 1 - said[:, NON_TUMOUR]))
    assert found.confusion == tuple(map(tuple, confusion_matrix(labels, said.argmax(1)).tolist()))
    assert (her2.positive_class, her2.unit, her2.n, found.patients) == ("her2_positive", "patch", 400, 20)


def test_the_interval_knows_that_patches_of_a_patient_are_alike() -> None:
    labels, said, patients = drawn()
    alone = [str(one) for one in range(600)]

    by_patient, by_patch = (
        judge_patches(labels, said, one, np.random.default_rng(1), 300).metrics[0].estimate for one in (patients, alone)
    )

    assert np.ptp(by_patient.interval) > 2 * np.ptp(by_patch.interval)


def test_the_curve_is_that_of_sklearn() -> None:
    labels, said, _ = drawn()
    event = labels == POSITIVE
    score = np.asarray(np.round(said[:, POSITIVE], 2), dtype=np.float64)

    curve = roc_curve(event, score)

    alarms, hits, _ = their_curve(event, score, drop_intermediate=False)
    assert [one.sensitivity for one in curve] == pytest.approx(np.interp(np.linspace(0, 1, 101), alarms, hits))
    assert (curve[-1].false_positive_rate, curve[-1].sensitivity) == (1, 1)


def test_without_both_classes_there_is_no_auc() -> None:
    labels, said, patients = drawn()

    with pytest.raises(ValueError, match="two events"):
        judge_patches(np.minimum(labels, 1), said, patients, np.random.default_rng(1), 10)
