"""A real listener and a recorded results service: shared by a module where nothing is broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.testing.dicom import Sender
from shared.testing.listener_process import ListenerProcess
from shared.testing.results_recorder import ResultsRecorder


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListenerProcess]:
    process = ListenerProcess(tmp_path_factory.mktemp("listener"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def recorder(listener: ListenerProcess) -> Iterator[ResultsRecorder]:
    recorder = ResultsRecorder()
    recorder.start(f"127.0.0.1:{listener.results_port}")
    yield recorder
    recorder.stop()


@pytest.fixture
def results(recorder: ResultsRecorder) -> ResultsRecorder:
    recorder.forget()
    return recorder


@pytest.fixture
def pacs(listener: ListenerProcess) -> Sender:
    return Sender(listener.port)


@pytest.fixture
def breakable(tmp_path: Path) -> Iterator[ListenerProcess]:
    """A listener of this test alone."""
    process = ListenerProcess(tmp_path)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def its_results(breakable: ListenerProcess) -> Iterator[ResultsRecorder]:
    recorder = ResultsRecorder()
    recorder.start(f"127.0.0.1:{breakable.results_port}")
    yield recorder
    recorder.stop()


@pytest.fixture
def its_pacs(breakable: ListenerProcess) -> Sender:
    return Sender(breakable.port)
