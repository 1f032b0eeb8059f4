"""What the command refuses."""

from __future__ import annotations


class WrongInput(ValueError):
    """The use case cannot be made of this input. The text says why; nothing was written."""
