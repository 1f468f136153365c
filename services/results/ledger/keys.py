"""The two keys (system rule 2): ``case_id`` from the first input on, ``result_key`` once an answer is there.

HMAC with the site's secret, because a few laboratory values, or a patient identifier, are guessable.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from services.results.ledger.codec import digest, dump
from shared.domain.case import Pins
from shared.domain.facts import Fact
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.images import ArtefactKind
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.slides import PinnedSlide
from shared.domain.study import Study


@dataclass(frozen=True, slots=True)
class Keys:
    """Derives keys with the site's secret."""

    site_id: str
    secret: bytes

    def case_id(self, predictor: str, study: Study) -> str:
        """Return the id of the question (site, predictor, identity, side, study, specimen of a slide): 32 digits."""
        who, glass = _identity(study.identity), ["slide", dump(study.slide.specimen)] if study.slide else []
        about = [who, str(study.side or ""), study.study_instance_uid, *glass]
        return self._hmac("case", self.site_id, predictor, *about)[:32]

    def patient(self, identity: PatientIdentity | None) -> str:
        """Return the audit's name of a patient: only who has identity and secret finds it."""
        return self._hmac("patient", self.site_id, _identity(identity)) if identity else ""

    def result_key(self, pins: Pins, answer: Prediction | NotAnalysed) -> str:
        """Return the key of an answer: same key, same result.

        It covers identity, pinned images and facts (with versions), bundles, the site's imaging policy, the runtime and
        precision that ran it, and of an answer from images the region and how it was measured; of a slide its policy,
        calibration and exclusions; no sink and no clock.
        """
        ran = _ran(answer) if isinstance(answer, Prediction) else [dump(answer)]
        return self._hmac("result", self.site_id, answer.predictor, pin_digest(pins), *ran)

    def refusal_key(self, study: Study, refusal: NotAnalysed) -> str:
        """Return the key of a refusal before anything was pinned."""
        return self._hmac("refusal", self.site_id, _identity(study.identity), study_version(study), dump(refusal))

    def withdrawal_key(self, finding_id: str) -> str:
        """Return the key of the withdrawal of a finding."""
        return self._hmac("withdrawal", self.site_id, finding_id)

    def attempt_token(self, case_id: str, number: int, worker: str, claimed: datetime) -> str:
        """Return what proves a claim: whoever claimed it was told, and nobody derives it without the secret."""
        return self._hmac("attempt", self.site_id, case_id, str(number), worker, claimed.isoformat())

    def _hmac(self, *parts: str) -> str:
        return hmac.new(self.secret, json.dumps(parts).encode(), hashlib.sha256).hexdigest()


def study_version(study: Study) -> str:
    """Return a digest of what a study consists of: its instances, their identity, its conflicts; its draw or slide."""
    rows = sorted(f"{i.sop_instance_uid}|{i.content_digest}|{i.identity_digest}" for i in study.instances)
    head = [_identity(study.identity), str(study.side), str(study.study_date), *sorted(study.conflicts)]
    panel = study.panel
    of_panel = ["panel", *panel.analytes, str(panel.last_date), panel.taken_back] if panel else []
    of_slide = ["slide", dump(study.slide)] if study.slide else []
    return digest(*head, *rows, *of_panel, *of_slide)


def pin_digest(pins: Pins) -> str:
    """Return a digest of what an answer rests on. ``as_of`` is not in it: the versions of the facts are."""
    facts = sorted(_pinned(fact) for fact in pins.facts)
    images = sorted(f"{i.sop_instance_uid}|{i.content_digest}|{i.identity_digest}" for i in pins.instances)
    inputs = sorted(f"{i.name}={i.value}" for i in pins.inputs)
    head = [_identity(pins.identity), pins.study_instance_uid, str(pins.study_date), str(pins.side), pins.variant]
    who = pins.demographics or Demographics()
    stated = [f"{name}={value}" for name, value in (("born", who.birth_date), ("sex", who.sex)) if value]
    rest = ["|", *facts, "|", *images, *stated]
    rest += _of_images(pins)
    return digest(*head, pins.bundle_id, pins.bundle_digest, *sorted(pins.notes), *inputs, *rest)


def _of_images(pins: Pins) -> list[str]:
    """Return what counts of the bundles that measure images; nothing where there are none, as before there were any."""
    others = [f"other|{one.variant}={one.bundle.bundle_id}@{one.bundle.digest}" for one in pins.others]
    policy, region = pins.imaging, pins.region
    if policy:
        others.append(f"imaging|{policy.automatic_region}|{policy.classifier}|{policy.refuse_distance!r}")
    if region:
        others.append(f"region|{region.artefact.digest}|{region.confirmed_by}")
    return others + (_of_slide(pins.slide) if pins.slide else [])


def _of_slide(pinned: PinnedSlide) -> list[str]:
    """Return what counts of a slide; patches of an earlier answer do not: they spare the network and say the same."""
    left_out = [f"excluded|{dump(one)}" for one in pinned.exclusions]
    shift = [f"calibration|{pinned.calibration.digest}"] if pinned.calibration else []
    return [f"slide|{dump(pinned.slide)}", f"policy|{dump(pinned.policy)}", *shift, *left_out]


def _ran(answer: Prediction) -> list[str]:
    """Return what ran; a heatmap is drawn by the same network, and is none of its own."""
    ran = [answer.bundle.digest, answer.runtime, answer.precision]
    regions = sorted(one.digest for one in answer.artefacts if one.kind is ArtefactKind.REGION)
    measured = sorted({one.method for one in answer.measured})
    return [*ran, answer.variant, *regions, *measured] if regions or measured else ran


def _pinned(fact: Fact) -> str:
    """Return what counts of a fact.

    What facts have learned to say since the first results counts only where it is said: the digest of what was pinned
    before must stay, or every old case would be answered anew.
    """
    always = f"{fact.fact_id}|{fact.version}|{fact.value}|{fact.unit}|{fact.status}|{fact.effective_date}"
    later = {
        "comparator": fact.comparator, "collected": fact.collected_time and fact.collected_time.isoformat(),
        "low": fact.reference_low, "high": fact.reference_high, "intent": fact.intent, "end": fact.end_date,
    }  # fmt: skip
    return always + "".join(f"|{name}={value}" for name, value in later.items() if value)


def _identity(identity: PatientIdentity | None) -> str:
    return json.dumps([identity.authority, identity.identifier]) if identity else ""
