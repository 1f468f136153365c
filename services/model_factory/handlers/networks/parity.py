"""What is raised where an exported graph does not say what its network says."""

from __future__ import annotations

from shared.domain.errors import PermanentError


class ParityError(PermanentError):
    """The ONNX graph and the network disagree."""
