"""ER7: delimiters, escapes, character sets, continuation, limits; and every refusal with its sentence."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.refusals import Cause
from shared.hl7.delimiters import Delimiters
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.continuation import Parts
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, Message, parse
from shared.hl7.reading.times import read_time, stated_zone
from shared.hl7.refusal import RefusedMessageError
from shared.testing.hl7_messages import header, message, obx, oru, pid


def read(content: bytes, limits: Limits = Limits()) -> Message:  # noqa: B008 - frozen
    return parse(content, Header.of(content), limits)


def cell(written: str, codec: str = "utf_8") -> Cell:
    return Cell(written, "OBX[1]-5", Delimiters(), codec)


def refusal(content: bytes, limits: Limits = Limits()) -> tuple[str, Cause, str]:  # noqa: B008 - frozen
    with pytest.raises(RefusedMessageError) as refused:
        read(content, limits)
    return refused.value.element, refused.value.cause, refused.value.reason


def test_segments_fields_components_and_repetitions_are_found() -> None:
    found = read(message(header(), pid(), "NTE|1", "NTE|2", obx("2.5")))
    (observation,) = found.named("OBX")

    assert [segment.name for segment in found.segments] == ["PID", "NTE", "NTE", "OBX"]
    assert [one.cell(1).text() for one in found.named("NTE")] == ["1", "2"]
    assert observation.cell(3).component(3).text() == "LN"
    assert observation.cell(5).element == "OBX[1]-5"
    assert observation.cell(99).text() == ""
    assert [one.written for one in cell('a~""~b').repetitions] == ["a", "b"]


def test_other_delimiters_than_the_usual_ones_are_read() -> None:
    content = b"MSH$%*!@$LAB$$$$20260110$$ORU%R01$1$P$2.4\rOBX$1$ST$x%text!S!more$$a!S!b\r"
    (observation,) = read(content).named("OBX")

    assert observation.cell(3).component(2).text() == "text%more"
    assert observation.cell(5).text() == "a%b"


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_any_line_end_ends_a_segment(line_end: str) -> None:
    assert len(read(oru().decode().replace("\r", line_end).encode()).segments) == 3


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("H\\T\\E", "H&E"),
        ("a\\F\\b\\S\\c\\R\\d\\E\\e", "a|b^c~d\\e"),
        ("one\\.br\\two\\.sp2\\three", "one\ntwo\nthree"),
        ("\\H\\loud\\N\\", "loud"),
        ("\\XC3A4\\", "ä"),
        ('""', ""),
        ("  2.5 ", "2.5"),
    ],
)
def test_escapes_are_resolved(written: str, text: str) -> None:
    assert cell(written).text() == text


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("H&E", "holds the sub-component separator & unescaped; in text it is written \\T\\"),
        ("10^3", "holds the component separator ^ unescaped; in text it is written \\S\\"),
        ("a~b", "holds the repetition separator ~ unescaped; in text it is written \\R\\"),
        ("C:\\temp", "an escape sequence does not end; a single \\ is written \\E\\"),
        ("\\Q\\", "an escape sequence that is not known here (known: F S T R E H N X.. and formatting between two \\)"),
        ("\\X00\\", "an escape sequence names characters that are not text"),
        ("\\XC3\\", "an escape sequence names bytes that are not of the character set"),
    ],
)
def test_text_that_was_not_escaped_is_refused_and_never_cut_off(written: str, sentence: str) -> None:
    with pytest.raises(RefusedMessageError) as refused:
        cell(written).text()

    assert (refused.value.element, refused.value.reason) == ("OBX[1]-5", sentence)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("C", "Z")), max_size=40))
def test_what_is_escaped_reads_back_as_it_was(text: str) -> None:
    assert cell(Delimiters().escaped(text)).text() == ("" if text == '""' else text)


@pytest.mark.parametrize(
    ("stated", "codec", "written"),
    [
        ("8859/1", "latin-1", "Müller"), ("8859/2", "iso8859_2", "Łódź"), ("8859/15", "iso8859_15", "€"),
        ("UNICODE UTF-8", "utf-8", "Ωmega"), ("UTF-8", "utf-8", "ż"), ("GB 18030-2000", "gb18030", "中"),
        ("ASCII", "ascii", "plain"), ("8859/1~UNICODE UTF-8", "latin-1", "ä"),
    ],
)  # fmt: skip
def test_the_character_set_of_msh_18_is_read(stated: str, codec: str, written: str) -> None:
    content = f"{header()}||||||{stated}\rNTE|1||{written}\r".encode(codec)

    assert next(read(content).named("NTE")).cell(3).text() == written


def test_a_message_that_states_no_character_set_is_ascii_unless_the_site_says_otherwise() -> None:
    content = f"{header()}\rNTE|1||Müller\r".encode("latin-1")

    element, cause, reason = refusal(content)
    assert (element, cause) == ("MSH-18", Cause.UNREADABLE)
    assert reason == (
        "it states no character set, and byte 84 is not ASCII: let the sender fill MSH-18, or set "
        "mllp_default_character_set"
    )
    found = read(content, Limits(default_character_set="8859/1"))
    assert next(found.named("NTE")).cell(3).text() == "Müller"


@pytest.mark.parametrize("stated", ["ISO IR87", "UNICODE", "nonsense"])
def test_a_character_set_nobody_knows_is_refused(stated: str) -> None:
    element, cause, reason = refusal(f"{header()}||||||{stated}\r".encode())

    assert (element, cause) == ("MSH-18", Cause.ENCODING_NOT_SUPPORTED)
    assert reason.startswith("this character set is not read here; known: ASCII, 8859/1")


def test_bytes_that_are_not_of_the_stated_set_are_refused() -> None:
    content = f"{header()}||||||UNICODE UTF-8\rNTE|1||Müller\r".encode("latin-1")

    assert refusal(content)[2] == "byte 103 is not written in the character set it states"


_NO_MSH = "a message begins with MSH and five different separators, as in MSH|^~\\&"
_UNREADABLE = Cause.UNREADABLE


@pytest.mark.parametrize(
    ("content", "element", "cause", "sentence"),
    [
        (b"", "MSH", _UNREADABLE, _NO_MSH),
        (b"FHS|^~\\&|LAB\r", "MSH", _UNREADABLE, _NO_MSH),
        (b"MSH|||||LAB\r", "MSH", _UNREADABLE, _NO_MSH),
        (b"MSHABCDELAB\r", "MSH", _UNREADABLE, _NO_MSH),
        (b"MSH|^~\\&#|LAB\r", "MSH-2", _UNREADABLE, "more than four encoding characters"),
        (message(header(), "PID|\x00"), "message", _UNREADABLE, "holds control characters, which are no text"),
        (message(header(), "patient|1"), "message", _UNREADABLE, "segment 2 has no name of three characters"),
        (message(header(), pid(), header()), "MSH[2]", _UNREADABLE, "a second message in one block; one block each"),
        (message(header(), "ADD|x"), "ADD[1]", _UNREADABLE, "continues no segment"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(content: bytes, element: str, cause: Cause, sentence: str) -> None:
    assert refusal(content) == (element, cause, sentence)


def test_more_segments_than_the_limit_are_refused() -> None:
    assert refusal(message(header(), *["NTE|1"] * 9), Limits(max_segments=5)) == (
        "message", Cause.TOO_LARGE, "more than 5 segments",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("head", "element", "sentence"),
    [
        (header(""), "MSH-10", "a message control id of 1 to 199 characters is needed"),
        (header("x" * 200), "MSH-10", "a message control id of 1 to 199 characters is needed"),
        (header(version="2.6"), "MSH-12", "this version is not read here; 2.3, 2.3.1, 2.4, 2.5, 2.5.1 are"),
        (header().replace("|P|", "|T|"), "MSH-11", "only processing id P is taken here (mllp_processing_id)"),
    ],
)
def test_a_header_that_says_too_little_or_the_wrong_thing_is_refused(head: str, element: str, sentence: str) -> None:
    with pytest.raises(RefusedMessageError) as refused:
        Header.of(head.encode()).check("P")

    assert (refused.value.element, refused.value.reason) == (element, sentence)


def test_a_segment_continued_by_add_is_one_segment() -> None:
    found = read(message(header(), "OBX|1|FT|x^y|1|first ", "ADD|half, second", "ADD| half|mg", "NTE|1"))
    (observation,) = found.named("OBX")

    assert observation.cell(5).text() == "first half, second half"
    assert observation.cell(6).text() == "mg"
    assert [segment.name for segment in found.segments] == ["OBX", "NTE"]


def test_a_message_in_parts_is_whole_with_its_last_one() -> None:
    parts = Parts(10_000)
    first = message(header("M1"), pid(), "OBX|1|FT|x^y|1|first ", "ADD|", "DSC|next-1|F")
    last = message(f"{header('M2')}||next-1", "ADD|half", "NTE|1")

    assert parts.whole(first, Header.of(first)) is None
    whole = parts.whole(last, Header.of(last))
    assert whole is not None
    assert [segment.name for segment in read(whole).segments] == ["PID", "OBX", "NTE"]
    assert next(read(whole).named("OBX")).cell(5).text() == "first half"
    assert parts.unfinished == 0


def test_the_rest_of_a_message_whose_beginning_never_came_is_refused() -> None:
    content = message(f"{header('M2')}||next-1", "ADD|half")

    with pytest.raises(RefusedMessageError, match="whose first part did not come by this connection"):
        Parts(10_000).whole(content, Header.of(content))


def test_unfinished_messages_are_bounded() -> None:
    parts = Parts(10_000)
    contents = [message(header(), f"DSC|p{number}|F") for number in range(9)]
    taken = [parts.whole(content, Header.of(content)) for content in contents[:8]]

    assert taken == [None] * 8
    with pytest.raises(RefusedMessageError, match="too many, or too large, continued messages at once"):
        parts.whole(contents[8], Header.of(contents[8]))


@pytest.mark.parametrize(
    ("written", "fhir"),
    [
        ("2026", "2026"), ("202601", "2026-01"), ("20260110", "2026-01-10"),
        ("2026011010", "2026-01-10T10:00:00+02:00"), ("202601101015", "2026-01-10T10:15:00+02:00"),
        ("20260110101530.1234-0500", "2026-01-10T10:15:30-05:00"), ("20260110101530^S", "2026-01-10T10:15:30+02:00"),
    ],
)  # fmt: skip
def test_a_time_is_as_precise_as_it_is_written(written: str, fhir: str) -> None:
    stamp = read_time(cell(written), timezone(timedelta(hours=2)))

    assert stamp is not None
    assert stamp.fhir == fhir


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("yesterday", "not a time as HL7 writes it (YYYYMMDDHHMMSS)"),
        ("2026-01-10", "not a time as HL7 writes it (YYYYMMDDHHMMSS)"),
        ("20260230", "not a day or time of the calendar"),
        ("00000000", "not a day or time of the calendar"),
        ("2026011025", "not a day or time of the calendar"),
        ("20260110101500+9900", "not a day or time of the calendar"),
    ],
)
def test_what_is_no_time_is_refused(written: str, sentence: str) -> None:
    with pytest.raises(RefusedMessageError) as refused:
        read_time(cell(written), UTC)

    assert refused.value.reason == sentence


def test_an_empty_time_is_none_and_a_zone_is_found_where_one_is_written() -> None:
    assert read_time(cell(""), UTC) is None
    assert stated_zone(cell("20260110101500+0900")) == timezone(timedelta(hours=9))
    assert stated_zone(cell("20260110101500")) is None


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200) | st.text(st.sampled_from("MSH|^~\\&OBXPID\r12."), max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for made in (content, oru() + content):
        with suppress(RefusedMessageError):
            assert all(segment.name for segment in read(made).segments)


def test_a_pointer_that_two_unfinished_messages_share_joins_neither_of_them() -> None:
    parts = Parts(10_000)
    one, two = (message(header(name), pid(name), "DSC|1|F") for name in ("A", "B"))
    assert parts.whole(one, Header.of(one)) is None
    assert parts.whole(one, Header.of(one)) is None  # its sender heard no answer

    with pytest.raises(RefusedMessageError, match="send both again"):
        parts.whole(two, Header.of(two))

    rest = message(header("A2").replace("|P|2.5.1", "|P|2.5.1||1"), "OBX|1")
    with pytest.raises(RefusedMessageError, match="first part did not come"):
        parts.whole(rest, Header.of(rest))
