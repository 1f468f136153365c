"""dicom_listener.

in: C-ECHO and C-STORE from listed AE titles. out: durable instances grouped into studies; SubmitCase to results when a
study is complete, with the evidence for it. never: decides medicine, changes a byte, says Success before it is stored.
"""
