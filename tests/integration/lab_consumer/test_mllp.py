"""The MLLP door and its peers: python-hl7 and hl7apy, and senders that burst, stall, cut, flood and lie."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hl7
import hl7.mllp
import pytest
from hl7apy.core import Message as ApyMessage
from hl7apy.parser import parse_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.facts import FactName
from shared.domain.identity import PatientIdentity
from shared.hl7.mllp import framed
from shared.testing.authority import Authority
from shared.testing.hl7_messages import header, merge, message, obr, obx, oru, pid
from shared.testing.ports import free_port
from tests.bench.hostility import hl7_mutants
from tests.integration.lab_consumer.conftest import ListeningResults, Running, make_settings, open_doors

pytestmark = pytest.mark.integration

MRN1 = PatientIdentity("hospital", "MRN1")
OPEN: dict[str, Any] = {"mllp_port": 0, "mllp_max_message_bytes": 50_000, "mllp_message_timeout_s": 1.0}
Opener = Callable[..., Running]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Open a lab consumer with an MLLP door."""
    stack: list[Any] = []

    def open_one(**more: Any) -> Running:
        address, results = f"127.0.0.1:{free_port()}", ListeningResults()
        listening = results.start(address)
        doors = open_doors(make_settings(tmp_path, address, **{**OPEN, **more}), results)
        stack.extend((doors, listening))
        return next(doors)

    yield open_one
    for one in stack:
        with suppress(StopIteration):
            next(one) if isinstance(one, Iterator) else one.stop(None).wait()


@pytest.fixture
def lab(opened: Opener) -> Running:
    return opened()


class Sender:
    """A socket that speaks MLLP as badly as a test wants."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0))
        self._heard = b""

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *contents: bytes) -> None:
        self.socket.sendall(b"".join(framed(content) for content in contents))

    def answers(self, count: int) -> list[str]:
        """Return MSA-1 and MSA-2 of so many answers."""
        found: list[bytes] = []
        while len(found) < count:
            *whole, self._heard = self._heard.split(b"\x1c\r")
            found += whole
            if len(found) < count:
                received = self.socket.recv(65536)
                if not received:
                    break
                self._heard += received
        return [said(answer.decode()) for answer in found]

    def rest(self) -> bytes:
        """Return what comes until the door closes."""
        content, self._heard = self._heard, b""
        with suppress(ConnectionError):
            while received := self.socket.recv(65536):
                content += received
        return content


def said(answer: str) -> str:
    fields = next(line for line in answer.split("\r") if line.startswith("MSA")).split("|")
    return " ".join(fields[1:3])


def values(lab: Running, identifier: str = "MRN1") -> list[str]:
    return [fact.value for fact in lab.facts(identifier).named(FactName.NEUTROPHILS)]


def assert_well(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as sender:
        sender.send(oru(control="WELL"))
        assert sender.answers(1) == ["AA WELL"]


async def converse(port: int, *contents: bytes, **tls: Any) -> list[str]:
    """Send with python-hl7's client, one after the other; return the answers as it writes them."""
    reader, writer = await hl7.mllp.open_hl7_connection("127.0.0.1", port, encoding="utf-8", **tls)
    found = []
    for content in contents:
        writer.writemessage(hl7.parse(content.decode()))
        await writer.drain()
        found.append(str(await asyncio.wait_for(reader.readmessage(), 20)))
    writer.close()
    await writer.wait_closed()
    return found


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1"])
def test_python_hl7_sends_and_hl7apy_judges_the_answers(lab: Running, version: str) -> None:
    good = message(header("P1", version=version), pid(), obr(), obx())
    bad = message(header("P2", version=version), pid(), obr("F2"), obx(unit="K/uL^^UCUM"), obx(status="?", number=2))
    foreign = message(header("P3", kind="ADT^A08", version=version), pid())
    answers = asyncio.run(converse(lab.service.mllp_port, good, bad, foreign))

    assert [said(answer) for answer in answers] == ["AA P1", "AE P2", "AR P3"]
    assert values(lab) == ["2.5"]
    for answer in answers:
        judged = parse_message(answer, find_groups=False)
        assert version == "2.3" or judged.validate()  # hl7apy looks structures up by MSH-9.3, which 2.3 has not
        assert (judged.version, judged.msh.msh_5.to_er7()) == (version, "LAB")


def test_hl7apy_writes_and_python_hl7_reads_the_answer(lab: Running) -> None:
    made = ApyMessage("ORU_R01", version="2.5.1")
    made.msh = header("APY-1")
    group = made.add_group("ORU_R01_PATIENT_RESULT")
    group.add_group("ORU_R01_PATIENT").pid = pid()
    order = group.add_group("ORU_R01_ORDER_OBSERVATION")
    order.obr = obr()
    order.add_group("ORU_R01_OBSERVATION").obx = obx("3.25")
    with Sender(lab.service.mllp_port) as sender:
        sender.socket.sendall(made.to_mllp().encode())
        content = sender.socket.recv(65536)

    answer = hl7.parse(content.strip(b"\x0b\x1c\r").decode())
    assert [str(answer.segment("MSA")[number]) for number in (1, 2)] == ["AA", "APY-1"]
    assert values(lab) == ["3.25"]


def test_a_burst_is_answered_message_by_message_in_order(lab: Running) -> None:
    burst = [oru(obx(f"{number}.5"), control=f"B{number}", sent=f"202601101200{number:02}") for number in range(40)]
    with Sender(lab.service.mllp_port) as sender:
        sender.send(*burst)
        assert sender.answers(40) == [f"AA B{number}" for number in range(40)]

    assert values(lab) == ["39.5"]


def test_a_correction_after_the_fact_was_told_is_told_again(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as sender:
        sender.send(oru())
        lab.results.wait_for(1)
        sender.send(oru(obx("3.5", status="C"), control="M2", sent="20260111120000"))
        told = lab.results.wait_for(2)
        sender.send(oru(obx("", status="W"), control="M3", sent="20260112120000"))
        lab.results.wait_for(3)

    assert [identity for _, identity in told] == [MRN1, MRN1]
    assert values(lab) == []


def test_a_merge_by_message_moves_the_facts(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as sender:
        sender.send(oru(), merge("MRN1", "MRN2"))
        assert sender.answers(2) == ["AA M1", "AA A1"]

    assert (values(lab), values(lab, "MRN2")) == ([], ["2.5"])


def test_who_stalls_is_told_and_closed_and_holds_up_nobody(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as slow:
        slow.socket.sendall(b"\x0b" + oru(control="SLOW")[:150])
        assert_well(lab)

        assert slow.answers(1) == ["AE SLOW"]
        assert slow.rest() == b""


def test_a_message_that_drips_has_one_time_in_all(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as slow:
        content, at, answered = b"\x0b" + oru(control="DRIP"), 0, threading.Event()

        def drip() -> None:
            nonlocal at
            with suppress(OSError):
                while not answered.wait(0.2):
                    slow.socket.sendall(content[at : at + 1])
                    at += 1

        dripping = threading.Thread(target=drip)
        dripping.start()
        heard = slow.answers(1)
        answered.set()
        dripping.join()

    assert at < len(content)
    assert heard == ["AE "]  # not even MSH-10 had come


def test_a_message_cut_in_the_middle_leaves_nothing_and_counts_when_it_comes_whole(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as sender:
        sender.socket.sendall(b"\x0b" + oru()[:-20])
    with Sender(lab.service.mllp_port) as sender:
        sender.socket.sendall(b"\x0b" + oru()[:-40])  # and begun anew
        sender.send(oru())
        assert sender.answers(1) == ["AA M1"]

    assert values(lab) == ["2.5"]


def test_the_same_message_over_another_connection_is_the_same_message(lab: Running) -> None:
    for _ in range(2):
        with Sender(lab.service.mllp_port) as sender:
            sender.send(oru())
            assert sender.answers(1) == ["AA M1"]
    lab.results.wait_for(1)

    assert len(lab.results.told) == 1


def test_a_message_too_large_is_refused_by_its_number_and_the_next_one_is_taken(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as sender:
        sender.send(oru(control="BIG") + b"NTE|1||" + b"x" * 500_000 + b"\r", oru())

        assert sender.answers(2) == ["AR BIG", "AA M1"]


def test_whoever_speaks_something_else_is_not_listened_to_for_ever(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as browser, suppress(ConnectionError):
        browser.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 6000)
        assert browser.rest() == b""

    assert_well(lab)


def test_who_takes_no_answers_holds_up_nobody(opened: Opener) -> None:
    lab = opened(mllp_message_timeout_s=5.0)
    with Sender(lab.service.mllp_port) as deaf, suppress(OSError):
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.socket.settimeout(3)
        while True:
            deaf.send(*[b"nonsense"] * 200)

    assert_well(lab)


def test_an_address_that_is_not_allowed_is_refused(opened: Opener) -> None:
    lab = opened(mllp_allowed_networks="127.0.0.1/32")
    with Sender(lab.service.mllp_port, "127.0.0.2") as stranger:
        stranger.send(oru(control="WHO"), oru())
        assert stranger.answers(2) == ["AR WHO"]

    assert values(lab) == []
    assert_well(lab)


def test_one_address_does_not_get_every_place(opened: Opener) -> None:
    lab = opened(mllp_max_connections_per_address=1)
    with Sender(lab.service.mllp_port) as first, Sender(lab.service.mllp_port) as second:
        first.send(oru())
        assert first.answers(1) == ["AA M1"]
        second.send(oru(control="M2"))
        assert second.answers(1) == ["AE M2"]


def test_stopping_answers_the_message_at_hand_and_ends_who_only_waits(lab: Running) -> None:
    with Sender(lab.service.mllp_port) as busy, Sender(lab.service.mllp_port) as idle:
        idle.send(oru(control="IDLE"))
        assert idle.answers(1) == ["AA IDLE"]
        busy.send(*[oru(obx(f"{number}.1"), control=f"S{number}") for number in range(150)])
        heard = busy.answers(1)  # of the first ones, committed together
        lab.service.stop()
        heard += [said(answer) for answer in busy.rest().decode().split("\x1c\r") if answer]

        assert idle.rest() == b""
    stored = [answer for answer in heard if answer.startswith("AA")]
    assert stored
    assert heard == [f"AA S{number}" for number in range(len(stored))] + [
        f"AE S{number}" for number in range(len(stored), len(heard))
    ]


def test_with_certificates_only_those_who_show_one_get_in(opened: Opener, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    root = authority.identity("authority")
    ours, theirs = authority.identity("door", authority), authority.identity("lab", authority)
    lab = opened(
        mllp_tls_certificate=ours.certificate, mllp_tls_key=ours.key, mllp_tls_client_ca=root.certificate
    )  # fmt: skip
    context = ssl.create_default_context(cafile=str(root.certificate))
    without = asyncio.run(_refused(lab.service.mllp_port, context))
    context.load_cert_chain(theirs.certificate, theirs.key)
    answers = asyncio.run(converse(lab.service.mllp_port, oru(), ssl=context))

    assert without
    assert [said(answer) for answer in answers] == ["AA M1"]


async def _refused(port: int, context: ssl.SSLContext) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(framed(oru()))
        return await asyncio.wait_for(reader.read(), 20) == b""
    except OSError:
        return True


@pytest.mark.parametrize("number", range(18))
def test_every_kind_of_broken_message_is_answered_or_ended(lab: Running, number: int) -> None:
    kind, content = hl7_mutants.message(random.Random(number), number)
    with Sender(lab.service.mllp_port) as sender, suppress(OSError):
        sender.socket.sendall(content)
        sender.socket.shutdown(socket.SHUT_WR)
        heard = sender.rest()
        assert heard == b"" or b"MSA|A" in heard, kind

    assert_well(lab)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    address, results = f"127.0.0.1:{free_port()}", ListeningResults()
    listening = results.start(address)
    yield from open_doors(make_settings(tmp_path_factory.mktemp("mllp"), address, **OPEN), results)
    listening.stop(None).wait()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.sampled_from((b"\x0b", b"\x1c\r", b"\r", b"MSH|^~\\&|", oru(), b"PID|", b"OBX|1|NM|", b"\\X", b"&", b"^"))
        | st.binary(max_size=30),
        max_size=8,
    )
)
def test_any_bytes_leave_the_door_well(standing: Running, parts: list[bytes]) -> None:
    with Sender(standing.service.mllp_port) as sender, suppress(OSError):
        sender.socket.sendall(b"\x0b" + b"".join(parts))
        sender.socket.shutdown(socket.SHUT_WR)
        sender.rest()

    assert_well(standing)
