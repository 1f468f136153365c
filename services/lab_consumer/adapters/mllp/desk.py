"""One message: from bytes to the acknowledgment of what was committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

import structlog

from services.lab_consumer.formats.v2.answer import answer_to, flaw_of, trouble
from services.lab_consumer.formats.v2.entries import read_entries
from services.lab_consumer.formats.v2.order import OrderPlaces, read_slide_orders
from services.lab_consumer.formats.v2.site import MessageSite
from services.lab_consumer.handlers.messages import Flaw, Incoming, TakeMessage, digest_of
from shared.domain.errors import OutOfResourcesError, TemporaryError, place
from shared.domain.identity import IdentityMap
from shared.domain.refusals import Cause
from shared.hl7.reading import orders, patient_merge, results
from shared.hl7.reading.continuation import Parts, Room
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, parse
from shared.hl7.reading.patient_merge import read_merge
from shared.hl7.refusal import RefusedMessageError
from shared.hl7.writing.acknowledgment import NO_HEADER, write
from shared.observability import metrics, tracing

_AGAIN = "send it again later"
log = structlog.get_logger("oncorelay.lab_consumer")


@dataclass(frozen=True, slots=True)
class MessageRules:
    """How messages of this site are read."""

    identities: IdentityMap
    code_systems: Mapping[str, str]
    zone: tzinfo
    processing_id: str
    limits: Limits
    max_bytes: int
    places: OrderPlaces = field(default_factory=OrderPlaces)
    """Where orders state their identifiers."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What all connections share; thread-safe."""

    take: TakeMessage
    rules: MessageRules
    trouble: Callable[[], Cause | None]
    """Why nothing can be taken now, whoever sends."""
    now: Callable[[], datetime]
    new_control_id: Callable[[], str]
    room: Room = field(default_factory=Room)
    """For the unfinished messages of all connections."""

    def refused(self, head: bytes, cause: Cause, text: str) -> bytes:
        """Return the answer to a message nobody looked into; ``head``: its beginning."""
        return self.written(_header(head), (trouble(cause, text),))

    def written(self, header: Header, flaws: tuple[Flaw, ...]) -> bytes:
        """Return the acknowledgment, counted."""
        answer = answer_to(flaws)
        metrics.MESSAGES.add(acknowledgment=answer.code)
        for flaw in (one for one in flaws if not one.warning):
            metrics.MESSAGES_REFUSED.add(cause=flaw.cause)
        return write(answer, header, self.now(), self.new_control_id())


@dataclass(slots=True)
class Conversation:
    """The messages of one connection, one after the other."""

    desk: Desk
    parts: Parts = field(init=False)

    def __post_init__(self) -> None:
        self.parts = Parts(self.desk.rules.max_bytes, self.desk.room)

    def end(self) -> None:
        """Forget unfinished messages: the connection is gone."""
        self.parts.forget()

    def answers(self, contents: Sequence[bytes]) -> list[bytes]:
        """Take messages in, in order, with one commit where all goes well; return the acknowledgment of each.

        Raises nothing. What is accepted is committed. Where anything fails that is not a message's own fault, all of it
        is undone, and each is taken by itself: one message must not spoil another's answer.
        """
        at_once = self._at_once(contents) if len(contents) > 1 else None
        return at_once or [self.answer(content) for content in contents]

    def answer(self, content: bytes) -> bytes:
        """Take one message in; return its acknowledgment. Raises nothing."""
        header = _header(content)
        cause = None if header is NO_HEADER else self.desk.trouble()
        if cause:
            return self.desk.written(header, (trouble(cause, f"nothing can be taken now ({cause.value}); {_AGAIN}"),))
        try:
            return self.desk.written(header, self._taken(content, header))
        except Exception as error:  # noqa: BLE001 - one message must not end the others' door
            return self.desk.written(header, (_failed(error),))

    def _at_once(self, contents: Sequence[bytes]) -> list[bytes] | None:
        if self.desk.trouble():
            return None
        before, read = self.parts.copy(), [(content, _header(content)) for content in contents]
        try:
            with self.desk.take.together():
                taken = [(header, self._taken(content, header)) for content, header in read]
        except Exception as error:  # noqa: BLE001 - told message by message, when each is tried again
            log.warning("messages_taken_one_by_one", error=type(error).__name__)
            self.parts.return_to(before)
            return None
        return [self.desk.written(header, flaws) for header, flaws in taken]

    def _taken(self, content: bytes, header: Header) -> tuple[Flaw, ...]:
        try:
            with tracing.span("hl7.message"):
                return self._read(content, header)
        except RefusedMessageError as error:
            self.desk.take.refuse(Incoming(digest_of(content)), flaw_of(error))
            return (flaw_of(error),)

    def _read(self, content: bytes, header: Header) -> tuple[Flaw, ...]:
        rules = self.desk.rules
        if header is NO_HEADER:
            Header.of(content)  # says why there is none
        header.check(rules.processing_id)
        if header.kind not in (results.KIND, orders.KIND, patient_merge.KIND):
            taken = f"{results.KIND}, {orders.KIND} and {patient_merge.KIND}"
            raise RefusedMessageError("MSH-9", Cause.NOT_SUPPORTED, f"this kind of message is not taken; {taken} are")
        whole = self.parts.whole(content, header)
        return () if whole is None else self.desk.take(self._incoming(whole))

    def _incoming(self, content: bytes) -> Incoming:
        rules, header = self.desk.rules, Header.of(content)
        message = parse(content, header, rules.limits)
        if header.kind == patient_merge.KIND:
            return Incoming(digest_of(content), changes=read_merge(message, rules.identities))
        site = MessageSite(rules.identities, rules.code_systems, rules.zone, self.desk.now(), "", "")
        digest = digest_of(content, self._tables())
        if header.kind == orders.KIND:
            return Incoming(digest, read_slide_orders(message, site, rules.places))
        return Incoming(digest, read_entries(message, site))

    def _tables(self) -> str:
        rules, codes = self.desk.rules, self.desk.take.receive.site_codes
        declared = sorted(map(repr, codes.rows.values()))
        slides = self.desk.take.receive.orders
        said = sorted((*key, *sorted(meanings)) for key, meanings in slides.codes.rows.items())
        texts = (str(rules.zone), rules.limits.default_character_set)
        return repr((sorted(rules.code_systems.items()), declared, *texts, slides.taken, said, rules.places))


def _header(content: bytes) -> Header:
    try:
        return Header.of(content)
    except RefusedMessageError:
        return NO_HEADER


def _failed(error: Exception) -> Flaw:
    if isinstance(error, TemporaryError):
        log.warning("intake_unavailable", error=type(error).__name__)
        full = isinstance(error, OutOfResourcesError)
        return trouble(Cause.OUT_OF_SPACE if full else Cause.STORE_UNREACHABLE, "it could not be kept; send it again")
    # The type only: an exception's text may quote what it choked on.
    log.error("message_failed", error=type(error).__name__, place=place(error))
    return trouble(Cause.INTERNAL, "internal error; see the service's log")
