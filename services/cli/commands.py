"""Every command of ``oncorelay``: where it stands, and the first line of its help."""

from __future__ import annotations

from services.cli.elsewhere import Places

COMMANDS: Places = {
    "audit": ("services.cli.governance:audit", "Check, show and export who did what, when and why."),
    "backup": (
        "services.cli.backup.command:backup",
        "Copy everything durable into FOLDER: ledger, facts, journal, blobs, keys, site file. Services may go on.",
    ),
    "bundle": (
        "services.cli.train:bundle",
        "Seal the model of a finished run as a signed bundle; of ln_pcr, one per family of models.",
    ),
    "calibrate": (
        "services.cli.calibrate:calibrate",
        "Measure by how much a scanner moves every score, and sign the record.",
    ),
    "case": (
        "services.cli.cases:case",
        "Show one case: findings, images, deliveries, and every step with time, actor and reason.",
    ),
    "cases": ("services.cli.cases:cases", "List cases, newest first, with what a person must see."),
    "certs": (
        "services.cli.certs:certs",
        "Make the site's certificates: one authority, one certificate and key per service, one administrator (you).",
    ),
    "demo": (
        "services.cli.demo.command:demo",
        "Bring a PACS, an EHR and the whole system up, take simulated cases through, and show what went where.",
    ),
    "doctor": (
        "services.cli.doctor:doctor",
        "Check configuration, secrets, disk, Redis, ledger, bundles, services and every peer, in both directions.",
    ),
    "erase": (
        "services.cli.governance:erase",
        "Erase what the facts, the DICOM objects, the slides and the ledger hold of one patient. It cannot be undone.",
    ),
    "explain": (
        "services.cli.explain:explain",
        "Ask a nomogram by hand: points, risks with intervals, and the picture.",
    ),
    "letters": ("services.cli.letters:letters", "List dead letters: results that could not be delivered, and why."),
    "literature": ("services.cli.literature:literature", "Work with published tables of metrics."),
    "models": ("services.cli.models:models", "Show and verify the installed model bundles."),
    "predict": ("services.cli.models:predict", "Ask a bundle by hand; nothing is stored."),
    "recalibrate": (
        "services.cli.recalibrate:recalibrate",
        "Update a bundle with a site's patients; too few events are refused with the number needed.",
    ),
    "report": (
        "services.cli.report:report",
        "Write the report of a finished run: tables and pictures. Needs no network.",
    ),
    "restore": (
        "services.cli.backup.command:restore",
        "Put a backup back where it came from, on a machine where nothing of it is left.",
    ),
    "retry": ("services.cli.cases:retry", "Ask a failed case again and resend its dead letters."),
    "review": ("services.cli.cases:review", "Record a person's verdict on a result that waits for review."),
    "send": (
        "services.cli.send:send",
        "Send DICOM files by C-STORE and FHIR JSON by HTTP to the running system; folders are searched.",
    ),
    "simulate-cohort": (
        "services.cli.simulate:simulate",
        "Write a simulated cohort: no patients, and a truth that is known.",
    ),
    "sinks": (
        "services.cli.letters:sinks",
        "Show every sink: whether deliveries flow, since when not and why, and what is owed to it.",
    ),
    "slides": ("services.cli.slides:slides", "Whole-slide images: what came, where it stands and why."),
    "stability": (
        "services.cli.stability:stability",
        "Measure every patient again with the region, the bins, the voxels, the phase altered: ICC and change of AUC.",
    ),
    "train": (
        "services.cli.train:train_command",
        "Train a model on a cohort: selection, models, honest performance; everything into one run folder.",
    ),
    "up": ("services.cli.up:up", "Run every service on this machine, with embedded parts, until Ctrl-C."),
    "validate": (
        "services.cli.models:validate",
        "Measure a bundle on a cohort: flow of exclusions, discrimination, calibration.",
    ),
    "withdraw": ("services.cli.cases:withdraw", "Take back the result of a case at every sink it reached."),
}
