"""Messages that came together: one commit, an answer each, and one message's trouble is not another's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sql

from services.lab_consumer.adapters.mllp.desk import Conversation
from services.lab_consumer.handlers.messages import Flaw, Incoming, TakeMessage, digest_of
from shared.domain.errors import UnavailableError
from shared.testing.hl7_messages import message, obx, oru
from tests.contract.lab_consumer.conftest import Laboratory
from tests.contract.lab_consumer.test_messages import MessageLaboratory

pytestmark = pytest.mark.contract

BURST = tuple(oru(obx(f"{number}.5"), control=f"B{number}", sent=f"202601101200{number:02}") for number in range(1, 8))


@dataclass(frozen=True, slots=True)
class Failing(TakeMessage):
    """Takes every message but one."""

    poison: str = ""
    error: type[Exception] = RuntimeError

    def __call__(self, message: Incoming) -> tuple[Flaw, ...]:
        found = TakeMessage.__call__(self, message)
        if message.digest == self.poison:
            raise self.error("poisoned")
        return found


def poison(site: MessageLaboratory) -> str:
    return digest_of(BURST[2].strip(b"\r"), Conversation(site.desk)._tables())


@pytest.fixture
def site(lab: Laboratory) -> MessageLaboratory:
    return MessageLaboratory(lab)


def codes(answers: list[bytes]) -> list[str]:
    return [answer.partition(b"\rMSA|")[2].partition(b"\r")[0].partition(b"|ERR")[0].decode()[:5] for answer in answers]


def test_a_burst_is_one_commit_and_its_messages_are_kept_in_order(site: MessageLaboratory) -> None:
    commits: list[Any] = []
    count = commits.append
    sql.event.listen(sql.Engine, "commit", count)
    try:
        answers = site.conversation.answers(BURST)
    finally:
        sql.event.remove(sql.Engine, "commit", count)

    assert codes(answers) == [f"AA|B{number}" for number in range(1, 8)]
    assert site.values() == ["7.5"]
    written = [one for one in commits if not one.get_execution_options().get("readonly")]
    assert len(written) == 1


def test_a_refused_message_in_a_burst_is_recorded_and_the_others_are_kept(site: MessageLaboratory) -> None:
    unread = message("MSH|^~\\&|LAB")
    answers = site.conversation.answers((BURST[0], unread, BURST[1], oru(obx(unit="K/uL^^UCUM"), control="B9")))

    assert [code[:2] for code in codes(answers)] == ["AA", "AR", "AA", "AE"]
    assert site.refusals() == 2


@pytest.mark.parametrize("error", [RuntimeError, UnavailableError])
def test_where_one_message_fails_the_others_are_taken_and_answered_by_themselves(
    site: MessageLaboratory, error: type[Exception]
) -> None:
    take = Failing(site.desk.take.receive, poison(site), error)
    answers = Conversation(replace(site.desk, take=take)).answers(BURST[:5])

    assert codes(answers) == ["AA|B1", "AA|B2", "AE|B3", "AA|B4", "AA|B5"]
    assert site.values() == ["5.5"]


def test_a_continued_message_in_a_burst_that_is_undone_is_continued_when_it_is_taken_again(
    site: MessageLaboratory,
) -> None:
    head, _, tail = oru(control="P1").decode().partition("OBX")
    first = f"{head}DSC|next\r".encode()
    rest = (head.split("\r")[0].replace("|P1|", "|P2|") + "||next\r" + "OBX" + tail).encode()
    take = Failing(site.desk.take.receive, poison(site))
    answers = Conversation(replace(site.desk, take=take)).answers((first, rest, BURST[2]))

    assert [code[:2] for code in codes(answers)] == ["AA", "AA", "AE"]
