"""What a site measured about one scanner, as a signed file: ``NAME.json``, and beside it ``NAME.sig``.

``NAME.sig`` holds 64 raw bytes: Ed25519 (RFC 8032) over the bytes of ``NAME.json``, by one of the keys that may sign
bundles. A record changes scores: one that is not signed, was altered, or belongs to another bundle is not applied.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.bundles.keys import TrustedKeys
from shared.domain.errors import OutOfResourcesError
from shared.domain.prediction import BundleReference
from shared.domain.slides import Scanner, SlideCalibration

LARGEST_SHIFT = 0.67
"""The whole range of the score (paper 003)."""
MAX_BYTES = 64 * 1024
SUFFIX, SIGNATURE_SUFFIX = ".json", ".sig"

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CalibrationRecord(BaseModel):
    """One record as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = 1
    record_id: Name
    """Name of the file without its ending."""
    bundle_id: Name
    bundle_digest: Sha256
    """The very bundle it was measured with."""
    site: Text
    manufacturer: str = Field(default="", max_length=64)
    model: str = Field(default="", max_length=64)
    """Of the scanner, exactly as its files state it."""
    shift: float = Field(ge=-LARGEST_SHIFT, le=LARGEST_SHIFT)
    """Added to the score before the levels are read."""
    interval: tuple[float, float] | None = None
    """95 % of the shift."""
    n: int = Field(gt=0)
    """Slides with a known HER2 status it rests on."""
    positives: int = Field(ge=0)
    """Of these HER2-positive."""
    method: Text
    cohort_sha256: Sha256
    """Of the manifest of the slides."""
    made_time: AwareDatetime


@dataclass(frozen=True, slots=True)
class Calibrations:
    """The records of one folder that are signed, and why others are not applied."""

    records: tuple[tuple[CalibrationRecord, SlideCalibration], ...] = ()
    problems: tuple[str, ...] = ()
    """One sentence each, for a person."""

    def choose(self, bundle: BundleReference, scanner: Scanner) -> tuple[SlideCalibration | None, tuple[str, ...]]:
        """Return the newest record for this bundle and scanner; and, where there is none, what may be the reason."""
        who = (scanner.manufacturer, scanner.model)
        here = [pair for pair in self.records if any(who) and (pair[0].manufacturer, pair[0].model) == who]
        ours = [pair for pair in here if pair[0].bundle_digest == bundle.digest]
        if ours:
            return max(ours, key=_age)[1], ()
        other = tuple(
            f"calibration record {record.record_id} is of another bundle ({record.bundle_id}) and was not applied"
            for record, _ in here
        )
        return None, (*other, *self.problems)


def load_calibrations(folder: Path | None, keys: TrustedKeys) -> Calibrations:
    """Read every record of a folder; what is refused becomes a problem and hinders no other."""
    if folder is None:
        return Calibrations()
    if not folder.is_dir():
        return Calibrations(problems=("the folder of calibration records is not there",))
    found = [_read(path, keys) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    records = tuple(one for one in found if not isinstance(one, str))
    return Calibrations(records, tuple(one for one in found if isinstance(one, str)))


def write_calibration(folder: Path, record: CalibrationRecord, key: Ed25519PrivateKey) -> Path:
    """Sign a record and put it into a folder; return the file.

    Raises:
        OutOfResourcesError: If it cannot be written.
    """
    content = (record.model_dump_json(indent=2) + "\n").encode()
    path = folder / f"{record.record_id}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(SIGNATURE_SUFFIX).write_bytes(key.sign(content))
        path.write_bytes(content)
    except OSError as error:
        raise OutOfResourcesError(f"the calibration record cannot be written ({error.strerror})") from error
    return path


def _age(pair: tuple[CalibrationRecord, SlideCalibration]) -> tuple[datetime, str]:
    return pair[0].made_time, pair[0].record_id


def _read(path: Path, keys: TrustedKeys) -> tuple[CalibrationRecord, SlideCalibration] | str:
    name = f"calibration record {path.stem[:64]}"
    try:
        content, signature = _bytes(path), _bytes(path.with_suffix(SIGNATURE_SUFFIX))
    except OSError:
        return f"{name} cannot be read, or has no signature beside it, and was not applied"
    signer = keys.signer(signature, content)
    if not signer:
        return f"{name} is not signed by a trusted key, or was altered, and was not applied"
    try:
        record = CalibrationRecord.model_validate_json(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"])
        return f"{name} is not understood ({where}) and was not applied"
    if record.record_id != path.stem:
        return f"{name} calls itself {record.record_id} and was not applied"
    return record, _pinned(record, signer, hashlib.sha256(content).hexdigest())


def _pinned(record: CalibrationRecord, signer: str, digest: str) -> SlideCalibration:
    return SlideCalibration(
        record.record_id, record.bundle_digest, record.manufacturer, record.model, record.shift, record.n, signer,
        digest,
    )  # fmt: skip


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES)
