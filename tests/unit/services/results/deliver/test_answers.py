"""Permanent and temporary answers are told apart, per protocol."""

from __future__ import annotations

import pytest

from services.results.deliver.adapters.answers import dimse_error, http_error, rejection
from shared.domain.errors import PermanentError, TemporaryError


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
