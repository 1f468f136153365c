"""Take over complete DICOM studies with slide microscopy: each series of a pyramid is one slide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.ports.slides import DicomHeader, SlideFile, SlideRow
from services.slide_ingestion.ports.store import Store, Writing
from shared.domain.errors import InvalidInputError
from shared.domain.slide_registry import SlideState
from shared.domain.study import MICROSCOPY, Instance, Study
from shared.storage.ranges import place_of

DICOM_DOOR = "dicom"
_ARRIVED = "it is looked into"


@dataclass(frozen=True, slots=True)
class TakeStudy:
    """Takes a study; the same study again changes nothing."""

    store: Store
    judge: JudgeSlides
    new_slide_id: Callable[[], str]

    def __call__(self, study: Study) -> int:
        """Return the number of slides in it.

        Raises:
            InvalidInputError: If there is no slide in it.
            TemporaryError: If the database cannot be reached.
        """
        series: dict[str, list[Instance]] = {}
        for one in study.instances:
            if one.modality == MICROSCOPY:
                series.setdefault(one.series_instance_uid, []).append(one)
        if not series:
            raise InvalidInputError("study.instances", "none of them is slide microscopy (SM)")
        header = DicomHeader(study.study_instance_uid, study.identity, study.demographics, study.study_date,
                             study.sender, study.conflicts)  # fmt: skip
        evidence = f"{study.completeness.evidence.value}: {study.completeness.detail}"
        with self.store.writing() as writing:
            for uid, instances in sorted(series.items()):
                self._take(writing, f"{study.study_instance_uid}|{uid}", header, _files(instances), evidence)
        return len(series)

    def _take(
        self, writing: Writing, place: str, header: DicomHeader, files: tuple[SlideFile, ...], evidence: str
    ) -> None:
        row = writing.at(DICOM_DOOR, place)
        if row is None:
            row = SlideRow(self.new_slide_id(), DICOM_DOOR, place, (), SlideState.CHECKING, _ARRIVED,
                           writing.now, writing.now)  # fmt: skip
        if row.header == header and row.files == files and not row.gone:
            return
        if _content(row.files) == _content(files) and row.digest and not row.gone:
            writing.keep(replace(row, header=header, files=files))
            self.judge(writing, [row.slide_id])
            return
        writing.keep(replace(
            row, header=header, files=files, state=SlideState.CHECKING, reason=_ARRIVED, state_time=writing.now,
            evidence=evidence, digest="", description=None, trouble=None, compared="", tried=(), barcode_order="",
            person=None, gone=False,
        ))  # fmt: skip


def _files(instances: list[Instance]) -> tuple[SlideFile, ...]:
    return tuple(
        SlideFile("", _length(one.blob_uri), one.content_digest, one.blob_uri, one.content_digest, one.sop_instance_uid,
                  one.sop_class_uid, one.series_instance_uid, one.identity_digest)
        for one in sorted(instances, key=lambda one: (-_length(one.blob_uri), one.sop_instance_uid))
    )  # fmt: skip


def _length(uri: str) -> int:
    """Return the bytes of a stored object: the largest of a pyramid holds level 0, and is opened."""
    return place_of(uri).length or 0


def _content(files: tuple[SlideFile, ...]) -> list[tuple[str, str, str]]:
    return sorted((one.sop_instance_uid, one.digest, one.uri) for one in files)
