"""Ask a sender by C-FIND how much of a study it holds (PS3.4 C.6.2, Study Root; counts are optional keys)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from services.dicom_listener.ports.peers import CountAtSender
from shared.dicom.scu import CalledNode
from shared.domain.errors import UnavailableError

_PENDING = (0xFF00, 0xFF01)
_SUCCESS = 0x0000
# What pynetdicom and pydicom raise over an association that is gone, or over values that are not what they claim.
_UNUSABLE_ANSWER = (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class FindInstanceCount:
    """Implements ``ports.peers.InstanceCount`` for one peer."""

    calling_ae_title: str
    called_ae_title: str
    host: str
    port: int
    own_uid_root: str
    timeout_s: float

    def count(self, study_instance_uid: str, held: int) -> CountAtSender:
        """Ask at study level, and at series level where that number is not the one expected."""
        association = self._associate()
        try:
            return self._ask(association, study_instance_uid, held)
        except _UNUSABLE_ANSWER as error:
            raise UnavailableError(f"{self.called_ae_title} gave no usable answer to our query") from error
        finally:
            association.release()

    def _ask(self, association: Any, study_instance_uid: str, held: int) -> CountAtSender:
        studies = _find(association, _query("STUDY", study_instance_uid, "NumberOfStudyRelatedInstances"))
        total = sum(_number(row, "NumberOfStudyRelatedInstances") for row in studies)
        if total == held:
            return CountAtSender(total, 0)
        series = _find(association, _query("SERIES", study_instance_uid, "NumberOfSeriesRelatedInstances"))
        return CountAtSender(total, sum(self._ours(row) for row in series))

    def _ours(self, row: Dataset) -> int:
        ours = str(row.get("SeriesInstanceUID", "")).startswith(self.own_uid_root + ".")
        return _number(row, "NumberOfSeriesRelatedInstances") if ours else 0

    def _associate(self) -> Any:
        node = CalledNode(self.host, self.port, self.called_ae_title, self.calling_ae_title, self.timeout_s)
        asked = node.ask([StudyRootQueryRetrieveInformationModelFind])
        if not asked.established:
            raise UnavailableError(f"{self.called_ae_title} does not accept our query association")
        return asked.association


def _query(level: str, study_instance_uid: str, count_keyword: str) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel = level
    query.StudyInstanceUID = study_instance_uid
    if level == "SERIES":
        query.SeriesInstanceUID = ""
    setattr(query, count_keyword, None)
    return query


def _find(association: Any, query: Dataset) -> list[Dataset]:
    rows = []
    for status, row in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
        code = status.get("Status")
        if code in _PENDING and row is not None:
            rows.append(row)
        elif code != _SUCCESS:
            raise UnavailableError("the sender did not answer our query")
    return rows


def _number(row: Dataset, keyword: str) -> int:
    """Return a returned count.

    Raises:
        UnavailableError: If the sender left it out (the key is optional).
    """
    value = row.get(keyword)
    if value in (None, ""):
        raise UnavailableError(f"the sender does not state {keyword}")
    return int(value)
