"""Small HL7 v2 messages as a laboratory would send them."""

from __future__ import annotations

HEADER = "MSH|^~\\&|LAB|HOSP|ONCORELAY|HOSP|{sent}||{kind}|{control}|P|{version}"
NEUTROPHILS = "751-8^Neutrophils^LN"
"""A code that becomes a fact; its unit by UCUM in OBX-6."""
ER = "85337-4^Estrogen receptor^LN"
UNIT = "10*3/uL^^UCUM"


def header(
    control: str = "M1", *, kind: str = "ORU^R01^ORU_R01", sent: str = "20260110120000", version: str = "2.5.1"
) -> str:
    """Return an MSH."""
    return HEADER.format(control=control, kind=kind, sent=sent, version=version)


def pid(mrn: str = "MRN1", born: str = "19700304", sex: str = "F") -> str:
    """Return a PID of the hospital."""
    return f"PID|1||{mrn}^^^HOSP^MR||Canary^Carla||{born}|{sex}"


def obr(filler: str = "F100^LAB", collected: str = "20260110101500") -> str:
    """Return an OBR."""
    return f"OBR|1|P1|{filler}|58410-2^CBC^LN|||{collected}"


def obx(
    value: str = "2.5", *, code: str = NEUTROPHILS, kind: str = "NM", unit: str = UNIT, status: str = "F",
    time: str = "", sub: str = "", limits: str = "1.8-7.5", number: int = 1,
) -> str:  # fmt: skip
    """Return an OBX."""
    return f"OBX|{number}|{kind}|{code}|{sub}|{value}|{unit}|{limits}||||{status}|||{time}"


def message(*segments: str) -> bytes:
    """Return the bytes of a message."""
    return "".join(segment + "\r" for segment in segments).encode()


def oru(*observations: str, control: str = "M1", mrn: str = "MRN1", sent: str = "20260110120000") -> bytes:
    """Return an ORU^R01 of one order; one final count of neutrophils unless told."""
    return message(header(control, sent=sent), pid(mrn), obr(), *(observations or (obx(),)))


def merge(ends: str, survives: str, control: str = "A1") -> bytes:
    """Return an ADT^A40."""
    segments = header(control, kind="ADT^A40^ADT_A39"), "EVN|A40|20260110", pid(survives), f"MRG|{ends}^^^HOSP^MR"
    return message(*segments)


def orc(control: str = "NW", number: str = "P77^LIS", status: str = "") -> str:
    """Return an ORC."""
    return f"ORC|{control}|{number}|||{status}"


def slide_obr(
    number: str = "P77^LIS", code: str = "60568-3^Pathology Synoptic report^LN", accession: str = "S26-100"
) -> str:
    """Return the OBR of an order for slides."""
    return f"OBR|1|{number}||{code}||||||||||||||{accession}||||||SP"


def spm(number: str = "S26-100-A", kind: str = "127457009^Tissue specimen from breast^SCT", place: str = "") -> str:
    """Return an SPM; the filler's number."""
    return f"SPM|1|^{number}&LIS||{kind}||||{place}"


def sac(slide: str = "S26-100-A-1-1", block: str = "S26-100-A-1") -> str:
    """Return a SAC: the slide, and the block it was cut from."""
    return f"SAC|||{slide}|{block}"


def oml(*segments: str, control: str = "O1", mrn: str = "MRN1", sent: str = "20260110120000") -> bytes:
    """Return an OML^O21; an order for one slide unless told."""
    order = segments or (orc(), slide_obr(), spm(), sac())
    return message(header(control, kind="OML^O21^OML_O21", sent=sent), pid(mrn), *order)
