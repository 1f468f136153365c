"""Hostile inputs: no process dies, nothing is believed, and the next good input works at once."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.testing.listener_process import ListenerProcess
from tests.bench.hostile import measure
from tests.bench.hostility import pdu_mutants
from tests.bench.hostility.attack import Doors, Ending
from tests.bench.hostility.dicom_mutants import Seed, store
from tests.bench.load import dimse
from tests.bench.load.store_scu import EXPLICIT_LITTLE, MR_IMAGE, StoreScu
from tests.patients import require_peers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

BRIEF = settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_a_hundred_and_fifty_hostile_inputs_over_every_door(tmp_path: Path) -> None:
    require_peers()

    found = measure(tmp_path, cases=150, seed=7)

    assert found.crashed == []
    assert found.wrong == []
    assert found.silent == []
    assert found.cases == 150


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListenerProcess]:
    extra = "acse_timeout_s = 2.0\nnetwork_timeout_s = 2.0\nquiet_s = 2.0"
    running = ListenerProcess(tmp_path_factory.mktemp("hostile"), extra=extra, senders=("MODALITY",))
    running.start()
    yield running
    running.stop()


def doors(listener: ListenerProcess) -> Doors:
    return Doors(listener.port, 0, "", patience_s=8.0)


def assert_well(listener: ListenerProcess) -> None:
    assert listener.process is not None
    assert listener.process.poll() is None
    with StoreScu(listener.port) as association:
        assert association.exchange(3, dimse.echo_command(1)) == 0
        association.release()


FRAGMENTS = st.builds(
    lambda length, context, flags, content: struct.pack(">IBB", length, context, flags) + content,
    st.integers(0, 2**32 - 1) | st.integers(0, 64), st.sampled_from((0, 1, 3, 255)), st.integers(0, 255),
    st.binary(max_size=48),
)  # fmt: skip
PDUS = st.builds(
    dimse.pdu, st.integers(0, 9), st.binary(max_size=64) | FRAGMENTS,
    st.none() | st.integers(0, 80) | st.sampled_from((2**32 - 1, 2**31, 10**6)),
)  # fmt: skip


@BRIEF
@given(pdus=st.lists(PDUS, min_size=1, max_size=4), associated=st.booleans())
def test_any_conversation_ends_and_leaves_the_listener_well(
    listener: ListenerProcess, pdus: list[bytes], associated: bool
) -> None:
    talk = (pdu_mutants.REQUEST, *pdus) if associated else tuple(pdus)

    assert pdu_mutants.converse(doors(listener), talk).ending is not Ending.SILENT
    assert_well(listener)


ELEMENTS = st.recursive(
    st.builds(
        lambda group, element, vr, length, value: struct.pack("<HH2sH", group, element, vr, length) + value,
        st.sampled_from((0x0008, 0x0010, 0x0020, 0x0028, 0x7FE0, 0xFFFE)), st.integers(0, 0xFFFF),
        st.sampled_from((b"UI", b"LO", b"SQ", b"OW", b"UN", b"ZZ")), st.integers(0, 40) | st.just(0xFFFF),
        st.binary(max_size=40),
    ),
    lambda inner: st.builds(
        lambda rows, ends: struct.pack("<HH2sHI", 0x0040, 0x0275, b"SQ", 0, 0xFFFFFFFF)
        + b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + row for row in rows)
        + (struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) if ends else b""),
        st.lists(inner, max_size=3), st.booleans(),
    ),
    max_leaves=12,
)  # fmt: skip


@BRIEF
@given(elements=st.lists(ELEMENTS, max_size=6), uid=st.text(max_size=70))
def test_any_data_set_is_answered_and_leaves_the_listener_well(
    listener: ListenerProcess, elements: list[bytes], uid: str
) -> None:
    answer = store("any", Seed(MR_IMAGE, uid, EXPLICIT_LITTLE, b"".join(elements))).strike(doors(listener))

    assert answer.ending is not Ending.SILENT
    assert_well(listener)


@pytest.mark.parametrize(
    "start", [b"", b"\x01\x00", pdu_mutants.REQUEST[:-10], pdu_mutants.REQUEST + b"\x04\x00\x00\x00"]
)
def test_half_a_message_holds_no_place_for_long(listener: ListenerProcess, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=8) as wire:
        wire.sendall(start)
        while wire.recv(65536):
            pass  # the timeout of the socket fails the test

    assert_well(listener)
