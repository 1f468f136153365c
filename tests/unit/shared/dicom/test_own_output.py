"""Our own objects are recognised by any of three marks, and nobody else's are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydicom.dataset import Dataset

from shared.dicom.fingerprint import fingerprint
from shared.dicom.header import Header
from shared.dicom.own_output import is_own_output
from shared.dicom.part10 import data_set_start
from shared.testing.dicom import encoded, small_series

DEVICE = "1.2.826.0.1.3680043.10.1490.0.1"
FOREIGN = Header("1.2", "1.2.3", "1.2.4", "1.2.5", manufacturer="PHANTOM", device_uid="1.9", instance_creator_uid="1.8")


@pytest.mark.parametrize(
    "mark",
    [
        {"instance_creator_uid": DEVICE},
        {"manufacturer": "OncoRelay", "device_uid": DEVICE},
        {"observers": ("1.2.3", DEVICE)},
    ],
)
def test_each_mark_suffices(mark: dict[str, Any]) -> None:
    assert is_own_output(replace(FOREIGN, **mark), DEVICE)


@pytest.mark.parametrize(
    "mark",
    [{}, {"manufacturer": "OncoRelay"}, {"device_uid": DEVICE}, {"manufacturer": "OncoRelay", "device_uid": "1"}],
)
def test_anything_less_is_not_ours(mark: dict[str, Any]) -> None:
    assert not is_own_output(replace(FOREIGN, **mark), DEVICE)


def test_the_device_observer_of_an_sr_is_found() -> None:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.UID = "HAS OBS CONTEXT", "UIDREF", DEVICE
    report = small_series(1)[0]
    report.ContentSequence = [item]
    data = memoryview(encoded(report))

    assert fingerprint(data, start=data_set_start(data), implicit=False).header.observers == (DEVICE,)
