"""Orders as they may come: read, or refused by name, never anything else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.lab_consumer.formats.v2.order import OrderPlaces, read_slide_orders
from services.lab_consumer.formats.v2.site import MessageSite
from services.lab_consumer.handlers.judge import Judged, OrderRules, Reader, judge
from services.lab_consumer.handlers.submission import Submission
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.shape import check_shape
from shared.fhir.reading.slide_request import read_glasses
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, parse
from shared.hl7.reading.orders import taken_apart
from shared.hl7.refusal import RefusedMessageError
from shared.testing.hl7_messages import header, message, oml, orc, pid, sac, slide_obr, spm

IDENTITIES = IdentityMap((AssigningAuthority("hospital", fhir_system="http://h.example.org", hl7_authority="HOSP"),))
NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
SITE = MessageSite(IDENTITIES, {}, UTC, NOW, "", "")
READER = Reader(IDENTITIES, NOW, orders=OrderRules(taken=True))
SEGMENTS = (
    orc(),
    orc("CA"),
    slide_obr(),
    spm(),
    sac(),
    pid(),
    "ORC",
    "SAC|||^^^",
    "SPM|1|&&^|^^",
    "OBR|1",
    "NTE|1",
    "",
)


def judged(content: bytes) -> list[Judged | RefusedElementError]:
    """Return what becomes of each entry of a message; an empty list where none of it can be read."""
    try:
        entries = read_slide_orders(parse(content, Header.of(content), Limits()), SITE, OrderPlaces())
    except RefusedMessageError:
        return []
    found: list[Judged | RefusedElementError] = []
    for entry in entries:
        try:
            found.append(judge(entry, READER) if isinstance(entry, Submission) else entry)
        except RefusedElementError as error:
            found.append(error)
    return found


def test_what_is_made_of_an_order_is_fhir_and_names_its_slide() -> None:
    (_, order) = judged(oml())
    assert isinstance(order, Judged)
    check_shape(order.submission.resource or {})
    assert order.version
    content = dict(order.version.content or {})
    contained = {f"#{row['id']}": row for row in content["contained"]}
    (glass,) = read_glasses(content, contained.get)
    assert (glass.container, glass.specimen.block) == ("S26-100-A-1-1", "S26-100-A-1")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SEGMENTS), max_size=10))
def test_segments_in_any_order_are_read_or_refused(segments: list[str]) -> None:
    judged(message(header(kind="OML^O21^OML_O21"), pid(), *segments))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_order_is_read_or_refused(data: st.DataObject) -> None:
    content = oml()
    begin = content.index(b"PID")
    place = data.draw(st.integers(begin, len(content)))
    gone = data.draw(st.integers(0, 20))
    damage = data.draw(
        st.sampled_from((b"", b"^", b"&", b"~", b"|", b"\\", b"\r", b"\\T\\", b"\\X00\\", b"\xff", b"\x00"))
    )
    judged(content[:place] + damage + content[place + gone :])


@pytest.mark.parametrize("place", ["", "SAC", "PID-3", "SAC-3.1.1", "SPM-2.", "obr-18", "OBR-180"])
def test_a_place_must_be_one_of_an_order(place: str) -> None:
    with pytest.raises(ValueError, match="is no place of"):
        taken_apart(place)
