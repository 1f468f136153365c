"""PACS that refuse, stall or forget, spoken to over the wire (pynetdicom as their SCP)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from pynetdicom import AE, evt

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.formats.sr_source import COMPREHENSIVE_3D_SR
from shared.domain.errors import OncoRelayError, PermanentError, TemporaryError
from tests.integration.deliver.conftest import PACS_TITLE, Patient

pytestmark = pytest.mark.integration

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


@contextmanager
def archive(handlers: list[Any], *syntaxes: str, most: int = 10) -> Iterator[int]:
    """Run an SCP that offers ``syntaxes`` and answers by ``handlers``."""
    entity = AE(ae_title=PACS_TITLE)
    entity.maximum_associations = most
    for syntax in syntaxes:
        entity.add_supported_context(syntax)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def attempt(port: int, settings: Settings, patient: Patient) -> OncoRelayError:
    """Deliver once and return the error."""
    table = SinkSettings(name="pacs", kind="dicom-cstore", port=port, ae_title=PACS_TITLE, timeout_s=1)
    with ExitStack() as opened, pytest.raises(OncoRelayError) as caught:
        build_sink(settings, table, opened).deliver(patient.of(patient.findings.prediction()), ())
    return caught.value


def answering(status: int) -> Callable[[evt.Event], int]:
    return lambda _event: status


@pytest.mark.parametrize(
    ("status", "kind"),
    [(0xA700, TemporaryError), (0x0110, TemporaryError), (0xA900, PermanentError), (0xC000, PermanentError),
     (0x0124, PermanentError)],
)  # fmt: skip
def test_a_refused_store_is_told_apart(
    status: int, kind: type[OncoRelayError], settings: Settings, patient: Patient
) -> None:
    with archive([(evt.EVT_C_STORE, answering(status))], COMPREHENSIVE_3D_SR) as port:
        error = attempt(port, settings, patient)
    assert isinstance(error, kind)
    assert f"0x{status:04X}" in str(error)


def test_a_store_that_is_never_answered_is_temporary(settings: Settings, patient: Patient) -> None:
    hang = threading.Event()

    def stall(_event: evt.Event) -> int:
        hang.wait(20)
        return 0

    with archive([(evt.EVT_C_STORE, stall)], COMPREHENSIVE_3D_SR) as port:
        error = attempt(port, settings, patient)
        hang.set()
    assert isinstance(error, TemporaryError)


def test_success_that_is_not_found_is_not_delivered(settings: Settings, patient: Patient) -> None:
    handlers = [(evt.EVT_C_STORE, answering(0)), (evt.EVT_C_FIND, lambda _event: iter(()))]
    with archive(handlers, COMPREHENSIVE_3D_SR, FIND) as port:
        error = attempt(port, settings, patient)
    assert isinstance(error, TemporaryError)
    assert "does not find" in str(error)


def test_a_pacs_that_cannot_be_asked_says_what_to_configure(settings: Settings, patient: Patient) -> None:
    with archive([(evt.EVT_C_STORE, answering(0))], COMPREHENSIVE_3D_SR) as port:
        error = attempt(port, settings, patient)
    assert isinstance(error, PermanentError)
    assert "storage commitment" in str(error)


def test_a_pacs_that_takes_no_sr_is_permanent(settings: Settings, patient: Patient) -> None:
    with archive([], MR_IMAGE) as port:
        error = attempt(port, settings, patient)
    assert isinstance(error, PermanentError)
    assert "accepts none of the services" in str(error)


def test_a_pacs_that_is_full_is_temporary(settings: Settings, patient: Patient) -> None:
    holder = AE()
    holder.add_requested_context(COMPREHENSIVE_3D_SR)
    with archive([], COMPREHENSIVE_3D_SR, most=1) as port:
        held = holder.associate("127.0.0.1", port, ae_title=PACS_TITLE)
        assert held.is_established
        error = attempt(port, settings, patient)
        held.release()
    assert isinstance(error, TemporaryError)
    assert "for now" in str(error)
