"""Blocks in a stream, however it is cut up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.hl7.mllp import Block, Cut, Event, Frames, TooLarge, framed


def fed(stream: bytes, size: int = 1 << 20, most: int = 1000) -> list[Event]:
    frames = Frames(most)
    return [event for start in range(0, len(stream), size) for event in frames.feed(stream[start : start + size])]


def test_several_messages_in_one_burst_come_out_in_order() -> None:
    assert fed(framed(b"one") + framed(b"two") + framed(b"three")) == [Block(b"one"), Block(b"two"), Block(b"three")]


@settings(max_examples=40, deadline=None)
@given(
    contents=st.lists(st.binary(max_size=40).map(lambda part: part.translate(None, b"\x0b\x1c")), max_size=5),
    between=st.sampled_from((b"", b"\r\n", b"garbage", b"\x1c", b"\r")),
    size=st.integers(1, 50),
)
def test_however_a_stream_is_cut_up_the_same_messages_come_out(
    contents: list[bytes], between: bytes, size: int
) -> None:
    stream = b"".join(between + framed(content) for content in contents) + between

    assert fed(stream, size) == [Block(content) for content in contents]


@settings(max_examples=40, deadline=None)
@given(
    stream=st.binary(max_size=300) | st.lists(st.sampled_from((b"\x0b", b"\x1c", b"\r", b"MSH|"))).map(b"".join),
    size=st.integers(1, 9),
)
def test_nothing_a_stream_holds_is_held_beyond_the_limit(stream: bytes, size: int) -> None:
    assert all(len(event.content) <= 20 for event in fed(stream, size, most=20) if isinstance(event, Block))


def test_garbage_between_blocks_is_counted_and_passed_over() -> None:
    frames = Frames(100)

    assert frames.feed(b"GET / HTTP/1.1\r\n\r\n" + framed(b"one")) == [Block(b"one")]
    assert frames.stray == len("GET / HTTP/1.1")


def test_a_block_that_is_begun_anew_was_cut() -> None:
    assert fed(b"\x0bhalf of it" + framed(b"whole")) == [Cut(), Block(b"whole")]


def test_a_start_written_twice_is_one_beginning() -> None:
    assert fed(b"\x0b" + framed(b"one")) == [Block(b"one")]


def test_the_end_without_its_carriage_return_is_an_end() -> None:
    assert fed(b"\x0bone\x1c\n" + framed(b"two")) == [Block(b"one"), Block(b"two")]


def test_a_block_too_large_is_told_at_once_and_the_next_one_is_whole() -> None:
    assert fed(framed(b"MSH" * 50) + framed(b"two"), size=7, most=30) == [TooLarge((b"MSH" * 50)[:34]), Block(b"two")]


def test_what_has_begun_and_not_ended_is_known() -> None:
    frames = Frames(100)
    frames.feed(b"\x0bMSH|")

    assert (frames.begun, frames.head) == (True, b"MSH|")
