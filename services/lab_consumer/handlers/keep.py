"""Keeping one judged resource: is it newer, is it different, whose is it; then what is known about her now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.lab_consumer.handlers import orders, panels
from services.lab_consumer.handlers.answers import Answer, informed, warned
from services.lab_consumer.handlers.judge import Judged, blank
from services.lab_consumer.handlers.linking import follow
from services.lab_consumer.handlers.panels import NO_PANELS, PanelRules
from services.lab_consumer.handlers.projection import changes, project
from services.lab_consumer.handlers.submission import UNNAMED, Submission
from services.lab_consumer.ports.records import LEAVES, Statement, StatementKind, Version
from services.lab_consumer.ports.store import Writing
from shared.domain.identity import IdentityMap, PatientIdentity
from shared.fhir.reading.patient import IDENTIFIER, read_patient
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

_LONGEST_COUNTER = 18
_TAKEN_BACK = frozenset({"entered-in-error", "cancelled", "revoked"})
_NO_FACTS = frozenset({StatementKind.PROBLEM, StatementKind.ORDER})
"""What results has not to be told of."""
_BEFORE_FINAL, _FINAL = frozenset({"registered", "preliminary"}), frozenset({"final", "amended", "corrected"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What happened to one resource, and whose facts must be looked at again."""

    answer: Answer
    owners: frozenset[PatientIdentity] = frozenset()
    leaf: str = ""
    """``Type/id`` where nothing but what this resource itself states can have changed; empty otherwise."""


def keep(writing: Writing, judged: Judged, identities: IdentityMap) -> Kept:
    """Keep a resource where it is new.

    Raises:
        RefusedElementError: If it contradicts another resource on record, or is on record for another patient.
    """
    submission = judged.submission
    refuse_taken(writing, submission)
    head = writing.head(submission.resource_type, submission.resource_id)
    version = judged.version or (blank(submission) if head else None)
    if version is None or (head is None and version.content is None):
        return Kept(_answer(judged, 200, judged.note or "nothing to do"))
    if head and _older(version, head):
        return Kept(_answer(judged, 200, "an older version than the one on record: ignored"))
    _refuse_rival(writing, version, identities)
    if head and _same(version, head):
        if (version.counted, version.last_updated) != (head.counted, head.last_updated):
            writing.touch(version)
        return Kept(_answer(judged, 200, judged.note or "the same content again: nothing new"))
    before = writing.owner(head) if head else None
    writing.append(version)
    leaf = version.source if version.resource_type in LEAVES else ""
    return replace(_kept(writing, judged, version, before, follow(writing, version, head)), leaf=leaf)


def refuse_taken(writing: Writing, submission: Submission) -> None:
    """Refuse what stands on record for another patient, where it may not move to this one.

    Raises:
        RefusedElementError: See ``Submission.taken``.
    """
    head = writing.head(submission.resource_type, submission.resource_id) if submission.taken else None
    if head is None or head.content is None or head.content.get("status") in _TAKEN_BACK:
        return
    owner, said = writing.owner(head), submission.identity
    if submission.taken and owner and said and writing.surviving(owner) != writing.surviving(said):
        raise submission.taken


def _kept(
    writing: Writing, judged: Judged, version: Version, before: PatientIdentity | None,
    linked: frozenset[PatientIdentity],
) -> Kept:  # fmt: skip
    after = writing.owner(version)
    owners = {before, after, *writing.owners_needing(version.source), *linked} - {None}
    named = frozenset(owner for owner in owners if owner)
    affected = named | {writing.surviving(owner) for owner in named}
    if not judged.used or version.content is None:
        return Kept(_answer(judged, 200, judged.note), affected)
    if after is None and version.subject and version.resource_type != "Patient":
        waiting = f"kept until its Patient ({_shown(version.subject)}) is known under the site's identity map"
        return Kept(_answer(judged, 202, waiting), affected)
    return Kept(_answer(judged, 201, judged.note or "accepted"), affected)


def affected(kept: Iterable[Kept]) -> dict[PatientIdentity, frozenset[str] | None]:
    """Return whose facts must be looked at again, and of which leaves; None: of everything about her."""
    found: dict[PatientIdentity, frozenset[str] | None] = {}
    for row in kept:
        for owner in row.owners:
            before = found.get(owner, frozenset())
            found[owner] = before | {row.leaf} if row.leaf and before is not None else None
    return found


def update(
    writing: Writing, identity: PatientIdentity, identities: IdentityMap, leaves: frozenset[str] | None = None,
    rules: PanelRules = NO_PANELS,
) -> tuple[Statement, ...]:  # fmt: skip
    """Bring what is known about a patient, and her panels, up to date, and announce it; return the new problems.

    ``leaves``: nothing changed but what these resources (``Type/id``) themselves state; None: anything may have.
    """
    versions = writing.about(identity, leaves)
    sources = None if leaves is None else frozenset({"", *leaves, *(version.source for version in versions)})
    before = writing.stated(identity, sources)
    if not before and sources:  # nobody looked at this patient yet: only the whole record says who she is
        versions, before = writing.about(identity), writing.stated(identity)
    changed = changes(before, project(versions, identities, writing.now, identity))
    writing.state(identity, changed)
    if any(row.kind not in _NO_FACTS for row in changed):
        writing.announce(identity)
    panels.follow(writing, identity, changed, rules)
    orders.follow(writing, identity, versions, before, changed)
    return tuple(row for row in changed if row.kind is StatementKind.PROBLEM and row.value is not None)


def _answer(judged: Judged, status: int, text: str) -> Answer:
    issues = (warned(judged.warning),) if judged.warning else ()
    return Answer(status, judged.submission.source, (*issues, informed(text)))


def _shown(reference: str) -> str:
    return reference if reference.startswith("Patient/") else "on another server"


def _older(version: Version, head: Version) -> bool:
    if _counter(version.counted) and _counter(head.counted):
        return int(version.counted) < int(head.counted)
    new, old = _instant(version.last_updated), _instant(head.last_updated)
    return new < old if new and old else _back_from_final(version, head)


def _back_from_final(version: Version, head: Version) -> bool:
    """Tell whether nothing but the status says which of two came first: a final value does not become preliminary."""
    if version.resource_type != "Observation" or version.content is None or head.content is None:
        return False
    return version.content.get("status") in _BEFORE_FINAL and head.content.get("status") in _FINAL


def _counter(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNTER


def _instant(text: str) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return stamp if stamp.tzinfo else None


def _same(version: Version, head: Version) -> bool:
    return (version.digest, version.subject, version.identity, version.needs) == (
        head.digest,
        head.subject,
        head.identity,
        head.needs,
    )


def _refuse_rival(writing: Writing, version: Version, identities: IdentityMap) -> None:
    """Refuse a second Patient of one identity that states another birth date or sex.

    The EHR's own Patient is the word on both: those without an id of the EHR (out of messages) are held against it, and
    never it against them.
    """
    if version.resource_type != "Patient" or version.identity is None or version.content is None:
        return
    stated = read_patient(dict(version.content), identities).demographics
    rivals = [
        one for one in _patients(writing.about(version.identity, frozenset())) if one.identity == version.identity
    ]
    named = [one for one in rivals if not one.resource_id.startswith(UNNAMED)]
    for rival in named if named or not version.resource_id.startswith(UNNAMED) else rivals:
        if rival.source == version.source or rival.content is None:
            continue
        if stated.contradictions(read_patient(dict(rival.content), identities).demographics):
            raise RefusedElementError(
                IDENTIFIER, IssueCode.DUPLICATE, "another Patient has this identifier and another birth date or sex"
            )


def _patients(versions: Iterable[Version]) -> list[Version]:
    return [version for version in versions if version.resource_type == "Patient"]
