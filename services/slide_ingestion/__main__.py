"""``python -m services.slide_ingestion``: says what it could take in with the predictors installed."""

from __future__ import annotations

from shared.predictors.registry import REGISTRY


def main() -> None:
    """Say in one line that no installed predictor takes slides (or which one waits for this service)."""
    names = [name for name, predictor in REGISTRY.items() if predictor.takes == "slide"]
    print(
        "slide_ingestion: "
        + (f"not built yet for {', '.join(names)}" if names else "no predictor installed that takes slides")
    )


if __name__ == "__main__":
    main()
