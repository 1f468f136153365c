"""Permanent and temporary answers are told apart, per protocol."""

from __future__ import annotations

import errno
from datetime import UTC, datetime

import pytest

from services.results.deliver.adapters.answers import (
    dimse_error,
    file_error,
    http_error,
    once_sent,
    rejection,
    retry_after_s,
    transport_error,
)
from services.results.deliver.ports import BusyError, NotReachedError, RefusedError
from shared.domain.errors import OutOfResourcesError, PermanentError, TemporaryError, UnavailableError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [0x0000, 0x0111, 0xB000, 0xB006, 0xB007])
def test_stored_stored_before_and_stored_with_a_warning_are_no_error(status: int) -> None:
    assert dimse_error(status, "C-STORE") is None


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, 0x0110, 0x0213, 0x0210])
def test_a_peer_that_cannot_now_is_temporary(status: int) -> None:
    assert isinstance(dimse_error(status, "C-STORE"), TemporaryError)


@pytest.mark.parametrize("status", [0xA900, 0xA9FF, 0xC000, 0xCFFF, 0x0122, 0x0124, 0x0117])
def test_a_peer_that_never_will_is_permanent(status: int) -> None:
    assert isinstance(dimse_error(status, "C-STORE"), PermanentError)


def test_a_rejected_association_is_permanent_unless_it_says_for_now() -> None:
    assert isinstance(rejection(2, 3, 1, "PACS"), TemporaryError)
    assert isinstance(rejection(1, 1, 7, "PACS"), PermanentError)
    assert "AE title" in str(rejection(1, 1, 3, "PACS"))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_2xx_is_no_error(status: int) -> None:
    assert http_error(status, "server") is None


@pytest.mark.parametrize("status", [408, 409, 412, 423, 425, 429, 500, 502, 503, 504])
def test_http_that_may_change_is_temporary(status: int) -> None:
    assert isinstance(http_error(status, "server"), TemporaryError)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 410, 413, 415, 422])
def test_http_that_will_not_change_is_permanent(status: int) -> None:
    assert isinstance(http_error(status, "server"), PermanentError)


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, 0x0213])
def test_a_full_archive_is_the_sinks_trouble(status: int) -> None:
    assert isinstance(dimse_error(status, "C-STORE"), OutOfResourcesError)


@pytest.mark.parametrize("status", [0x0110, 0x0112, 0x0210, 0x7777])
def test_one_object_that_cannot_be_processed_now_costs_its_own_tries(status: int) -> None:
    error = dimse_error(status, "C-STORE")
    assert isinstance(error, TemporaryError)
    assert not isinstance(error, UnavailableError | OutOfResourcesError)


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0x0122, 0x0124])
def test_what_was_refused_is_not_there(status: int) -> None:
    assert isinstance(dimse_error(status, "C-STORE"), RefusedError)


@pytest.mark.parametrize(("result", "kind"), [(1, RefusedError), (2, NotReachedError)])
@pytest.mark.parametrize("source", [1, 2, 3])
@pytest.mark.parametrize("reason", range(1, 8))
def test_no_rejected_association_leaves_anything(result: int, source: int, reason: int, kind: type[Exception]) -> None:
    assert isinstance(rejection(result, source, reason, "PACS"), kind)


@pytest.mark.parametrize("status", [429, 502, 503, 504, 507])
def test_an_overloaded_server_is_the_sinks_trouble_and_says_for_how_long(status: int) -> None:
    error = http_error(status, "server", after_s=12.0)
    assert isinstance(error, BusyError)
    assert error.after_s == 12.0


@pytest.mark.parametrize(
    ("status", "issues", "kind"),
    [
        (422, ["business-rule"], RefusedError), (422, ["lock-error"], TemporaryError),
        (400, ["throttled"], TemporaryError),
        (400, ["transient", "invalid"], RefusedError), (500, ["exception"], TemporaryError),
        (500, ["invariant"], RefusedError), (500, ["processing"], TemporaryError), (422, ["processing"], RefusedError),
        (409, ["duplicate"], TemporaryError), (501, [], RefusedError),
    ],
)  # fmt: skip
def test_an_operation_outcome_says_what_a_vague_status_does_not(
    status: int, issues: list[str], kind: type[Exception]
) -> None:
    assert isinstance(http_error(status, "server", issues=issues), kind)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0), (" 5 ", 5.0), ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0), ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("", 0.0), ("soon", 0.0), ("-5", 0.0), ("1e9", 0.0), ("9" * 400, 999999999.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after_s(value, lambda: NOON) == seconds


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, BusyError), (errno.EDQUOT, BusyError), (errno.EACCES, UnavailableError),
     (errno.EROFS, UnavailableError), (errno.EIO, UnavailableError), (errno.ENAMETOOLONG, PermanentError)],
)  # fmt: skip
def test_a_file_system_is_full_away_or_cannot(number: int, kind: type[Exception]) -> None:
    assert isinstance(file_error(OSError(number, "x"), "folder"), kind)


def test_a_certificate_that_is_not_trusted_is_said_and_left_to_a_person() -> None:
    error = transport_error("server", "ConnectError", "[SSL: CERTIFICATE_VERIFY_FAILED]", connected=False)
    assert isinstance(error, NotReachedError)
    assert "certificate" in str(error)


def test_once_sent_no_failure_means_that_nothing_left() -> None:
    for error, kind in ((NotReachedError("x"), UnavailableError), (RefusedError("x"), PermanentError)):
        with pytest.raises(kind) as caught, once_sent():
            raise error
        assert not isinstance(caught.value, NotReachedError | RefusedError)
