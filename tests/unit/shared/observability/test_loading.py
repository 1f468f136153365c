"""The collector rests while modules are loaded, and works again whatever happens."""

from __future__ import annotations

import gc

import pytest

from shared.observability.loading import loading


def test_the_collector_rests_within_the_block_and_works_after_it() -> None:
    with loading():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_the_collector_works_after_a_module_that_cannot_be_loaded() -> None:
    with pytest.raises(ModuleNotFoundError), loading():
        import no_such_module_anywhere  # type: ignore[import-not-found]  # noqa: F401

    assert gc.isenabled()


def test_a_collector_that_somebody_stopped_stays_stopped() -> None:
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
