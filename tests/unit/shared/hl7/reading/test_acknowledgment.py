"""Acknowledgments as others write them."""

from __future__ import annotations

import hl7
import pytest

from shared.hl7.reading.acknowledgment import Answered, read
from shared.hl7.refusal import RefusedMessageError
from shared.testing.hl7_messages import oru

HEAD = "MSH|^~\\&|LIS|PATH|ONCORELAY||20260101||ACK^R01^ACK|9|P|2.5.1\r"


@pytest.mark.parametrize("code", ["AA", "AE", "AR"])
def test_what_python_hl7_answers_is_read(code: str) -> None:
    answer = hl7.parse(oru(control="M7").decode()).create_ack(code)
    assert read(str(answer).encode()) == Answered(code, "M7")


def test_conditions_are_read_and_free_text_is_not() -> None:
    said = HEAD + "MSA|AE|M1|Carla Canary unknown\rERR||PID^1^3|204^Carla Canary^HL70357|E||||Carla Canary\r"
    answer = read(said.encode())
    assert answer.conditions == ("204 unknown key identifier at PID-3",)
    assert "Carla" not in repr(answer)


def test_a_condition_that_is_no_number_is_passed_over() -> None:
    said = HEAD + "MSA|AR|M1\rERR||Carla^1^3|Canary|E\rERR||Carla|999|E\r"
    assert read(said.encode()).conditions == ("999 not in table 0357",)


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"MSH|^~\\&|a\r", (HEAD + "MSA|YES|M1\r").encode(), (HEAD + "PID|1\r").encode()],
    ids=["empty", "no HL7", "no MSA", "no code", "other segments"],
)
def test_what_is_no_acknowledgment_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedMessageError):
        read(content)
