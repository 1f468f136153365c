"""``radiomics_1781``: all features of preset A, against pyradiomics called as its manual says, same settings, same run.

Cases: brain1 of pyradiomics' own test data and a lesion about 64 voxels across; each with our default settings
(z-score, 1 mm, 32 bins) and, brain1, as pyradiomics publishes it (nothing resampled, bins of 25). Both sides may use
every core there is (ITK does by itself); ours takes two. The lower ratio counts. The numbers are compared too: the
largest relative difference stands in the notes, and one above 1e-9 fails the bench.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.engine import required_engine
from shared.radiomics.names import PAPER
from shared.radiomics.plain import PlainEngine
from tests.bench.ln_pcr.options import Measured, Options, in_turns, seconds
from tests.bench.rows import Row
from tests.mri import Case, ball, lesion, real_case

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
DEFAULT = RadiomicsSettings()
PUBLISHED = RadiomicsSettings(
    bin_width=25, bin_count=None, normalise=False, voxel_array_shift=2000, resampled_mm=None
)  # fmt: skip
SAME = 1e-9


def measure(options: Options) -> Measured:
    """Return a row per case and settings."""
    measured = [_row(name, case, settings, options.repeats) for name, case, settings in _cases()]
    notes = [one for part in measured for one in part.notes]
    if not DATA.is_dir():
        notes.append("brain1 is not here (../shared/data)")
    return Measured(
        tuple(row for part in measured for row in part.rows), tuple(notes), all(part.passed for part in measured)
    )


def _cases() -> list[tuple[str, Case, RadiomicsSettings]]:
    brain = [("brain1", DEFAULT), ("brain1 as published", PUBLISHED)] if DATA.is_dir() else []
    real = [(name, real_case(DATA, "brain1"), settings) for name, settings in brain]
    return [*real, ("lesion 64", lesion(64), DEFAULT)]


def _row(name: str, case: Case, settings: RadiomicsSettings, repeats: int) -> Measured:
    two, one, peer = required_engine(cores=2), required_engine(), PlainEngine()
    for engine in (two, one, peer):
        engine.measure(*ball(), settings)
    ours, plain = in_turns(
        lambda: two.measure(*case, settings), lambda: peer.measure(*case, settings), repeats
    )  # fmt: skip
    alone = min(seconds(lambda: one.measure(*case, settings)) for _ in range(repeats))
    six = min(seconds(lambda: one.measure(*case, settings, PAPER)) for _ in range(repeats))
    difference = largest_difference(two.measure(*case, settings), peer.measure(*case, settings))
    note = (
        f"radiomics {name}: {case[1].count} voxels; one core {alone:.2f} s; only the paper's six, one core, "
        f"{six:.2f} s; largest relative difference {difference:.1e}"
    )
    row = Row(f"radiomics_1781 {name}", ours, plain, "pyradiomics 3.0.1 plain", "s")
    return Measured((row,), (note,), difference <= SAME)


def largest_difference(ours: Mapping[str, float], peer: Mapping[str, float]) -> float:
    """Return the largest relative difference of any feature."""
    return max(abs(ours[name] - value) / abs(value) if ours[name] != value else 0.0 for name, value in peer.items())
