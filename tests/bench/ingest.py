"""Files a second from DCMTK's ``dcmsend``, by C-STORE: our listener against servers that promise less.

Ours is the whole listener process; it answers Success once an object is synced to disk. Of the peers none syncs.
``limit`` is what the disk allows: the same bytes written and fsynced file by file, without any network. Every
measurement is taken on a server started for it, in an empty folder, after a ``sync``; the order of servers turns with
every repeat; figures are medians. The time is dcmsend's own, from its start to its end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, MRImageStorage

from shared.testing.listener_process import ListenerProcess
from shared.testing.orthanc import installed, start_orthanc
from shared.testing.ports import free_port, wait_until
from tests.bench.rows import Bench, Row

WIDE = 10
OURS, LIMIT = "ours", "limit"
ROOT = "1.2.826.0.1.3680043.10.1490.99"
LISTENER = "settle_s = 3600.0\nquiet_s = 3600.0"


@dataclass(frozen=True)
class Load:
    """A kind of object: how many, and how large."""

    name: str
    sop_class: UID
    modality: str
    rows: int
    columns: int
    count: int
    studies: int


LOADS = (
    Load("mr", MRImageStorage, "MR", 448, 448, 300, 1),
    Load("mg", DigitalMammographyXRayImageStorageForPresentation, "MG", 4096, 3840, 40, 10),
)


@dataclass(frozen=True)
class Case:
    """A load over a number of associations: one folder of files for each."""

    name: str
    folders: tuple[Path, ...]
    count: int


@dataclass(frozen=True)
class Server:
    """A running server; ``judged`` returns once it has judged so many objects, where it does."""

    port: int
    title: str
    judged: Callable[[int], None] | None = None


def run(arguments: list[str]) -> Bench:
    """Measure every case against every server, in turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", default="mr_x1,mr_x10,mg_x1,mg_x10")
    parser.add_argument("--peers", default=",".join([*PEERS, LIMIT]))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ingest-") as place:
        folder = Path(place)
        wanted = [case for load in LOADS for case in _cases(load, folder / "files")]
        cases = [case for case in wanted if case.name in options.cases.split(",")]
        seconds = {case.name: _measure(case, folder, options.repeats, options.peers.split(",")) for case in cases}
    rows = tuple(row for case in cases for row in _rows(case, seconds[case.name]))
    notes = tuple(_judged(case, seconds[case.name]) for case in cases)
    return Bench("ingest", rows, ("ours: durable before Success; no peer syncs to disk", *notes))


def _measure(case: Case, folder: Path, repeats: int, peers: list[str]) -> dict[str, list[float]]:
    names = [OURS, *filter(_available, peers)]
    seconds: dict[str, list[float]] = {name: [] for name in (*names, "judged")}
    for repeat in range(repeats):
        turn = repeat % len(names)
        for name in names[turn:] + names[:turn]:
            os.sync()
            if name == LIMIT:
                seconds[name].append(_limit(case, folder / LIMIT))
            else:
                _one(name, case, folder / name, seconds)
    return seconds


def _one(name: str, case: Case, folder: Path, seconds: dict[str, list[float]]) -> None:
    folder.mkdir()
    server_of = _ours if name == OURS else PEERS[name]
    with server_of(folder) as server:
        start = time.perf_counter()
        _send(case, server)
        seconds[name].append(time.perf_counter() - start)
        if server.judged:
            server.judged(case.count)
            seconds["judged"].append(time.perf_counter() - start)
    shutil.rmtree(folder)


def _send(case: Case, server: Server) -> None:
    """Run one dcmsend for each folder, all at the same time; one that was rejected tries again, on the clock.

    Raises:
        RuntimeError: If one did not get Success for every file in ten tries.
    """
    left = list(case.folders)
    for _ in range(10):
        senders = {folder: _dcmsend(folder, server) for folder in left}
        left = [folder for folder, sender in senders.items() if sender.wait(600)]
        if not left:
            return
    raise RuntimeError(f"{case.name}: a sender was refused")


def _dcmsend(folder: Path, server: Server) -> subprocess.Popen[bytes]:
    command = ["/usr/bin/dcmsend", "-q", "-aec", server.title, "127.0.0.1", str(server.port), "+sd", str(folder)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _limit(case: Case, folder: Path) -> float:
    """Write the files of each folder one after the other, folders side by side."""
    contents = [[path.read_bytes() for path in sorted(files.iterdir())] for files in case.folders]
    folder.mkdir()

    def write(number: int) -> None:
        for index, content in enumerate(contents[number]):
            with (folder / f"{number}-{index}").open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())

    start = time.perf_counter()
    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(write, range(len(contents))))
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    return seconds


@contextmanager
def _ours(folder: Path) -> Iterator[Server]:
    listener = ListenerProcess(folder, extra=LISTENER)
    listener.start()
    try:
        yield Server(listener.port, "ONCORELAY", lambda count: _wait_for_records(listener.journal, count))
    finally:
        listener.stop()


def _wait_for_records(journal: Path, count: int) -> None:
    def recorded() -> int:
        return sum(path.read_bytes().count(b'"InstanceStored"') for path in journal.glob("*.jsonl"))

    wait_until(lambda: recorded() >= count, "everything to be judged", timeout_s=300, poll_s=0.02)


@contextmanager
def _program(*command: str, port: int) -> Iterator[Server]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            wait_until(lambda: _echoes(port), command[0])
            yield Server(port, "ANY-SCP")
        finally:
            process.terminate()


def _echoes(port: int) -> bool:
    """Ask in order: a bare TCP probe would hold one of pynetdicom's ten places for half a minute."""
    command = ["/usr/bin/echoscu", "-q", "127.0.0.1", str(port)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, timeout=10).returncode == 0


@contextmanager
def _pynetdicom(folder: Path) -> Iterator[Server]:
    port = free_port()
    app = [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-q", "-od", str(folder)]
    with _program(*app, port=port) as server:
        yield server


@contextmanager
def _dcmtk(folder: Path, *options: str) -> Iterator[Server]:
    port = free_port()
    with _program(
        "/usr/bin/storescp", "-q", "--output-directory", str(folder), *options, str(port), port=port
    ) as server:
        yield server


@contextmanager
def _dcmtk_fork(folder: Path) -> Iterator[Server]:
    with _dcmtk(folder, "--fork") as server:
        yield server


@contextmanager
def _orthanc(folder: Path) -> Iterator[Server]:
    with start_orthanc(folder, ae_title="ORTHANC", dicomweb=False) as orthanc:
        yield Server(orthanc.dicom_port, "ORTHANC")


PEERS = {"pynetdicom": _pynetdicom, "dcmtk": _dcmtk, "dcmtk_fork": _dcmtk_fork, "orthanc": _orthanc}


def _available(name: str) -> bool:
    return name != "orthanc" or installed()


def _cases(load: Load, folder: Path) -> tuple[Case, Case]:
    """Write the files; both cases have the same ones, in one folder and in ten."""
    alone = folder / load.name
    shelves = tuple(folder / f"{load.name}-{number}" for number in range(WIDE))
    for shelf in (alone, *shelves):
        shelf.mkdir(parents=True)
    for number in range(load.count):
        path = alone / f"{number:04d}.dcm"
        _image(load, number).save_as(path, enforce_file_format=True)
        (shelves[number % WIDE] / path.name).hardlink_to(path)
    return Case(f"{load.name}_x1", (alone,), load.count), Case(f"{load.name}_x{WIDE}", shelves, load.count)


def _image(load: Load, number: int) -> Dataset:
    """Return an image that can be placed; pixels are noise, as compression is no part of this."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = load.sop_class
    image.SOPInstanceUID = UID(f"{ROOT}.{load.rows}.3.{number}")
    image.StudyInstanceUID = UID(f"{ROOT}.{load.rows}.1.{number % load.studies}")
    image.SeriesInstanceUID = UID(f"{ROOT}.{load.rows}.2.{number % load.studies}")
    image.Modality = load.modality
    image.PatientID, image.IssuerOfPatientID = "BENCH", "PHANTOMS"
    image.Rows, image.Columns = load.rows, load.columns
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    pixels = np.random.default_rng(number).integers(0, 4096, (load.rows, load.columns), dtype=np.uint16)
    image.PixelData = pixels.tobytes()
    return image


def _rows(case: Case, seconds: dict[str, list[float]]) -> list[Row]:
    rates = {name: case.count / statistics.median(values) for name, values in seconds.items() if values}
    ours = rates.pop(OURS)
    rates.pop("judged", None)
    return [Row(case.name, ours, rate, name, "files/s") for name, rate in rates.items()]


def _judged(case: Case, seconds: dict[str, list[float]]) -> str:
    ours, judged = (statistics.median(seconds[name]) for name in (OURS, "judged"))
    return f"{case.name}: acknowledged after {ours:.2f} s, everything judged after {judged:.2f} s"
