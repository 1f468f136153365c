"""results, the owner of the case ledger, in three processes that fail apart.

in: studies, facts' changes, predictions (gRPC, serve). out: orders to Celery (dispatch); DICOM SR, FHIR transactions
and files to sinks, read back (deliver). never: opens another service's database, sends what it cannot trace.
"""
