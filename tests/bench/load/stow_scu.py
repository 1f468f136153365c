"""A modality that sends by STOW-RS (PS3.18 10.5), and the DICOM files (PS3.10 7.1) that it sends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.load.store_scu import EXPLICIT_LITTLE, MR_IMAGE
from tests.bench.load.studies import Instance

TOKEN = "a-key-of-the-harness-for-the-stow-door"
_BOUNDARY = "XX-bench"
_KIND = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'


@dataclass(frozen=True, slots=True)
class StowScu:
    """One sender; a connection of its own for every request."""

    port: int
    timeout_s: float = 20.0

    def store(self, instances: Iterable[Instance]) -> frozenset[str]:
        """Return the SOP Instance UIDs that the answer names as stored (PS3.18 10.5.3.1: 200, 202 and 409).

        Raises:
            OSError: If nobody answers, or the request is refused as a whole: nobody knows what is stored.
        """
        files = (part10(MR_IMAGE, one.sop_instance_uid, EXPLICIT_LITTLE, one.data_set) for one in instances)
        body = b"".join(
            b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (_BOUNDARY.encode(), f) for f in files
        )
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": _KIND}
        url = f"http://127.0.0.1:{self.port}/dicomweb/studies"
        try:
            answer = httpx.post(
                url, content=body + f"--{_BOUNDARY}--\r\n".encode(), headers=headers, timeout=self.timeout_s,
                trust_env=False,
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise ConnectionError(f"stow {type(error).__name__}") from error
        if answer.status_code not in (200, 202, 409):
            raise ConnectionError(f"stow {answer.status_code}")
        stored = answer.json().get("00081199", {}).get("Value", ())
        return frozenset(row["00081155"]["Value"][0] for row in stored)


def stow_key(site: Path) -> None:
    """Write the key of the STOW-RS door beside a site file."""
    key = site.parent / "secrets" / "dicom_listener.token"
    key.touch(mode=0o600)
    key.write_text(f"{TOKEN}\n")


def part10(sop_class: str, sop_instance: str, syntax: str, data_set: bytes) -> bytes:
    """Return a DICOM file (PS3.10 7.1) around a data set that may be anything."""
    rows = ((0x0002, sop_class), (0x0003, sop_instance), (0x0010, syntax), (0x0012, "1.2.3.4"))
    meta = b"".join(_explicit(element, value.encode("latin-1", "replace")) for element, value in rows)
    length = b"\x02\0\0\0UL\x04\0" + len(meta).to_bytes(4, "little")
    return bytes(128) + b"DICM" + length + meta + data_set


def _explicit(element: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return b"\x02\0" + element.to_bytes(2, "little") + b"UI" + len(value).to_bytes(2, "little") + value
