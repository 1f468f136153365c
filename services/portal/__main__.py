"""``python -m services.portal``: says that there are no pages yet, and what to use meanwhile."""

from __future__ import annotations


def main() -> None:
    """Say it in one line."""
    print("portal: no pages yet; use `oncorelay cases` and `oncorelay case ID`")


if __name__ == "__main__":
    main()
