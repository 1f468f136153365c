"""A finding about a slide as ORU^R01: judged by hl7apy, read back by python-hl7."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from services.results.deliver.formats.hl7_report import Addressed, control_id, result_status, to_oru
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding, Predecessor
from shared.codes import local, loinc
from shared.domain.case import FindingKind, ReviewState
from shared.domain.errors import PermanentError
from shared.domain.prediction import IntendedUse
from shared.storage.blobs import LocalBlobs
from tests.findings import Findings
from tests.slide_findings import INTERVAL, PROBABILITY, SCORE, SlideFindings, indeterminate, slide_answer, tumour_count

TO = Addressed("ONCORELAY", "HOSP", "LIS", "PATH")
KINDS: dict[str, Callable[[SlideFindings], Finding]] = {
    "prediction": lambda f: f.prediction(),
    "indeterminate": lambda f: f.prediction(indeterminate()),
    "without interval": lambda f: f.prediction(replace(slide_answer(), score_interval=None, levels=())),
    "clinical": lambda f: replace(f.prediction(use=IntendedUse.CLINICAL), review=ReviewState.ACCEPTED),
    "not analysed": lambda f: f.not_analysed(),
    "withdrawn": lambda f: f.withdrawal(f.prediction()),
}


@pytest.fixture
def slides(blobs: LocalBlobs) -> SlideFindings:
    return SlideFindings(blobs)


def there(finding: Finding, revision: int = 1) -> tuple[Predecessor, ...]:
    return (Predecessor("f0", revision, FindingKind.PREDICTION, "A" * 20, ""),)


def written(finding: Finding, style: Style, earlier: tuple[Predecessor, ...] = ()) -> str:
    return to_oru(finding, earlier, style, TO, "HOSP").decode()


def rows(message: str) -> dict[tuple[str, str], Any]:
    """Return the OBX segments by code and sub-id, as python-hl7 reads them."""
    found = {(str(row[3][0][0]), str(row[4])): row for row in hl7.parse(message).segments("OBX")}
    assert len(found) == message.count("\rOBX|")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_hl7apy_finds_every_message_in_order(kind: str, slides: SlideFindings, style: Style) -> None:
    message = parse_message(written(KINDS[kind](slides), style), validation_level=VALIDATION_LEVEL.STRICT)
    assert message.validate()
    assert message.MSH.MSH_9.to_er7() == "ORU^R01^ORU_R01"
    assert len(message.ORU_R01_PATIENT_RESULT.ORU_R01_ORDER_OBSERVATION.ORU_R01_SPECIMEN) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_finding_gives_the_same_bytes_and_the_same_message_id(
    kind: str, slides: SlideFindings, style: Style
) -> None:
    finding = KINDS[kind](slides)
    assert written(finding, style) == written(finding, style)
    assert written(finding, style).split("|")[9] == control_id(finding, style)
    assert len(control_id(finding, style)) == 20


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_ever_has_the_code_of_a_receptor(kind: str, slides: SlideFindings, style: Style) -> None:
    message = written(KINDS[kind](slides), style, there(slides.prediction()))
    codes = {key for key, _ in rows(message)}
    receptors = {row.code for row in (*loinc.HER2_STATUS, *loinc.HER2_ISH)}
    assert codes
    assert not codes & receptors
    assert not any(code in message for code in receptors)
    assert "LL4396-9" not in message


def test_the_method_is_read_back_whole_although_it_holds_a_separator(slides: SlideFindings, style: Style) -> None:
    row = rows(written(slides.prediction(), style))["her2_he_level", "1"]
    read = hl7.parse(written(slides.prediction(), style))
    assert read.unescape(str(row[17][0][1])) == "AI on H&E"
    assert "AI on H\\T\\E" in written(slides.prediction(), style)


def test_score_interval_level_and_probabilities_stand_in_rows_of_their_own(slides: SlideFindings, style: Style) -> None:
    found = rows(written(slides.prediction(), style))
    assert [str(found["her2_he_level", "1"][place]) for place in (2, 11)] == ["CE", "P"]
    assert str(found["her2_he_level", "1"][5][0][0]) == "resembles_2_pos"
    assert float(str(found["her2_he_score", "1"][5])) == pytest.approx(SCORE, abs=1e-6)
    assert str(found["her2_he_interval", "1"][5]) == f"^{INTERVAL[0]}^-^{INTERVAL[1]}"
    assert float(str(found["p_her2_positive", "1"][5])) == pytest.approx(100 * PROBABILITY, abs=1e-6)
    assert float(str(found["p_her2_negative", "1"][5])) == pytest.approx(100 * (1 - PROBABILITY), abs=1e-6)
    assert int(str(found["tumour_patches", "1"][5])) == tumour_count()
    shares = [str(found[row.code, "1"][5]) for row in local.SHARES.values()]
    assert shares == ["0", "0", "1.2", "95.1", "3.7"]


def test_model_version_and_time_of_the_analysis_stand_in_every_row(slides: SlideFindings, style: Style) -> None:
    for row in rows(written(slides.prediction(), style)).values():
        assert str(row[18]).startswith("her2-tl_pa-demonstration 1.0.0^OncoRelay^")
        assert str(row[19]) == "20260314092653+0000"


def test_specimen_block_and_glass_name_each_other(slides: SlideFindings, style: Style) -> None:
    specimen, block, glass = hl7.parse(written(slides.prediction(), style)).segments("SPM")
    assert [str(row[2]) for row in (specimen, block, glass)] == ["S26-1234-A", "A2", "A2-3"]
    assert [str(row[3]) for row in (specimen, block, glass)] == ["", "S26-1234-A", "A2~S26-1234-A"]
    assert str(glass[27]) == "B-000123"
    (request,) = hl7.parse(written(slides.prediction(), style)).segments("OBR")
    assert (str(request[4][0][0]), str(request[18])) == ("60568-3", "S26-1234")
    assert str(request[2]) == "P-77^LIS^1.2.840.99^ISO"
    (common,) = hl7.parse(written(slides.prediction(), style)).segments("ORC")
    assert str(common[2]) == str(request[2])


def test_an_indeterminate_answer_states_no_level_and_advises_the_reflex_test(
    slides: SlideFindings, style: Style
) -> None:
    message = written(slides.prediction(indeterminate()), style)
    found = rows(message)
    assert str(found["her2_he_level", "1"][5][0][0]) == "indeterminate"
    assert "reflex IHC/ISH" in str(found["advice", "1"][5])
    assert "|resembles_" not in message


def test_what_an_answer_lacks_is_said_not_to_be_obtainable(slides: SlideFindings, style: Style) -> None:
    found = rows(written(KINDS["without interval"](slides), style))
    missing = [found["her2_he_interval", "1"], *(found[row.code, "1"] for row in local.SHARES.values())]
    assert {(str(row[5]), str(row[11])) for row in missing} == {("", "X")}


def test_what_could_not_be_analysed_goes_out_with_its_coded_reason(slides: SlideFindings, style: Style) -> None:
    found = rows(written(slides.not_analysed(), style))
    assert str(found["analysis_status", "1"][5][0][0]) == "not_analysed"
    assert str(found["reason", "1"][5][0][0]) == "resol_unknown"
    assert "micrometres" in str(found["explained", "1"][5])
    assert [str(found[code, "1"][11]) for code in ("her2_he_level", "her2_he_score")] == ["X", "X"]


def test_a_withdrawal_takes_every_number_and_every_remark_back(slides: SlideFindings, style: Style) -> None:
    before = rows(written(slides.prediction(), style))
    message = written(slides.withdrawal(slides.prediction()), style, there(slides.prediction()))
    after = rows(message)
    assert len(before.keys() & after.keys()) == len(before)
    silent = before.keys() - {("intended_use", "1"), ("validity", "1"), ("explained", "1")}
    assert {(str(after[key][5]), str(after[key][11])) for key in silent} == {("", "X")}
    assert str(next(iter(hl7.parse(message).segments("OBR")))[25]) == "X"
    assert "do not use it" in str(after["explained", "1"][5])


def merged(messages: list[str]) -> dict[tuple[str, str], str]:
    """Return what a LIS shows that keeps rows by code and sub-id: the newest of each, nothing that became X."""
    kept: dict[tuple[str, str], str] = {}
    for message in messages:
        for key, row in rows(message).items():
            kept[key] = str(row[5])
            if str(row[11]) == "X":
                del kept[key]
    return kept


@pytest.mark.parametrize("after", KINDS)
@pytest.mark.parametrize("before", KINDS)
def test_a_lis_that_merges_row_by_row_shows_nothing_of_the_earlier_message(
    before: str, after: str, slides: SlideFindings, style: Style
) -> None:
    earlier = KINDS[before](slides)
    if earlier.prediction and earlier.prediction.slide:
        wordy = replace(earlier.prediction, flags=earlier.prediction.flags * 3)
        earlier = replace(earlier, prediction=wordy)
    last = written(KINDS[after](slides), style, there(earlier))
    assert merged([written(earlier, style), last]) == merged([last])


@pytest.mark.parametrize(
    ("review", "revision", "there_already", "status"),
    [
        (ReviewState.NOT_REQUIRED, 1, 0, "P"),
        (ReviewState.NOT_REQUIRED, 2, 1, "C"),
        (ReviewState.WAITING, 1, 0, "P"),
        (ReviewState.ACCEPTED, 2, 0, "F"),
        (ReviewState.ACCEPTED, 2, 1, "F"),
        (ReviewState.OVERRIDDEN, 4, 2, "C"),
    ],
)
def test_only_a_person_makes_a_result_final_and_what_replaces_another_is_a_correction(
    review: ReviewState, revision: int, there_already: int, status: str, slides: SlideFindings, style: Style
) -> None:
    finding = replace(slides.prediction(), review=review, revision=revision)
    earlier = there(finding, there_already) if there_already else ()
    assert result_status(finding, earlier) == status
    found = rows(written(finding, style, earlier))
    assert str(found["her2_he_level", "1"][11]) == status


def test_the_banner_comes_before_every_number(slides: SlideFindings, style: Style) -> None:
    first = next(iter(rows(written(slides.prediction(), style)).values()))
    assert "DEMONSTRATION" in str(first[5])
    clinical = written(KINDS["clinical"](slides), style)
    assert "DEMONSTRATION" not in clinical


def test_a_patient_is_an_identifier_and_never_a_name(slides: SlideFindings, style: Style) -> None:
    (patient,) = hl7.parse(written(slides.prediction(), style)).segments("PID")
    assert str(patient[3]) == "PAT-0042^^^HOSP^MR"
    assert str(patient[5]) == "~^^^^^^U"
    oid = to_oru(slides.prediction(), (), style, TO, "1.2.3").decode()
    assert "PAT-0042^^^&1.2.3&ISO^MR" in oid


def test_a_finding_about_no_slide_is_refused(findings: Findings, style: Style) -> None:
    with pytest.raises(PermanentError, match="about slides"):
        to_oru(findings.prediction(), (), style, TO, "HOSP")
