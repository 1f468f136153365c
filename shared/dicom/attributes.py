"""Which attributes say whose image it is, and which are rewritten on the way without changing the image.

Tags are those of PS3.6; each row names the module it comes from. The split decides between a *correction* (only
identity differs) and a *quarantine* (anything else differs), so both sets are closed lists.
"""

from __future__ import annotations

IDENTITY: frozenset[int] = frozenset(
    {
        # Patient Identification and Patient Demographic modules, PS3.3 C.2.2 and C.2.3; Patient module C.7.1.1
        0x00100010,  # Patient's Name
        0x00100020,  # Patient ID
        0x00100021,  # Issuer of Patient ID
        0x00100022,  # Type of Patient ID
        0x00100024,  # Issuer of Patient ID Qualifiers Sequence
        0x00100030,  # Patient's Birth Date
        0x00100032,  # Patient's Birth Time
        0x00100033,  # Patient's Birth Date in Alternative Calendar
        0x00100034,  # Patient's Death Date in Alternative Calendar
        0x00100035,  # Patient's Alternative Calendar
        0x00100040,  # Patient's Sex
        0x00101000,  # Other Patient IDs (retired)
        0x00101001,  # Other Patient Names
        0x00101002,  # Other Patient IDs Sequence
        0x00101005,  # Patient's Birth Name
        0x00101010,  # Patient's Age: follows from the birth date
        0x00101040,  # Patient's Address
        0x00101060,  # Patient's Mother's Birth Name
        0x00102154,  # Patient's Telephone Numbers
        0x00102160,  # Ethnic Group
        0x00104000,  # Patient Comments
        # General Study module, PS3.3 C.7.2.1, and the order the study answers
        0x00080050,  # Accession Number
        0x00080051,  # Issuer of Accession Number Sequence
        0x00080090,  # Referring Physician's Name
        0x00081110,  # Referenced Study Sequence
        0x00081120,  # Referenced Patient Sequence
        0x00200010,  # Study ID
        0x00380010,  # Admission ID
        0x00380014,  # Issuer of Admission ID Sequence
        0x00400275,  # Request Attributes Sequence
        0x00401001,  # Requested Procedure ID
        0x00402016,  # Placer Order Number / Imaging Service Request
        0x00402017,  # Filler Order Number / Imaging Service Request
    }
)
"""Patient and order identity: digested into ``identity_digest``. Study and Series Instance UID are *not* here: the
same instance under another study is a contradiction, not a correction."""

ADMINISTRATIVE: frozenset[int] = frozenset(
    {
        0x00080005,  # Specific Character Set: changes with the encoding of a corrected name
        0x00080054,  # Retrieve AE Title: set by each archive, PS3.4 C.3.4
        0x00080056,  # Instance Availability, PS3.4 C.4.23
        0x04000561,  # Original Attributes Sequence: how an archive records a correction, PS3.3 C.12.1.1.9
        0xFFFCFFFC,  # Data Set Trailing Padding, PS3.10 7.2
    }
)
"""Rewritten on the way by archives: in neither digest."""
