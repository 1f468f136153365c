"""The numbers of a slide with their codes, once: what JSON and GeoJSON state beside their detail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.case import FindingKind
from shared.domain.prediction import Prediction
from shared.domain.slide_answers import SlideAnswer

VERSION = 1
"""Of this structure; raised with every change that takes something away or gives it another meaning."""


def summary(finding: Finding, style: Style) -> dict[str, Any]:
    """Return what the finding states, with everything that must be read with it; no file name, no path, no name."""
    said: dict[str, Any] = {
        "schema": f"urn:oncorelay:slide-summary:{VERSION}",
        "case": finding.case_id,
        "revision": finding.revision,
        "kind": finding.kind.value,
        "review": finding.review.value,
        "time": finding.created_time.isoformat(),
        "use": list(wording.use_sentences(finding, style)),
    }
    if finding.kind is FindingKind.WITHDRAWN:
        said["withdrawn"] = wording.withdrawal(finding)
    if finding.not_analysed:
        reason = local.REASONS[finding.not_analysed.reason]
        said["not_analysed"] = {"code": reason.code, "text": finding.not_analysed.text}
    if finding.prediction and finding.prediction.slide:
        said |= _answer(finding.prediction, finding.prediction.slide)
    return said


def _answer(prediction: Prediction, answer: SlideAnswer) -> dict[str, Any]:
    stated, made = slide_wording.stated_level(answer), answer.croppings[0]
    bundle = prediction.bundle
    return {
        "method": local.AI_ON_HE.display,
        "model": {"id": bundle.bundle_id, "version": bundle.version, "sha256": bundle.digest},
        "level": {"code": local.LEVELS[stated].code, "display": local.LEVELS[stated].display} if stated else None,
        "indeterminate": answer.indeterminate,
        "score": answer.score,
        "interval": list(answer.score_interval) if answer.score_interval else None,
        "shares": {local.LEVELS[row.level].code: row.share for row in answer.levels},
        "probabilities": {
            prediction.outcome.positive_class: prediction.probability,
            prediction.outcome.complement_class: prediction.complement,
        },
        "patches": {"all": made.patches, "tumour": made.tumour_patches},
        "sentences": [text for text in _sentences(prediction, answer) if text],
    }


def _sentences(prediction: Prediction, answer: SlideAnswer) -> Iterator[str]:
    """Return result, readings, stain, quality, calibration, exclusions and remarks: what no number says by itself."""
    yield from wording.answers(prediction)
    yield from slide_wording.basis(answer)
    yield from wording.flags(prediction.flags)
