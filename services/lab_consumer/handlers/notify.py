"""A notification came: remember what to fetch, tell whether events were missed, and have the FHIR server asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.lab_consumer.handlers.answers import Answer, informed, refused
from services.lab_consumer.handlers.judge import USED_TYPES
from services.lab_consumer.handlers.notification import Notification, Target, read_notification
from services.lab_consumer.handlers.receive import Receive, status_of
from services.lab_consumer.ports.pulling import PullQueue, Wish
from shared.fhir.reading.json_text import JsonLimits, parse
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError


@dataclass(frozen=True, slots=True)
class Notify:
    """Take notifications; what is answered with success is remembered durably."""

    queue: PullQueue
    receive: Receive
    limits: JsonLimits
    most_targets: int
    """A notification that names more is answered by polling."""
    ask: Callable[[bool], None]
    """Have the FHIR server asked soon; True: for everything that changed, too."""
    now: Callable[[], datetime]

    def body(self, body: bytes) -> Answer:
        """Take the body of a POST; an empty one only says that something changed.

        Raises:
            TemporaryError: If nothing could be remembered.
        """
        if not body.strip():
            return self._take(Notification(()))
        try:
            found = read_notification(parse(body, self.limits))
        except RefusedElementError as error:
            self.receive.refuse(error)
            return Answer(status_of(error), "", (refused(error),))
        return self._take(found)

    def named(self, target: Target) -> Answer:
        """Take ``PUT …/Type/id``: the name is the hint, the body is not read.

        Raises:
            TemporaryError: If nothing could be remembered.
        """
        if target[0] not in USED_TYPES:
            return Answer(200, "", (informed(f"not used: no fact is read from {target[0]}"),))
        return self._take(Notification((target,)))

    def _take(self, found: Notification) -> Answer:
        missed = self._missed(found)
        names_too_many = len(found.targets) > self.most_targets
        names_nothing = not found.targets and found.kind in ("", "event-notification")
        everything = missed or names_too_many or names_nothing
        if found.targets and not names_too_many:
            self.queue.want([Wish(*target) for target in found.targets], self.now())
        if found.subscription and (found.last or found.kind == "handshake"):
            self.queue.heard(found.subscription, found.last)
        if everything or found.targets:
            self.ask(everything)
        text = f"{len(found.targets)} named, to be fetched" if found.targets else "taken"
        text += "; events were missed, what changed is polled for" if missed else ""
        return Answer(200, "", (informed(text),))

    def _missed(self, found: Notification) -> bool:
        """Tell whether events of a subscription did not come; a person is told too."""
        before = self.queue.event(found.subscription) if found.subscription else None
        if before is None or not found.last or found.last <= before:
            return False
        first = found.first or found.last + (found.kind == "heartbeat")
        if first <= before + 1:
            return False
        gap = f"events {before + 1} to {first - 1} of a subscription did not come; what changed is polled for"
        self.receive.refuse(MalformedError("Subscription.event", IssueCode.NOT_FOUND, gap))
        return True
