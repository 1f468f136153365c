"""Anchors of the audit: appended to a file, told to a real syslog receiver, and the one does not wait for the other."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.results.serve.adapters.anchor_file import AnchorFile
from services.results.serve.adapters.syslog import Syslog
from services.results.serve.handlers import AnchorAudit
from shared.domain.audit import Anchor
from shared.domain.errors import InvalidInputError, UnavailableError
from shared.site.anchors import read_anchors

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANCHOR = Anchor(7, "a" * 64, NOW)
# RFC 5424 section 6: PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG.
MESSAGE = (
    rf'<109>1 2026-03-01T12:00:00\+00:00 \S+ oncorelay \d+ anchor \[anchor@32473 number="7" hash="{"a" * 64}"\] .+'
)


@dataclass
class Chain:
    number: int = 0
    hash: str = "a" * 64

    def anchor(self, now: datetime) -> Anchor:
        return Anchor(self.number, self.hash, now)

    def hash_of(self, number: int) -> str:
        return self.hash if number <= self.number else ""


def no_alarm(lost: Anchor) -> None:
    raise AssertionError(lost)


@dataclass
class Place:
    works: bool = True
    kept: list[int] = field(default_factory=list)

    def write(self, anchor: Anchor) -> None:
        if not self.works:
            raise UnavailableError("gone")
        self.kept.append(anchor.number)


def test_lines_are_appended_and_read_back_in_order(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "far" / "anchors.jsonl")
    file.write(ANCHOR)
    file.write(Anchor(9, "b" * 64, NOW))

    assert [anchor.number for anchor in read_anchors(file.path)] == [7, 9]
    assert read_anchors(file.path)[0] == ANCHOR
    assert file.path.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_is_trouble_that_may_pass(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="anchors cannot be written"):
        AnchorFile(tmp_path / "file" / "anchors.jsonl").write(ANCHOR)


def test_a_syslog_server_hears_of_it_by_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        Syslog.at(f"127.0.0.1:{server.getsockname()[1]}").write(ANCHOR)
        heard = server.recv(4096).decode()

    assert re.fullmatch(MESSAGE, heard)


def test_a_syslog_server_hears_of_it_by_stream_with_octets_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        Syslog.at(f"tcp://127.0.0.1:{server.getsockname()[1]}").write(ANCHOR)
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            length, _, text = stream.read().partition(b" ")

    assert int(length) == len(text)
    assert re.fullmatch(MESSAGE, text.decode())


def test_an_address_that_is_none_is_refused_at_start() -> None:
    with pytest.raises(InvalidInputError, match="audit_syslog"):
        Syslog.at("syslog.example.org")


def test_nothing_is_written_while_the_chain_is_empty_or_stands_still() -> None:
    chain, place = Chain(), Place()
    anchor = AnchorAudit(chain, (place,), lambda: NOW, no_alarm)
    assert not anchor()
    chain.number = 3
    assert anchor()
    assert not anchor()

    assert place.kept == [3]


def test_one_place_that_is_gone_keeps_no_anchor_from_the_other_which_hears_it_once() -> None:
    chain, gone, well = Chain(3), Place(works=False), Place()
    anchor = AnchorAudit(chain, (gone, well), lambda: NOW, no_alarm)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            anchor()
    gone.works = True
    assert anchor()

    assert (gone.kept, well.kept) == ([3], [3])


@pytest.mark.parametrize("chain", [Chain(9, "b" * 64), Chain(7, "b" * 64), Chain(6)])
def test_a_chain_that_is_not_the_anchored_one_is_told_once_and_never_anchored(chain: Chain) -> None:
    place, alarms = Place(), list[Anchor]()
    anchor = AnchorAudit(chain, (place,), lambda: NOW, alarms.append, ANCHOR)

    assert [anchor(), anchor()] == [False, False]
    assert (alarms, place.kept) == ([ANCHOR], [])


def test_a_syslog_server_at_an_ipv6_address_hears_of_it() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        server.settimeout(10)
        Syslog.at(f"[::1]:{server.getsockname()[1]}").write(ANCHOR)
        assert re.fullmatch(MESSAGE, server.recv(4096).decode())


def test_an_ipv6_address_without_brackets_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="brackets"):
        Syslog.at("::1:514")
