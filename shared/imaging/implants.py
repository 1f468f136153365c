"""Whether the breasts hold implants, as far as headers say it.

MR objects have no attribute for it: Breast Implant Present (0028,1300) belongs to mammography (PS3.3 C.8.11.7). What
says it is how the series are called: silicone-selective and silicone-suppressed sequences are run for implants alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.imaging.dynamic import FrameHeader

_SIGN = re.compile(r"SILICON|IMPLANT|PROTHES|PROSTHES|\bSIL[ _]?(SUP|SAT|ONLY|SEL)")


def implant_sign(headers: Sequence[FrameHeader]) -> str:
    """Return why implants are assumed, in words without the headers' own text; empty where nothing says so."""
    named = {header.series_instance_uid for header in headers if _SIGN.search(header.description.upper())}
    if not named:
        return ""
    return f"{len(named)} of the study's series {'is' if len(named) == 1 else 'are'} named after silicone or an implant"
