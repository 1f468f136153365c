"""The STOW-RS door over a real socket: curl, dicomweb-client and Orthanc as senders, and peers that misbehave."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread

from services.dicom_listener.adapters.stow_door import StowDoor, StowLimits, overloaded
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.store_parts import Accepted, StoreParts
from shared.domain.errors import ForbiddenError, UnauthenticatedError
from shared.domain.refusals import Cause
from shared.testing import orthanc
from shared.testing.dicom import data_set_bytes, encoded, small_series
from shared.testing.ports import wait_until
from shared.web.pulled_body import Pace
from shared.web.server import Address, HttpServer
from tests.memory_inbox import MemoryInbox

IMAGES = small_series(3)
STUDY = str(IMAGES[0].StudyInstanceUID)
TOKEN = {"Authorization": "Bearer secret"}
KIND = 'multipart/related; type="application/dicom"; boundary=XX'
pytestmark = pytest.mark.integration


class Keeper:
    """Knows one sender, and one who may only read."""

    name = "CLIENT"

    def admit(self, authorization: str, address: str) -> Keeper:
        if authorization == "Bearer reader":
            raise ForbiddenError("may only read")
        if authorization != "Bearer secret":
            raise UnauthenticatedError("unknown")
        return self


class Door:
    """A door over an inbox in memory."""

    def __init__(self, pace: Pace, max_requests: int = 4) -> None:
        self.inbox = MemoryInbox()
        image = IMAGES[0]
        accepted = Accepted(
            frozenset({str(image.SOPClassUID)}), frozenset({str(image.file_meta.TransferSyntaxUID)}), 1 << 26
        )
        store = StoreParts(Intake(self.inbox, self.inbox, self.inbox), accepted)
        self.door = StowDoor(store, self.inbox, Keeper(), itertools.count(1), StowLimits(20, max_requests, pace))
        self.server = HttpServer(self.door.application(), Address("127.0.0.1", 0, "test"), 20, overloaded())
        self.port = self.server.port
        self.url = f"http://127.0.0.1:{self.port}/dicomweb"
        self.server.start()

    def stop(self) -> None:
        self.door.stop()
        self.server.stop()

    def post(self, content: bytes, path: str = "/studies", **headers: str) -> httpx.Response:
        sent = TOKEN | {"Content-Type": KIND} | {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(self.url + path, content=content, headers=sent, timeout=20, trust_env=False)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(Pace(idle_s=5, longest_s=60, min_bytes_per_s=0))
    yield door
    door.stop()


@pytest.fixture
def impatient() -> Iterator[Door]:
    door = Door(Pace(idle_s=0.5, longest_s=3, min_bytes_per_s=1000), max_requests=1)
    yield door
    door.stop()


def body(*files: bytes, end: bytes = b"\r\n--XX--\r\n") -> bytes:
    return b"".join(b"\r\n--XX\r\nContent-Type: application/dicom\r\n\r\n" + file for file in files)[2:] + end


def raw(door: Door, content: bytes, *, length: int, token: str = "secret") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", door.port), timeout=15)
    head = (
        f"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {KIND}\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


def test_a_study_is_stored_and_every_instance_is_named(door: Door) -> None:
    answer = door.post(body(*map(encoded, IMAGES)), f"/studies/{STUDY}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    named = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert named == [image.SOPInstanceUID for image in IMAGES]
    assert [content for _, content in door.inbox.objects] == [data_set_bytes(image) for image in IMAGES]
    assert door.inbox.told[-1] == ("ended", True)


def test_one_bad_instance_is_told_apart_from_the_good_ones(door: Door) -> None:
    answer = door.post(body(encoded(IMAGES[0]), b"rubbish"))

    assert answer.status_code == 202
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC000]


def test_instances_of_another_study_are_all_refused(door: Door) -> None:
    answer = door.post(body(*map(encoded, IMAGES)), "/studies/1.2.3")

    assert answer.status_code == 409
    assert {item["00081197"]["Value"][0] for item in answer.json()["00081198"]["Value"]} == {0xA900}
    assert door.inbox.objects == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer reader"}, 403),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/dicom+xml"}, 200),
        ({"Content_Type": "application/dicom"}, 415),
        ({"Content_Type": 'multipart/related; type="application/dicom+json"; boundary=XX'}, 415),
        ({"Content_Type": 'multipart/related; type="application/dicom"'}, 400),
        ({"Content_Encoding": "gzip"}, 415),
    ],
)
def test_what_a_request_must_bring(door: Door, headers: dict[str, str], status: int) -> None:
    answer = door.post(body(encoded(IMAGES[0])), **headers)

    assert answer.status_code == status
    assert len(door.inbox.objects) == (1 if status == 200 else 0)
    assert ("www-authenticate" in answer.headers) is (status == 401)


def test_a_door_that_is_closed_says_so_before_the_body_is_sent(door: Door) -> None:
    door.inbox.closed_because = Cause.OUT_OF_SPACE
    connection = raw(door, b"", length=10_000_000)

    answer = connection.recv(4096)  # not a byte of the body was sent

    assert b" 503 " in answer
    assert b"retry-after: 5" in answer.lower()
    assert door.inbox.told == []


def test_a_full_disk_asks_the_sender_to_try_again(door: Door) -> None:
    door.inbox.full_after = 0

    answer = door.post(body(encoded(IMAGES[0])))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA700]


def test_a_body_without_its_last_boundary_stores_only_what_was_whole(door: Door) -> None:
    answer = door.post(body(encoded(IMAGES[0]), encoded(IMAGES[1]), end=b""))

    assert answer.status_code == 202
    assert len(door.inbox.objects) == 1
    assert door.inbox.told[-1] == ("ended", False)


def test_a_connection_that_is_cut_ends_the_association_and_leaves_nothing_half(door: Door) -> None:
    content = body(encoded(IMAGES[0]), encoded(IMAGES[1]))
    connection = raw(door, content[:-600], length=len(content))
    wait_until(lambda: bool(door.inbox.objects), "the first part")
    connection.close()

    wait_until(lambda: ("ended", False) in door.inbox.told, "the end of the request")
    assert len(door.inbox.objects) == 1
    assert door.inbox.open_inlets == 0


def test_a_body_longer_than_its_content_length_does_not_reach_the_inbox(door: Door) -> None:
    content = body(encoded(IMAGES[0]))
    with raw(door, content, length=len(content) - 100) as connection:
        assert b" 400 " in connection.recv(4096)
    assert door.inbox.objects == []


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_slow_body_is_ended_and_the_door_is_free_again(impatient: Door, drip: bytes) -> None:
    connection = raw(impatient, body(encoded(IMAGES[0]), encoded(IMAGES[1]))[:1500], length=50_000)
    stop = threading.Event()

    def send() -> None:
        while drip and not stop.wait(0.2):
            try:
                connection.sendall(drip)
            except OSError:
                return

    sender = threading.Thread(target=send)
    sender.start()
    answer = connection.recv(4096)
    stop.set()
    sender.join()
    connection.close()

    assert answer.startswith((b"HTTP/1.1 202", b"HTTP/1.1 408"))
    assert impatient.post(body(encoded(IMAGES[2]))).status_code == 200


def test_one_request_too_many_is_told_to_come_back(impatient: Door) -> None:
    first = raw(impatient, body(encoded(IMAGES[0]))[:300], length=5000)
    wait_until(lambda: ("opened", "CLIENT") in impatient.inbox.told, "the first request")

    answer = impatient.post(body(encoded(IMAGES[1])))

    first.close()
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_more_parts_than_allowed_end_the_request(door: Door) -> None:
    answer = door.post(body(*[encoded(IMAGES[0])] * 25))

    assert answer.status_code == 202
    assert len(door.inbox.objects) == 20
    assert door.inbox.told[-1] == ("ended", False)


def test_stopping_does_not_wait_for_a_silent_sender(door: Door) -> None:
    connection = raw(door, body(encoded(IMAGES[0]))[:300], length=5000)
    wait_until(lambda: ("opened", "CLIENT") in door.inbox.told, "the request")

    door.stop()

    assert b" 503 " in connection.recv(4096)
    assert door.inbox.told[-1] == ("ended", False)


def test_curl_sends_a_study(door: Door, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(body(*map(encoded, IMAGES)))
    command = ["curl", "-sS", "--noproxy", "*", "-H", "Authorization: Bearer secret", "-H", f"Content-Type: {KIND}"]

    sent = subprocess.run(
        [*command, "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{tmp_path / 'body'}", door.url + "/studies"],
        capture_output=True, timeout=30, check=True,
    )  # fmt: skip

    assert len(json.loads(sent.stdout)["00081199"]["Value"]) == 3


def test_dicomweb_client_sends_a_study_and_reads_the_answer(door: Door) -> None:
    client = DICOMwebClient(door.url, headers=dict(TOKEN))
    client._session.trust_env = False

    files = [dcmread(BytesIO(encoded(image))) for image in IMAGES]  # it sends new data sets without a preamble

    answer = client.store_instances(files, study_instance_uid=STUDY)

    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
        image.SOPInstanceUID for image in IMAGES
    ]


@pytest.mark.skipif(not orthanc.installed(), reason="needs Debian's orthanc")
def test_orthanc_sends_a_study(door: Door, tmp_path: Path) -> None:
    with orthanc.start_orthanc(tmp_path) as archive:
        server = {"Url": door.url + "/", "HttpHeaders": dict(TOKEN)}
        httpx.put(f"{archive.url}/dicom-web/servers/oncorelay", json=server, trust_env=False).raise_for_status()
        sent = [archive.upload(encoded(image)) for image in IMAGES]

        done = archive.post("/dicom-web/servers/oncorelay/stow", {"Resources": sent, "Synchronous": True})

    assert int(done["InstancesCount"]) == 3
    assert {announced.sop_instance_uid for announced, _ in door.inbox.objects} == {
        image.SOPInstanceUID for image in IMAGES
    }
