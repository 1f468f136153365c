"""Merges, unlinks and corrections: what one Patient resource says about whose record is whose."""

from __future__ import annotations

from services.lab_consumer.ports.records import Version
from services.lab_consumer.ports.store import Writing
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.merges import closes_a_circle
from shared.fhir.reading.patient import read_links

Pair = tuple[PatientIdentity, PatientIdentity]
"""The identity that ends, and the one that survives."""


def follow(writing: Writing, version: Version, head: Version | None) -> frozenset[PatientIdentity]:
    """Record what a new version of a Patient changes; return whose facts must be looked at again.

    A deletion says nothing about links: masters of patients delete the record that was replaced.
    """
    if version.resource_type != "Patient" or version.content is None:
        return frozenset()
    touched = _corrected(writing, version, head)
    stated, before = _pairs(writing, version), _pairs(writing, head) if head else set()
    if head is None or head.identity != version.identity or stated != before:
        for waiting in writing.waiting_for(version.source):
            touched |= _join(writing, waiting, _pairs(writing, waiting))
    touched |= _join(writing, version, stated)
    for pair in before - stated:
        touched |= _part(writing, version, pair)
    return frozenset(touched)


def merge(writing: Writing, ends: PatientIdentity, survives: PatientIdentity, message: str) -> set[PatientIdentity]:
    """Record that one identity became part of another; return whose facts must be looked at again.

    Where that would close a circle, however long, the one that survives is made a patient of her own first.
    """
    touched: set[PatientIdentity] = set()
    into = writing.merged_into(survives)
    if into is not None and closes_a_circle(ends, survives, writing.merged_into):
        touched |= record(writing, PatientChange(PatientChangeKind.UNLINK, survives, into, message))
    return touched | record(writing, PatientChange(PatientChangeKind.MERGE, ends, survives, message))


def record(writing: Writing, change: PatientChange) -> frozenset[PatientIdentity]:
    """Record a change some other message told of; return whose facts must be looked at again."""
    until_now = writing.surviving(change.from_identity)
    writing.change(change)
    return frozenset({until_now, change.from_identity, *([change.to_identity] if change.to_identity else [])})


def _corrected(writing: Writing, version: Version, head: Version | None) -> set[PatientIdentity]:
    """The same Patient under another identifier: whose the old one is cannot be told."""
    if head is None or head.identity is None or head.identity == version.identity:
        return set()
    change = PatientChange(PatientChangeKind.CORRECTION, head.identity, version.identity, _message(version))
    return set(record(writing, change))


def _join(writing: Writing, version: Version, pairs: set[Pair]) -> set[PatientIdentity]:
    """Follow the stated merges; of several stated for one identity the one that holds is left alone."""
    touched: set[PatientIdentity] = set()
    for ends, survives in sorted(pairs, key=repr):
        if ends != survives and (ends, writing.merged_into(ends)) not in pairs:
            touched |= merge(writing, ends, survives, _message(version))
    return touched


def _part(writing: Writing, version: Version, pair: Pair) -> set[PatientIdentity]:
    """A link is gone: the records part, unless the other Patient still states it."""
    ends, survives = pair
    others = [one for one in writing.about(writing.surviving(ends), frozenset()) if one.resource_type == "Patient"]
    still = any(pair in _pairs(writing, one) for one in others if one.source != version.source)
    if still or writing.merged_into(ends) != survives:
        return set()
    return set(record(writing, PatientChange(PatientChangeKind.UNLINK, ends, survives, _message(version))))


def _pairs(writing: Writing, version: Version) -> set[Pair]:
    """Return the merges a Patient states, as far as the other Patient is known."""
    pairs: set[Pair] = set()
    mine = version.identity
    for link in read_links(dict(version.content or {})):
        other = writing.head("Patient", link.other.removeprefix("Patient/"))
        theirs = other.identity if other else None
        if mine and theirs and link.merges:
            pairs.add((mine, theirs) if link.kind == "replaced-by" else (theirs, mine))
    return pairs


def _message(version: Version) -> str:
    return f"{version.source} version {version.version[:32]}"
