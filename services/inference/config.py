"""Settings of the inference worker (table ``[inference]``)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from shared.bundles.runtimes.port import Engine, Precision, RuntimeChoice
from shared.messaging.task import CPU_QUEUE
from shared.site.secret_files import RedisSettings


class Settings(RedisSettings):
    """What a worker needs."""

    section: ClassVar[str] = "inference"

    results_address: str = "127.0.0.1:50051"
    """gRPC address of results (serve)."""
    bundle_folders: tuple[Path, ...] = ()
    """Folders that hold bundles, besides the demonstration bundles that ship."""
    trusted_key_folder: Path | None = None
    """Folder with public keys (*.pem) of this site's bundles."""
    explain_address: str = ""
    """gRPC address (host:port) of the process that answers "what if"; empty: there is none."""
    explain_ops_address: str = ""
    """Health and metrics of that process (host:port); ``ops_address`` is the worker's."""
    queues: tuple[str, ...] = Field(default=(CPU_QUEUE,), min_length=1)
    """Queues this worker takes orders from."""
    concurrency: int = Field(default=2, ge=1, le=64)
    """Cases answered at once, one child process each; studies one at a time. With 1, a large network stays loaded."""
    runtime: Engine = "onnxruntime"
    """What networks run on: ``onnxruntime``, ``openvino`` (its extra must be installed), or ``cuda`` (a worker with a
    GPU)."""
    precision: Precision = "float32"
    """Arithmetic of networks; ``bfloat16`` and ``int8`` where the bundle admits them by its measured drift, else
    float32 answers and says so."""
    threads: int = Field(default=0, ge=0, le=64)
    """Threads of one network; 0: as many as the process may use cores. One study is measured at a time per worker."""
    deadline_s: float = Field(default=10.0, gt=0)
    """Longest wait for one answer of results, in seconds."""
    claim_patience_s: float = Field(default=20.0, ge=0)
    """How long to try to claim a case while results cannot be reached; afterwards the ledger sends it again."""
    lease_margin_s: float = Field(default=1.0, ge=0)
    """An answer is not sent any more when less than this is left of the lease, in seconds."""
    first_retry_s: float = Field(default=0.2, gt=0)
    """Pause before the first repeat towards results; doubles up to ``longest_retry_s``."""
    longest_retry_s: float = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _runtime_exists(self) -> Self:
        """Refuse, at the start and not at the first study, a precision its runtime does not have."""
        _ = self.network_runtime
        return self

    @property
    def network_runtime(self) -> RuntimeChoice:
        """Return what networks run on."""
        return RuntimeChoice(self.runtime, self.precision, self.threads)
