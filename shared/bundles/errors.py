"""Why a bundle is not served; every sentence ends with the remedy."""

from __future__ import annotations

from shared.domain.errors import PermanentError


class BundleRefusedError(PermanentError):
    """A bundle that is altered, unsigned, unreadable, or gives other numbers here than where it was made."""

    def __init__(self, bundle: str, reason: str, remedy: str) -> None:
        super().__init__(bundle, reason, remedy)
        self.bundle = bundle
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"bundle {self.bundle} is refused: {self.reason}; {self.remedy}"
