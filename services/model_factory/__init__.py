"""model_factory.

in: cohort sheets and manifests. out: validation reports and signed bundles. never: serves, sees a live patient.
"""
