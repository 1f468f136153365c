"""The state machines of the ledger: one transition table, and the only function that looks into it.

The inference machine is the one of one *revision* of a case: changed input leads a settled case back to ``collecting``
(deploy/decisions, "a case is asked again"). ``""`` stands for "did not exist before".
"""

from __future__ import annotations

from shared.domain.case import Currency, DeliveryState, InferenceState, ReviewState
from shared.domain.errors import ConflictError

_I, _R, _D, _C = InferenceState, ReviewState, DeliveryState, Currency

TRANSITIONS: dict[str, frozenset[tuple[str, str]]] = {
    "inference": frozenset(
        {
            ("", _I.COLLECTING),
            (_I.COLLECTING, _I.QUEUED),
            (_I.COLLECTING, _I.NOT_ANALYSED),
            (_I.COLLECTING, _I.FAILED),  # identity conflict: a person must act
            (_I.QUEUED, _I.RUNNING),
            (_I.RUNNING, _I.PREDICTED),
            (_I.RUNNING, _I.NOT_ANALYSED),
            (_I.RUNNING, _I.FAILED),
            (_I.RUNNING, _I.QUEUED),  # the lease passed, or the attempt broke, and attempts are left
            (_I.FAILED, _I.QUEUED),  # a person
            # Changed input asks again, from wherever the case stands.
            (_I.QUEUED, _I.COLLECTING),
            (_I.RUNNING, _I.COLLECTING),
            (_I.PREDICTED, _I.COLLECTING),
            (_I.NOT_ANALYSED, _I.COLLECTING),
            (_I.FAILED, _I.COLLECTING),
        }
    ),
    # Of one finding: a new finding is looked at anew.
    "review": frozenset(
        {
            ("", _R.NOT_REQUIRED),
            ("", _R.WAITING),
            (_R.WAITING, _R.ACCEPTED),
            (_R.WAITING, _R.REJECTED),
            (_R.WAITING, _R.OVERRIDDEN),
        }
    ),
    "delivery": frozenset(
        {
            ("", _D.HELD),
            ("", _D.DUE),
            (_D.HELD, _D.DEAD_LETTER),  # replaced before it was sent
            (_D.DUE, _D.DEAD_LETTER),  # replaced before it was sent
            (_D.DUE, _D.SENDING),
            (_D.SENDING, _D.DELIVERED),
            (_D.SENDING, _D.DUE),
            (_D.SENDING, _D.DEAD_LETTER),
            (_D.SENDING, _D.SENDING),  # its sender died, another took it over
            (_D.DEAD_LETTER, _D.DUE),
            (_D.DEAD_LETTER, _D.DEAD_LETTER),  # redirected to another sink
        }
    ),
    "currency": frozenset(
        {("", _C.CURRENT), (_C.CURRENT, _C.SUPERSEDED), (_C.CURRENT, _C.WITHDRAWN)},
    ),
}

FINAL_INFERENCE = frozenset({_I.PREDICTED, _I.NOT_ANALYSED, _I.FAILED})
"""States that wait for nothing. ``failed`` was told to a person when it was entered."""

OPEN_DELIVERY = frozenset({_D.HELD, _D.DUE, _D.SENDING})
"""States in which a delivery still moves by itself, or waits for review."""


def check(machine: str, from_state: str, to_state: str) -> None:
    """Refuse a transition the table does not have.

    Raises:
        ConflictError: If the machine has no such transition.
    """
    if (from_state, to_state) not in TRANSITIONS[machine]:
        raise ConflictError(f"{machine}: no way from {from_state or 'nothing'} to {to_state}")
